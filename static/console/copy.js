"use strict";
/* Buttons with data-copy put that text on the clipboard. Without it they stay hidden: the text is there to be selected. */
(() => {
  document.addEventListener("DOMContentLoaded", () => {
    if (!navigator.clipboard) return;
    document.querySelectorAll("[data-copy]").forEach((button) => (button.hidden = false));
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const says = document.querySelector("[data-copy-says]");
    if (says) says.textContent = "Copied.";
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
})();
