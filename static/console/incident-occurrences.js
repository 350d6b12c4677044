"use strict";
/* Below a rule of recurring maintenance: what it gives, reckoned by the server as it will be. Without this script
   the form tells it after it was saved. */
(() => {
  const WAIT_MS = 400;
  const NAMES = ["rule", "time_zone", "first_date", "start_time", "duration_minutes", "page"];

  function start(shown) {
    const form = shown.closest("form");
    if (!form) return;
    let timer = 0;
    let latest = 0;

    async function ask() {
      const number = ++latest;
      const data = new FormData();
      data.set("csrfmiddlewaretoken", form.elements["csrfmiddlewaretoken"].value);
      for (const name of NAMES) {
        if (form.elements[name]) data.set(name, form.elements[name].value);
      }
      try {
        const answer = await fetch(shown.dataset.consoleOccurrences, {
          method: "POST",
          body: data,
          credentials: "same-origin",
        });
        if (number !== latest) return;
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        shown.innerHTML = await answer.text();
      } catch {
        if (number === latest) shown.textContent = "This cannot be shown now. What you typed is kept.";
      }
      shown.hidden = false;
    }

    function soon(event) {
      if (!NAMES.includes(event.target.name)) return;
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT_MS);
    }

    form.addEventListener("input", soon);
    form.addEventListener("change", soon);
    if (form.elements["page"] && window.django && window.django.jQuery) {
      /* Select2 tells of a choice by jQuery only. */
      window.django.jQuery(form.elements["page"]).on("change", (event) => soon(event));
    }
    ask();
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-console-usual]").forEach((select) => {
      const rule = document.getElementById(select.dataset.consoleUsual);
      select.closest("[hidden]").hidden = false;
      select.addEventListener("change", () => {
        if (!select.value || !rule) return;
        rule.value = select.value;
        rule.dispatchEvent(new Event("input", { bubbles: true }));
      });
    });
    document.querySelectorAll("[data-console-occurrences]").forEach(start);
  });
})();
