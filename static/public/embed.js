// Inside the embedded frame: asks the site around to show it while there is something to tell, renews itself each
// minute, and remembers what a reader has dismissed where the browser allows it.

const EVERY_S = 60;
const DISMISSED = "status-dismissed";

const frame = () => document.querySelector("main");
// The site around learns nothing but this word, so that any may have it.
const tell = (action) => window.parent.postMessage({ action }, "*");

let dismissed = null;
try {
  dismissed = localStorage.getItem(DISMISSED);
} catch {}

function dismiss() {
  dismissed = frame().dataset.notice ?? null;
  try {
    if (dismissed) localStorage.setItem(DISMISSED, dismissed);
  } catch {}
  tell("dismissFrame");
}

function settle() {
  const button = frame().querySelector(".dismiss");
  button.hidden = false;
  button.addEventListener("click", dismiss);
  const notice = frame().dataset.notice;
  if (!notice) tell("dismissFrame");
  else if (notice !== dismissed) tell("showFrame");
}

async function renew() {
  try {
    const response = await fetch(location.pathname, { cache: "no-cache", credentials: "omit" });
    if (!response.ok) return;
    const next = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("main");
    if (!next || (next.dataset.notice === frame().dataset.notice && next.className === frame().className)) return;
    frame().replaceWith(next);
    settle();
  } catch {}
}

settle();
setInterval(renew, EVERY_S * 1000);
