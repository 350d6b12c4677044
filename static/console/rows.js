"use strict";
/* Rows of fields over a textarea of YAML (apps/core/adminkit/fields.py, RowsWidget). The textarea stays what is
   sent: each row is written into it as one line of JSON, which is YAML as well. */
(() => {
  const SIMPLE = /^[^,[\]{}"]+$/;

  /* A typed value: what reads as JSON (200, true, "200", [1, 2]) is that, everything else a text. */
  function valueOf(text, column, row) {
    if (meets(column.lists, row) && !text.trim().startsWith("[")) {
      return text.split(",").map((part) => single(part.trim(), column, row));
    }
    return single(text, column, row);
  }

  function single(text, column, row) {
    if (meets(column.texts, row) && !text.trim().startsWith("[")) return text;
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  function textOf(value, column, row) {
    if (Array.isArray(value) && meets(column.lists, row)) {
      const parts = value.map((part) => textOf(part, column, row));
      if (parts.every((part) => SIMPLE.test(part))) return parts.join(", ");
    }
    if (typeof value !== "string") return JSON.stringify(value);
    if (meets(column.texts, row)) return value;
    try {
      JSON.parse(value);
      return JSON.stringify(value);
    } catch {
      return value;
    }
  }

  function meets(condition, row) {
    return Boolean(condition) && Object.entries(condition).every(([name, values]) => values.includes(row[name]));
  }

  const matters = (column, row) =>
    (!column.when || meets(column.when, row)) && !(column.unless && meets(column.unless, row));

  function make(tag, attributes = {}, text = "") {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  }

  const columnsOf = (box) => JSON.parse(box.dataset.columns);
  const textareaOf = (box) => box.querySelector("textarea");

  function field(column, value, number) {
    const label = make("label", { class: `console-row-${column.kind}`, "data-cell": column.name });
    label.append(make("span", {}, column.label));
    let input;
    if (column.kind === "select") {
      input = make("select", { class: "console-input" });
      for (const [key, title] of column.choices) input.append(make("option", { value: key }, title));
      if (value !== undefined) input.value = value;
      for (const option of input.options) option.toggleAttribute("selected", option.selected);
    } else if (column.kind === "lines") {
      input = make("textarea", { class: "console-input", rows: "2" }, value === undefined ? "" : value);
    } else {
      input = make("input", { class: "console-input", type: column.type || "text", spellcheck: "false", placeholder: column.hint || "" });
      if (value !== undefined) input.setAttribute("value", value);
    }
    input.setAttribute("aria-label", `${column.label}, row ${number}`);
    label.append(input);
    return label;
  }

  function addRow(box, values) {
    const list = box.querySelector(".console-rows-list");
    const row = make("li", { class: "console-row" });
    const number = list.children.length + 1;
    for (const column of columnsOf(box)) {
      const value = values[column.name];
      const shown = column.kind === "value" && value !== undefined ? textOf(value, column, values) : value;
      row.append(field(column, shown, number));
    }
    row.prepend(make("span", { class: "console-row-handle", draggable: "true", "aria-hidden": "true", title: "Drag to move" }, "⠿"));
    const buttons = make("span", { class: "console-row-buttons" });
    buttons.append(make("button", { type: "button", class: "console-row-up", title: "Move up" }, "↑"));
    buttons.append(make("button", { type: "button", class: "console-row-down", title: "Move down" }, "↓"));
    buttons.append(make("button", { type: "button", class: "console-row-remove", title: "Remove" }, "×"));
    row.append(buttons);
    list.append(row);
    arrange(box, row);
    return row;
  }

  function cellsOf(row) {
    const cells = {};
    row.querySelectorAll("[data-cell]").forEach((label) => {
      cells[label.dataset.cell] = label.querySelector("input, select, textarea");
    });
    return cells;
  }

  function plain(row) {
    return Object.fromEntries(Object.entries(cellsOf(row)).map(([name, input]) => [name, input.value]));
  }

  /* Show what matters for the row's source and operator, and offer the operators that fit. */
  function arrange(box, row) {
    const cells = cellsOf(row);
    for (const column of columnsOf(box)) {
      const input = cells[column.name];
      for (const [name, allowed] of Object.entries(column.allowed || {})) {
        const fitting = allowed[cells[name].value] || [];
        for (const option of input.options) option.hidden = option.disabled = !fitting.includes(option.value);
        if (!fitting.includes(input.value)) input.value = fitting[0];
      }
      input.closest("[data-cell]").hidden = !matters(column, plain(row));
    }
  }

  /* What a row is called changes with its place. */
  function number(box) {
    const rows = [...box.querySelectorAll(".console-row")];
    const columns = columnsOf(box);
    rows.forEach((row, place) => {
      const named = (selector, name) => row.querySelector(selector).setAttribute("aria-label", `${name} row ${place + 1}`);
      named(".console-row-up", "Move up");
      named(".console-row-down", "Move down");
      named(".console-row-remove", "Remove");
      row.querySelector(".console-row-up").disabled = place === 0;
      row.querySelector(".console-row-down").disabled = place === rows.length - 1;
      const cells = cellsOf(row);
      for (const column of columns) cells[column.name].setAttribute("aria-label", `${column.label}, row ${place + 1}`);
    });
    const empty = box.querySelector(".console-rows-empty");
    if (empty) empty.hidden = rows.length > 0;
  }

  function write(box) {
    number(box);
    const lines = [...box.querySelectorAll(".console-row")].map((row) => {
      const texts = plain(row);
      const config = {};
      for (const column of columnsOf(box)) {
        const text = texts[column.name];
        if (!matters(column, texts) || (column.kind !== "value" && text === "")) continue;
        if (column.kind === "value" && text === "" && !meets(column.texts, texts)) continue;
        config[column.name] = column.kind === "value" ? valueOf(text, column, texts) : text;
      }
      return `- ${JSON.stringify(config)}`;
    });
    const textarea = textareaOf(box);
    textarea.value = textarea.textContent = lines.join("\n");
    box.dataset.rows = `[${lines.map((line) => line.slice(2)).join(",")}]`;
  }

  function enhance(box) {
    const textarea = textareaOf(box);
    if (textarea.name.includes("__prefix__") || box.querySelector(".console-rows-list") || !box.dataset.rows) return;
    box.append(make("ol", { class: "console-rows-list" }));
    if (box.dataset.empty) box.append(make("p", { class: "console-rows-empty console-quiet" }, box.dataset.empty));
    for (const values of JSON.parse(box.dataset.rows)) addRow(box, values);
    number(box);
    const bar = make("p", { class: "console-rows-bar" });
    bar.append(make("button", { type: "button", class: "console-row-add" }, `+ ${box.dataset.add}`));
    bar.append(make("button", { type: "button", class: "console-rows-text" }, "Edit as text"));
    box.append(bar);
    box.classList.add("console-rows-on");
  }

  document.addEventListener("input", changed);
  document.addEventListener("change", changed);
  function changed(event) {
    const row = event.target.closest && event.target.closest(".console-row");
    if (!row) return;
    const box = row.closest(".console-rows");
    arrange(box, row);
    write(box);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest(".console-rows button");
    if (!button) return;
    const box = button.closest(".console-rows");
    if (button.matches(".console-row-add")) {
      addRow(box, {}).querySelector("input, select, textarea").focus();
    } else if (button.matches(".console-row-remove")) {
      button.closest(".console-row").remove();
      box.querySelector(".console-row-add").focus();
    } else if (button.matches(".console-row-up, .console-row-down")) {
      move(box, button);
    } else {
      write(box);
      box.querySelectorAll(".console-rows-list, .console-rows-bar, .console-rows-empty").forEach((part) => part.remove());
      box.classList.remove("console-rows-on");
      textareaOf(box).focus();
      return;
    }
    write(box);
  });

  function move(box, button) {
    const row = button.closest(".console-row");
    const isUp = button.matches(".console-row-up");
    const other = isUp ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    row.parentElement.insertBefore(row, isUp ? other : other.nextElementSibling);
    number(box);
    /* The button at an end is off: the other one goes on. */
    (button.disabled ? row.querySelector(isUp ? ".console-row-down" : ".console-row-up") : button).focus();
  }

  /* Dragging by the handle: the row follows the pointer among its own list's rows. */
  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    const handle = event.target.closest && event.target.closest(".console-row-handle");
    if (!handle) return;
    dragged = handle.closest(".console-row");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(dragged, 0, 0);
    event.stopPropagation();
  });
  document.addEventListener("dragover", (event) => {
    const over = dragged && event.target.closest && event.target.closest(".console-row");
    if (!over || over.parentElement !== dragged.parentElement) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    const isBelow = event.clientY > box.top + box.height / 2;
    over.parentElement.insertBefore(dragged, isBelow ? over.nextElementSibling : over);
  });
  document.addEventListener("drop", (event) => dragged && event.preventDefault());
  document.addEventListener("dragend", () => {
    if (dragged) write(dragged.closest(".console-rows"));
    dragged = null;
  });

  /* Other scripts add a row by this event on the box; its detail is the row's {column: value}. */
  document.addEventListener("console:add-row", (event) => {
    const box = event.target;
    if (!box.classList.contains("console-rows-on")) {
      const textarea = textareaOf(box);
      textarea.value = `${textarea.value.trim()}\n- ${JSON.stringify(event.detail)}`.trim();
      textarea.textContent = textarea.value;
      return;
    }
    addRow(box, event.detail);
    write(box);
  });

  const enhanceIn = (root) => root.querySelectorAll(".console-rows").forEach(enhance);
  document.addEventListener("DOMContentLoaded", () => enhanceIn(document));
  document.addEventListener("formset:added", (event) => enhanceIn(event.target.closest(".form-group") || event.target));
})();
