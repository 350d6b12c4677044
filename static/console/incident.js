"use strict";
/* The screen on which readers are told something. Without this script every button still does its work. */
(() => {
  function start(form) {
    const post = form.querySelector("[data-console-post]");
    const at = form.elements["publish_at"];
    const label = post && post.textContent.trim();

    /* The button says what it does: now, or at the time that is given. */
    function name() {
      if (post && at && !label.startsWith("Ask")) post.textContent = at.value ? "Schedule" : label;
    }
    if (at) at.addEventListener("input", name);
    name();

    const all = form.querySelector("[data-console-operational]");
    if (all) {
      all.addEventListener("click", (event) => {
        event.preventDefault();
        form.querySelectorAll("[data-console-affected] select").forEach((select) => {
          select.value = "operational";
          select.dispatchEvent(new Event("change", { bubbles: true }));
        });
      });
    }

    const find = form.querySelector("[data-console-filter]");
    if (find) {
      find.closest("[hidden]").hidden = false;
      find.addEventListener("input", () => {
        const wanted = find.value.trim().toLowerCase();
        form.querySelectorAll(".console-others [data-component-name]").forEach((row) => {
          const chosen = row.querySelector("select").value;
          row.hidden = !chosen && !row.dataset.componentName.includes(wanted);
        });
      });
      find.addEventListener("keydown", (event) => {
        if (event.key === "Enter") event.preventDefault();
      });
    }

    /* What was typed is not left by accident. */
    let changed = false;
    form.addEventListener("input", () => { changed = true; });
    form.addEventListener("submit", () => { changed = false; });
    window.addEventListener("beforeunload", (event) => {
      if (changed) event.preventDefault();
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-console-compose]").forEach(start);
  });
})();
