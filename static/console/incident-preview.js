"use strict";
/* Beside a text in Markdown: what readers will see of it, rendered by the server as everywhere. Without this
   script the text is a plain textarea. */
(() => {
  const WAIT_MS = 300;

  function start(box) {
    const text = box.querySelector("textarea");
    const section = box.querySelector("section");
    const shown = box.querySelector("[data-console-preview]");
    const form = text && text.form;
    if (!form || !section || !shown) return;
    let timer = 0;
    let latest = 0;

    async function ask() {
      const number = ++latest;
      if (!text.value.trim()) {
        section.hidden = true;
        shown.replaceChildren();
        return;
      }
      const data = new FormData(form);
      data.set("text", text.value);
      data.set("page", box.dataset.page || data.get("page") || "");
      data.set("affected", box.dataset.affected || "");
      try {
        const answer = await fetch(box.dataset.consoleMarkdown, {
          method: "POST",
          body: data,
          credentials: "same-origin",
          headers: { "X-Requested-With": "fetch" },
        });
        if (number !== latest) return;
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        /* The server renders and cleans it; it is the HTML that the public page shows. */
        shown.innerHTML = await answer.text();
      } catch {
        if (number === latest) shown.textContent = "The preview cannot be shown now. What you typed is kept.";
      }
      section.hidden = false;
    }

    function soon() {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT_MS);
    }

    form.addEventListener("input", (event) => {
      const name = event.target.name || "";
      if (event.target === text || name.startsWith("variable_")) soon();
    });
    form.addEventListener("change", (event) => {
      if ((event.target.name || "").startsWith("component_") && text.value.includes("{{")) soon();
    });
    if (text.value.trim()) ask();
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-console-markdown]").forEach(start);
  });
})();
