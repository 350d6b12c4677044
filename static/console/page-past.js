"use strict";
/* Shows what a correction would change while it is typed (templates/admin/pages/past.html). Without it a button does. */
(() => {
  function start(form) {
    const place = form.querySelector("[data-past-effect]");
    let timer = 0;
    let asking = null;

    async function ask() {
      if (asking) asking.abort();
      const mine = (asking = new AbortController());
      const data = new FormData(form);
      data.set("do", "effect");
      try {
        const answer = await fetch(location.href.split("#")[0], {
          method: "POST",
          body: data,
          headers: { "X-Part": "effect" },
          signal: mine.signal,
        });
        place.innerHTML = answer.ok ? await answer.text() : "";
      } catch (error) {
        if (error.name !== "AbortError") place.textContent = "";
      }
    }

    form.addEventListener("input", (event) => {
      if (event.target.name === "reason") return;
      clearTimeout(timer);
      timer = setTimeout(ask, 400);
    });
    if (location.search.includes("from=")) ask();
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-past-form]").forEach(start));
})();
