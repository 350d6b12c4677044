"use strict";
/* The board of a page's form (templates/admin/pages/board.html): rows are dragged by their handles, or moved by the
   arrow keys and buttons. What is sent stays in the inputs: each row's place, and each component's group. */
(() => {
  const EDGE = 100;

  const boardOf = (element) => element.closest("[data-board]");
  const rowsOf = (level) => [...level.children].filter((row) => row.matches(".board-entry"));
  const input = (row, name) => row.querySelector(`[name="${row.dataset.prefix}-${name}"]`);
  const nameOf = (row) => input(row, "name").value || (row.dataset.entry === "group" ? "the new group" : "the new component");
  const levelOf = (board, key) => [...board.querySelectorAll(".board-level")].find((level) => level.dataset.level === key);

  function tell(input) {
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /* Write into the inputs where the rows stand; only of levels that something came into or left. */
  function number(level) {
    rowsOf(level).forEach((row, index) => {
      const place = input(row, "position");
      if (place && place.value !== String(index + 1)) {
        place.value = index + 1;
        tell(place);
      }
      const group = row.dataset.entry === "component" && input(row, "group");
      if (group && group.value !== level.dataset.level) {
        group.value = level.dataset.level;
        tell(group);
      }
    });
  }

  function settle(board, row, from) {
    if (from && from !== row.parentElement) number(from);
    number(row.parentElement);
    refresh(board);
  }

  /* Which arrows lead somewhere, and whether anything is on the page. */
  function refresh(board) {
    for (const level of board.querySelectorAll(".board-level")) {
      const rows = rowsOf(level);
      rows.forEach((row, index) => {
        const own = row.querySelector(".board-row");
        own.querySelector("[data-move=up]").setAttribute("aria-disabled", String(index === 0));
        own.querySelector("[data-move=down]").setAttribute("aria-disabled", String(index === rows.length - 1));
      });
    }
    board.querySelector(".board-empty").hidden = board.querySelector(".board-entry") !== null;
  }

  function say(board, row) {
    const level = row.parentElement;
    const rows = rowsOf(level);
    const group = level.closest(".board-group");
    const where = group ? `in ${nameOf(group)}` : "on the page";
    board.querySelector("[data-board-says]").textContent =
      `${nameOf(row)}: ${rows.indexOf(row) + 1} of ${rows.length} ${where}.`;
  }

  function move(row, direction) {
    const board = boardOf(row);
    const level = row.parentElement;
    const other = direction === "up" ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (direction === "up") other.before(row);
    else other.after(row);
    settle(board, row, level);
    say(board, row);
  }

  /* Another group chosen in the select: the row goes to the end of it. */
  function regroup(row, key) {
    const board = boardOf(row);
    const level = levelOf(board, key);
    if (!level || level === row.parentElement) return;
    const from = row.parentElement;
    level.append(row);
    settle(board, row, from);
    say(board, row);
  }

  /* Adding rows. */

  function add(button) {
    const board = boardOf(button);
    const kind = button.dataset.add;
    const prefix = kind === "group" ? "groups" : "components";
    const total = board.querySelector(`[name="${prefix}-TOTAL_FORMS"]`);
    const count = Number(total.value);
    const template = board.querySelector(`template[data-row="${kind}"]`);
    const holder = document.createElement("ol");
    holder.innerHTML = template.innerHTML.replaceAll("__prefix__", String(count));
    const row = holder.firstElementChild;
    total.value = count + 1;
    const group = button.closest(".board-group");
    const level = group ? group.querySelector(".board-level") : board.querySelector(".board-level");
    level.append(row);
    withScript(row);
    if (kind === "group") offer(board, row);
    else offerAll(board, row);
    settle(board, row);
    input(row, "name").focus();
  }

  /* A new group can be chosen by every component, under the name that is typed. */
  function offer(board, group) {
    for (const select of selectsOf(board)) select.append(new Option("New group", group.dataset.key));
  }

  function offerAll(board, row) {
    const select = input(row, "group");
    for (const group of board.querySelectorAll(".board-group")) {
      const known = [...select.options].some((option) => option.value === group.dataset.key);
      if (!known) select.append(new Option(nameOf(group), group.dataset.key));
    }
  }

  const selectsOf = (board) => board.querySelectorAll('select[name^="components-"][name$="-group"]');

  function rename(board, group) {
    const text = input(group, "name").value || "New group";
    group.querySelector(".board-level").setAttribute("aria-label", `In the group ${text}`);
    for (const select of selectsOf(board)) {
      for (const option of select.options) if (option.value === group.dataset.key) option.textContent = text;
    }
  }

  /* Marked for archiving; a row that was never saved just goes. */
  function marked(row, box) {
    row.classList.toggle("board-removed", box.checked);
    if (box.checked && !input(row, "id")) {
      const board = boardOf(row);
      const inner = row.querySelector(".board-level");
      if (inner) rowsOf(inner).forEach((one) => regroup(one, ""));
      row.hidden = true;
      board.append(row);
      refresh(board);
    }
  }

  /* Dragging, by mouse, pen and finger. */

  let drag = null;

  function begin(event) {
    const handle = event.target.closest(".board-handle");
    if (!handle || event.button !== 0) return;
    const row = handle.closest(".board-entry");
    drag = { row, handle, from: row.parentElement, next: row.nextElementSibling, moved: false, y: event.clientY };
    handle.setPointerCapture(event.pointerId);
  }

  function drawn(event) {
    if (!drag) return;
    if (!drag.moved && Math.abs(event.clientY - drag.y) < 4) return;
    drag.moved = true;
    drag.row.classList.add("board-dragged");
    scroll(event.clientY);
    const place = placeAt(event.clientX, event.clientY);
    if (!place) return;
    if (place.before !== drag.row && place.before?.previousElementSibling !== drag.row) {
      place.level.insertBefore(drag.row, place.before);
    } else if (place.before === null) {
      place.level.append(drag.row);
    }
  }

  /* Return the level under the pointer and the row there that the dragged one comes before (none: the end). */
  function placeAt(x, y) {
    const board = boardOf(drag.row);
    const under = document.elementFromPoint(x, y);
    if (!under || boardOf(under) !== board) return null;
    let level = under.closest(".board-level");
    const group = under.closest(".board-group");
    if (drag.row.dataset.entry === "group") level = board.querySelector(".board-level");
    else if (group && group !== drag.row) {
      const head = group.querySelector(".board-row").getBoundingClientRect();
      const inner = group.querySelector(".board-level");
      // Over the upper half of a group's head it goes before the group, below that into it.
      level = y < head.top + head.height / 2 ? group.parentElement : inner;
    }
    if (!level || drag.row.contains(level)) return null;
    const before = rowsOf(level).find((row) => {
      if (row === drag.row) return false;
      const box = row.getBoundingClientRect();
      return y < box.top + box.height / 2;
    });
    return { level, before: before || null };
  }

  function scroll(y) {
    let box = drag.row.parentElement;
    while (box && !(box.scrollHeight > box.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(box).overflowY))) {
      box = box.parentElement;
    }
    const by = y < EDGE ? -12 : y > window.innerHeight - EDGE ? 12 : 0;
    if (by) (box || window).scrollBy(0, by);
  }

  function end() {
    if (!drag) return;
    const { row, from, moved } = drag;
    row.classList.remove("board-dragged");
    drag = null;
    if (!moved) return;
    const board = boardOf(row);
    settle(board, row, from);
    say(board, row);
  }

  function cancel() {
    if (!drag) return;
    drag.row.classList.remove("board-dragged");
    drag.from.insertBefore(drag.row, drag.next);
    drag = null;
  }

  function withScript(root) {
    root.querySelectorAll(".board-with-script").forEach((part) => (part.hidden = false));
    root.querySelectorAll(".board-without-script").forEach((part) => (part.hidden = true));
  }

  function start(board) {
    withScript(board);
    board.querySelectorAll("template").forEach((template) => withScript(template.content));
    refresh(board);
    board.addEventListener("click", (event) => {
      const arrow = event.target.closest("[data-move]");
      if (arrow) {
        move(arrow.closest(".board-entry"), arrow.dataset.move);
        arrow.focus();
      }
      const more = event.target.closest("[data-add]");
      if (more) add(more);
    });
    board.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && drag) return cancel();
      const handle = event.target.closest(".board-handle");
      const directions = { ArrowUp: "up", ArrowDown: "down" };
      if (handle && directions[event.key]) {
        event.preventDefault();
        move(handle.closest(".board-entry"), directions[event.key]);
        handle.focus();
      }
    });
    board.addEventListener("change", (event) => {
      const row = event.target.closest(".board-entry");
      if (!row || !event.target.name) return;
      if (event.target === input(row, "group")) regroup(row, event.target.value);
      if (event.target === input(row, "DELETE")) marked(row, event.target);
    });
    board.addEventListener("input", (event) => {
      const row = event.target.closest(".board-entry");
      if (row && row.dataset.entry === "group" && event.target === input(row, "name")) rename(board, row);
    });
    board.addEventListener("pointerdown", begin);
    board.addEventListener("pointermove", drawn);
    board.addEventListener("pointerup", end);
    board.addEventListener("pointercancel", cancel);
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-board]").forEach(start));
})();
