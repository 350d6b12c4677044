"use strict";
/* The order of a form's rows (requests): up and down buttons beside the theme's handle, for added rows as well.
   Each row's position field is written by its place; what the theme's dragging writes is put right by it. */
(() => {
  const LISTS = ".formset[data-ordering-field]";
  const rowsOf = (list) => [...list.children].filter((row) => row.matches(".form-group:not(.empty-form)"));
  const nameOf = (list) => list.dataset.orderingField;

  function make(label, className, text) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = className;
    button.title = label;
    button.textContent = text;
    return button;
  }

  function enhance(row) {
    const title = row.querySelector("h3");
    if (!title || title.querySelector(".console-move")) return;
    const buttons = document.createElement("span");
    buttons.className = "console-move";
    buttons.append(make("Move up", "console-move-up", "↑"), make("Move down", "console-move-down", "↓"));
    title.insertBefore(buttons, title.lastElementChild);
  }

  function arrange(list) {
    const rows = rowsOf(list);
    rows.forEach((row, place) => {
      enhance(row);
      const position = row.querySelector(`[name$="-${nameOf(list)}"]`);
      if (position) {
        position.value = place;
        position.setAttribute("value", place);
      }
      const up = row.querySelector(".console-move-up");
      const down = row.querySelector(".console-move-down");
      if (!up) return;
      up.setAttribute("aria-label", `Move number ${place + 1} up`);
      down.setAttribute("aria-label", `Move number ${place + 1} down`);
      up.disabled = place === 0;
      down.disabled = place === rows.length - 1;
    });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest(".console-move button");
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    const row = button.closest(".form-group");
    const list = row.closest(LISTS);
    const rows = rowsOf(list);
    const isUp = button.matches(".console-move-up");
    const place = rows.indexOf(row) + (isUp ? -1 : 1);
    if (!rows[place]) return;
    list.insertBefore(row, isUp ? rows[place] : rows[place].nextElementSibling);
    arrange(list);
    (button.disabled ? row.querySelector(isUp ? ".console-move-down" : ".console-move-up") : button).focus();
    row.scrollIntoView({ block: "nearest" });
  }, true);

  /* When an added row is taken away the theme numbers the rows below it anew, by their places, in their markup. So the rows go
     back to the order of their numbers first, and by their positions afterwards; passwords, which no markup holds, are put back. */
  const numberOf = (row) => Number((row.innerHTML.match(/name="[^"]*?-(\d+)-/) || [0, 0])[1]);
  const positionOf = (list, row) => Number((row.querySelector(`[name$="-${nameOf(list)}"]`) || {}).value || 0);
  const suffix = (input) => input.name.replace(/^.*-\d+-/, "");

  function sort(list, key) {
    const rows = rowsOf(list);
    const end = rows.length ? rows[rows.length - 1].nextElementSibling : null;
    rows.sort((a, b) => key(a) - key(b)).forEach((row) => list.insertBefore(row, end));
  }

  document.addEventListener("click", (event) => {
    const list = event.target.closest && event.target.closest(".delete-template") && event.target.closest(LISTS);
    if (!list) return;
    sort(list, numberOf);
    const typed = rowsOf(list).flatMap((row) =>
      [...row.querySelectorAll("input[type=password]")].map((input) => [row, suffix(input), input.value]));
    setTimeout(() => {
      for (const [row, name, value] of typed) {
        const input = row.isConnected && row.querySelector(`input[name$="-${name}"]`);
        if (input) input.value = value;
      }
      sort(list, (row) => positionOf(list, row));
      arrange(list);
    }, 0);
  }, true);

  const arrangeAll = () => document.querySelectorAll(LISTS).forEach(arrange);
  document.addEventListener("formset:added", () => setTimeout(arrangeAll, 0));
  /* The end of the theme's dragging, after its own handler. */
  document.addEventListener("end", () => setTimeout(arrangeAll, 0));
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(LISTS).forEach((list) => rowsOf(list).forEach(enhance));
    arrangeAll();
  });
})();
