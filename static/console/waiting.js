"use strict";
/* A screen that waits: asks for the part that changes until that says it is over. Slower the longer it takes. */
(() => {
  const place = document.querySelector("[data-waiting]");
  const said = document.querySelector("[data-waiting-said]");
  const isOver = () => place.querySelector('[data-waiting-state="over"]') !== null;
  if (!place || isOver()) return;
  let pause = 500;
  let failures = 0;

  async function look() {
    try {
      const response = await fetch("?part=1", { credentials: "same-origin", headers: { "X-Requested-With": "fetch" } });
      if (!response.ok || response.redirected) throw new Error(String(response.status));
      const text = await response.text();
      /* What was opened stays open, and nothing is read out twice. */
      if (text !== look.before) place.innerHTML = text;
      look.before = text;
      failures = 0;
    } catch {
      failures += 1;
    }
    if (isOver()) {
      said.textContent = "It is over.";
      const refresh = document.querySelector("[data-waiting-refresh]");
      if (refresh) refresh.hidden = true;
    } else if (failures > 5) {
      said.textContent = "The server does not answer. Look again later.";
    } else {
      pause = Math.min(pause * 1.2, 5000);
      setTimeout(look, pause);
    }
  }
  setTimeout(look, pause);
})();
