// A site includes this from a status page: it shows the page's frame in a corner while there is something to tell.
// It needs no style sheet and no inline script, and speaks with its own frame only.
(() => {
  const address = new URL("frame", document.currentScript.src);
  const DISMISSED = `status-dismissed ${address.origin}${address.pathname}`;
  const isNarrow = window.innerWidth < 450;
  if (isNarrow) address.searchParams.set("mobile", "true");

  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = "Service status";
  Object.assign(frame.style, {
    position: "fixed",
    bottom: isNarrow ? "0" : "24px",
    left: "-9999px",
    width: isNarrow ? "100vw" : "320px",
    height: isNarrow ? "20vh" : "115px",
    border: "0",
    borderRadius: isNarrow ? "0" : "10px",
    boxShadow: "0 6px 24px rgb(0 0 0 / 25%)",
    colorScheme: "normal",
    zIndex: "9999",
    // Out of the keyboard's way too; its script runs all the same.
    visibility: "hidden",
  });

  const show = () => {
    frame.style.left = isNarrow ? "0" : "24px";
    frame.style.visibility = "visible";
  };
  const hide = () => {
    frame.style.left = "-9999px";
    frame.style.visibility = "hidden";
  };

  // A reader who has sent a notice away is not shown it again; where the browser keeps nothing, until the next page.
  let dismissed = null;
  try {
    dismissed = localStorage.getItem(DISMISSED);
  } catch {}
  const remember = (notice) => {
    dismissed = notice;
    try {
      localStorage.setItem(DISMISSED, notice);
    } catch {}
  };

  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== address.origin) return;
    const { action, notice } = event.data ?? {};
    if (action === "showFrame" && notice !== dismissed) show();
    if (action === "dismissFrame") {
      hide();
      remember(notice);
    }
  });
  window.statusEmbedTest = show;

  const add = () => document.body.append(frame);
  if (document.body) add();
  else document.addEventListener("DOMContentLoaded", add);
})();
