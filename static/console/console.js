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
})();
