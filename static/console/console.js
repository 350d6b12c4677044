"use strict";
/* Progressive enhancement of the console's forms. Without it every field is shown, and rows are a text. */
(() => {
  /* What is typed is kept in the markup too: when a row above is removed, the theme renumbers the rows
     below by rewriting their markup, and everything typed into them would be lost. */
  function keep(field) {
    if (!field.closest || !field.closest(".formset")) return;
    if (field.matches("textarea")) field.textContent = field.value;
    else if (field.matches("select")) {
      for (const option of field.options) option.toggleAttribute("selected", option.selected);
    } else if (field.matches("input[type=checkbox], input[type=radio]")) {
      field.toggleAttribute("checked", field.checked);
    } else if (field.matches("input:not([type=password]):not([type=file])")) {
      field.setAttribute("value", field.value);
    }
  }

  /* data-show-when="field=value,value": the line of this field matters for these values only. */
  function showWhatMatters(root) {
    root.querySelectorAll("[data-show-when]").forEach((field) => {
      const [name, values] = field.dataset.showWhen.split("=");
      const prefix = (field.name.match(/^(.*-(?:\d+|__prefix__)-)[^-]+$/) || ["", ""])[1];
      const other = field.form && field.form.elements[prefix + name];
      const line = field.closest("[data-field-line]") || field.closest(".field-line") || lineOf(field);
      if (!other || !line) return;
      const value = other.type === "checkbox" && !other.checked ? "" : other.value;
      line.hidden = !values.split(",").includes(value);
    });
  }

  function lineOf(field) {
    const label = field.id && document.querySelector(`label[for="${field.id}"]`);
    let line = field.parentElement;
    while (line && label && !line.contains(label)) line = line.parentElement;
    return line;
  }

  document.addEventListener("input", (event) => keep(event.target));
  document.addEventListener("change", (event) => {
    keep(event.target);
    if (event.target.form) showWhatMatters(event.target.form);
  });
  document.addEventListener("DOMContentLoaded", () => showWhatMatters(document));
  document.addEventListener("formset:added", (event) => {
    showWhatMatters(event.target.closest(".form-group") || event.target);
  });

  /* A closed group of fields with a mistake in it is opened. */
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("details").forEach((details) => {
      if (details.querySelector(".errorlist, .errors")) details.open = true;
    });
  });

  /* A table that is wider than its place is scrolled by keys, too: it takes the focus, and says what it is. */
  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    const isWider = target.scrollWidth > target.clientWidth + 1;
    if (!isWider || target.hasAttribute("tabindex")) return;
    const part = target.closest("section, fieldset, details, aside, main") || document;
    const name = target.querySelector("caption") || part.querySelector("h1, h2, h3, legend, summary");
    target.tabIndex = 0;
    target.setAttribute("role", "group");
    target.setAttribute("aria-label", `Table${name ? ": " + name.textContent.trim() : ""}`);
  }));
  function watchTables() {
    document.querySelectorAll(".console-scroll:not([data-watched])").forEach((box) => {
      box.dataset.watched = "";
      sizes.observe(box);
    });
  }
  /* The theme's symbols are words to a screen reader: they are kept from it where something else is said. Its content
     is no landmark. */
  const SORTING = { arrow_circle_up: "Sort the other way", arrow_circle_down: "Sort the other way", cancel: "Do not sort by this" };
  function nameTheThemesParts() {
    const main = document.getElementById("main");
    if (main) main.setAttribute("role", "main");
    document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])").forEach((symbol) => {
      const held = symbol.closest("a, button, summary");
      const isAlone = held && held.textContent.trim() === symbol.textContent.trim() && !held.hasAttribute("aria-label");
      const says = isAlone && held.closest("th") && SORTING[symbol.textContent.trim()];
      if (says) held.setAttribute("aria-label", says);
      if (!isAlone || says) symbol.setAttribute("aria-hidden", "true");
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    nameTheThemesParts();
    watchTables();
    new MutationObserver(watchTables).observe(document.body, { childList: true, subtree: true });
  });
})();
