"use strict";
/* The integration's form: actions that open their fields, rows of components, and the preview that follows what is
   typed. Without it every field is shown, rows are removed by their boxes, and the preview has a button. */
(() => {
  const TYPING_PAUSE_MS = 350;

  function start() {
    const root = document.querySelector("[data-integration]");
    if (!root) return;
    root.classList.add("integration-scripted");
    root.querySelectorAll("button[data-no-script]").forEach((button) => button.remove());
    switches(root);
    rows(root);
    preview(root);
    log(root);
  }

  /* An action's fields are shown while its switch is on. */
  function switches(root) {
    for (const action of root.querySelectorAll("[data-switch]")) {
      const input = action.querySelector(`[name="${action.dataset.switch}"]`);
      const fields = action.querySelector(".integration-fields");
      if (!input || !fields) continue;
      fields.id = `fields-${action.dataset.switch}`;
      input.setAttribute("aria-controls", fields.id);
      const show = () => {
        fields.hidden = !input.checked;
        input.setAttribute("aria-expanded", String(input.checked));
        action.classList.toggle("integration-on", input.checked);
      };
      input.addEventListener("change", show);
      show();
    }
  }

  /* Rows are never renumbered: one that is taken away is marked for removal, and Django leaves it out. */
  function rows(root) {
    for (const box of root.querySelectorAll("[data-rows]")) {
      const list = box.querySelector("[data-rows-list]");
      const template = box.querySelector("[data-row-template]");
      const add = box.querySelector("[data-add-row]");
      list.querySelectorAll("[data-row]").forEach((row) => dress(row, box));
      if (!add || !template) continue;
      add.hidden = false;
      add.addEventListener("click", () => {
        const row = addRow(box, list, template);
        row.querySelector(".select2-selection, select").focus();
      });
      /* The row that is there for those without scripts is shown only where there is no other. */
      const shown = [...list.children];
      const empty = shown.filter((row) => isEmpty(row));
      if (shown.length > 1 && empty.length) empty[empty.length - 1].hidden = true;
    }
  }

  const isEmpty = (row) =>
    !row.dataset.saved && !row.querySelector(".errorlist") && !row.querySelector("select").value;

  function addRow(box, list, template) {
    const total = box.querySelector(`[name="${box.dataset.rows}-TOTAL_FORMS"]`);
    const spare = [...list.children].find((row) => row.hidden && isEmpty(row) && !marked(row).checked);
    if (spare) {
      spare.hidden = false;
      return spare;
    }
    const number = Number(total.value);
    const holder = document.createElement("div");
    holder.innerHTML = template.innerHTML.replaceAll("__prefix__", String(number));
    const row = holder.firstElementChild;
    list.append(row);
    total.value = String(number + 1);
    dress(row, box);
    /* Django's own script makes the select that looks up its choices. */
    row.dispatchEvent(new CustomEvent("formset:added", { bubbles: true, detail: { formsetName: box.dataset.rows } }));
    return row;
  }

  const marked = (row) => row.querySelector("[data-remove] input") || { checked: false };

  /* A button instead of the box. A saved row stays in sight as a line that can be taken back. */
  function dress(row, box) {
    const label = row.querySelector("[data-remove]");
    if (!label) return;
    const check = label.querySelector("input");
    label.hidden = true;
    const bar = document.createElement("div");
    bar.className = "integration-row-bar";
    const said = document.createElement("span");
    const button = document.createElement("button");
    button.type = "button";
    bar.append(said, button);
    row.append(bar);
    const fields = row.querySelector(".integration-row-fields");
    const show = () => {
      const name = row.dataset.saved;
      fields.hidden = check.checked;
      row.hidden = check.checked && !name;
      said.textContent = check.checked && name ? `${name} is taken off when you save.` : "";
      button.textContent = check.checked ? "Keep it" : "Remove";
      button.className = check.checked ? "integration-button" : "integration-button integration-button-quiet";
    };
    button.addEventListener("click", () => {
      check.checked = !check.checked;
      show();
      check.dispatchEvent(new Event("change", { bubbles: true }));
      if (row.hidden) box.querySelector("[data-add-row]").focus();
    });
    show();
  }

  /* The preview is asked for a little after the last change; an older answer never overwrites a newer one. */
  function preview(root) {
    const panel = root.querySelector("[data-preview-url]");
    if (!panel) return;
    const form = panel.closest("form");
    const status = root.querySelector("[data-preview-status]");
    let timer = 0;
    let asked = null;
    const read = async () => {
      if (asked) asked.abort();
      asked = new AbortController();
      panel.setAttribute("aria-busy", "true");
      try {
        const response = await fetch(panel.dataset.previewUrl, {
          method: "POST",
          body: new FormData(form),
          signal: asked.signal,
          credentials: "same-origin",
          redirect: "error",
        });
        if (!response.ok) throw new Error(String(response.status));
        const text = await response.text();
        if (panel.innerHTML.trim() !== text.trim()) {
          panel.innerHTML = text;
          status.textContent = "The preview has changed.";
        }
      } catch (error) {
        if (error.name === "AbortError") return;
        panel.textContent = "The preview cannot be shown just now. What you typed is still here, and can be saved.";
      }
      panel.setAttribute("aria-busy", "false");
    };
    const later = () => {
      status.textContent = "";
      clearTimeout(timer);
      timer = setTimeout(read, TYPING_PAUSE_MS);
    };
    form.addEventListener("input", later);
    /* jQuery's, since Select2 tells of its changes in no other way. */
    window.django.jQuery(form).on("change", later);
  }

  /* The run log is read again in its place. */
  function log(root) {
    const link = root.querySelector("[data-refresh-log]");
    if (!link) return;
    const status = root.querySelector("[data-log-status], [data-preview-status]");
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const now = root.querySelector("[data-log]");
      now.setAttribute("aria-busy", "true");
      try {
        const response = await fetch(link.href, { credentials: "same-origin", redirect: "error" });
        if (!response.ok) throw new Error(String(response.status));
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        now.replaceWith(page.querySelector("[data-log]"));
        if (status) status.textContent = "The run log was read again.";
      } catch {
        window.location.assign(link.href);
      }
    });
  }

  document.addEventListener("DOMContentLoaded", start);
})();
