// Inside the embedded frame: asks the site around to show it while there is something to tell, and renews itself each
// minute. That site's script remembers what a reader has dismissed: browsers keep nothing for a frame of another site.

const EVERY_S = 60;

const frame = () => document.querySelector("main");
// Any site may hear it: it says no more than the published page.
const tell = (action) => window.parent.postMessage({ action, notice: frame().dataset.notice ?? "" }, "*");

function settle() {
  const button = frame().querySelector(".dismiss");
  button.hidden = false;
  button.addEventListener("click", () => tell("dismissFrame"));
  if (frame().dataset.notice) tell("showFrame");
}

async function renew() {
  try {
    const response = await fetch(location.pathname, { cache: "no-cache", credentials: "omit" });
    if (!response.ok) return;
    const next = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("main");
    if (!next || (next.dataset.notice === frame().dataset.notice && next.className === frame().className)) return;
    const wasShown = frame().dataset.notice;
    frame().replaceWith(next);
    if (wasShown && !next.dataset.notice) tell("dismissFrame");
    settle();
  } catch {
    // Away for a while: what is shown stays, and the next minute asks again.
  }
}

settle();
setInterval(renew, EVERY_S * 1000);
