"use strict";
/* Selects whose choices depend on another field: apps/core/adminkit/dependent.py marks them with
   data-depends-on="parent …" and answers what is asked with dep_<parent>. A select whose parent is empty says so. */
(() => {
  /* Asked for when it is needed: this script may be loaded before Django's jQuery. */
  const $ = (element) => window.django.jQuery(element);

  /* The parent is looked for in the same row of a formset first, then in the form itself. */
  function parentOf(child, parent) {
    const form = child.form;
    if (!form) return null;
    const row = child.name.match(/^(.*-\d+-)[^-]+$/);
    return (row && form.elements[row[1] + parent]) || form.elements[parent] || null;
  }

  /* What to choose first, in words; empty when the parents are chosen. */
  function wanted(child) {
    for (const parent of child.dataset.dependsOn.split(" ")) {
      const field = parentOf(child, parent);
      if (field && field.value) continue;
      const label = field && field.id && document.querySelector(`label[for="${field.id}"]`);
      const name = label && label.firstChild ? label.firstChild.textContent.trim() : parent;
      return `Choose the ${name.toLowerCase()} first`;
    }
    return "";
  }

  function sayWhatIsWanted(child, select2) {
    const text = wanted(child);
    select2.selection.placeholder = { id: "", text: text || "Choose" };
    $(child).trigger("change.select2");
  }

  function mark(child) {
    if (child.name.includes("__prefix__") || child.dataset.dependent) return;
    const select2 = $(child).data("select2");
    if (!select2) return;
    child.dataset.dependent = "yes";
    const parents = child.dataset.dependsOn.split(" ");
    const options = select2.options.options.ajax;
    const adapter = select2.dataAdapter;
    const ask = options.data;
    const withParents = (params) => {
      const asked = ask(params);
      for (const parent of parents) {
        const field = parentOf(child, parent);
        asked["dep_" + parent] = field ? field.value : "";
      }
      return asked;
    };
    options.data = withParents;
    if (adapter && adapter.ajaxOptions) adapter.ajaxOptions.data = withParents;
    const words = select2.options.options.translations.dict;
    const nothing = words.noResults;
    words.noResults = (...found) => (wanted(child) ? `${wanted(child)}.` : nothing(...found));
    if ("placeholder" in select2.selection) sayWhatIsWanted(child, select2);
    for (const parent of parents) {
      const field = parentOf(child, parent);
      if (!field) continue;
      $(field).on("change", () => {
        if (!child.isConnected) return;
        $(child).val(null).trigger("change");
        if ("placeholder" in select2.selection) sayWhatIsWanted(child, select2);
        if (child.dataset.onlyOne === "yes") chooseOnly(child, options, withParents);
      });
    }
  }

  /* Where one row only can be chosen, it is. */
  async function chooseOnly(child, options, withParents) {
    if (wanted(child)) return;
    const asked = new URLSearchParams(withParents({}));
    asked.delete("term");
    asked.delete("page");
    const before = asked.toString();
    try {
      const response = await fetch(`${child.dataset.ajaxUrl}?${before}`, { credentials: "same-origin" });
      if (!response.ok) return;
      const found = await response.json();
      const isStill = new URLSearchParams(withParents({}));
      isStill.delete("term");
      isStill.delete("page");
      if (child.value || isStill.toString() !== before) return;
      if (found.results.length !== 1 || found.pagination.more) return;
      const [only] = found.results;
      child.append(new Option(only.text, only.id, true, true));
      $(child).trigger("change");
    } catch {
      /* Then it is chosen by hand. */
    }
  }

  /* Select2 names its box by what is chosen alone: the label comes before it, or in tables the select's own name. */
  function name(select) {
    const label = select.id && (document.querySelector(`label[for="${select.id}"]`) || (select.ariaLabel && select));
    const box = select.nextElementSibling && select.nextElementSibling.querySelector(".select2-selection");
    if (!label || !box || box.dataset.named) return;
    label.id = label.id || `${select.id}_label`;
    box.dataset.named = "yes";
    box.setAttribute("aria-labelledby", `${label.id} ${box.getAttribute("aria-labelledby") || ""}`.trim());
    const inner = box.querySelector("[role=textbox]");
    if (inner) inner.setAttribute("aria-labelledby", label.id);
    const help = select.getAttribute("aria-describedby");
    if (help) box.setAttribute("aria-describedby", help);
  }

  function markIn(root) {
    root.querySelectorAll("select[data-depends-on]").forEach(mark);
    root.querySelectorAll("select.select2-hidden-accessible").forEach(name);
  }

  /* jQuery calls what waits for the document one timer at a time, which can be after the load event:
     waiting in the same queue comes after Django's own, which makes the Select2. */
  window.addEventListener("load", () => $(() => markIn(document)));
  /* After Django's own handler, which makes the Select2 of the new row. */
  document.addEventListener("formset:added", (event) => setTimeout(() => markIn(event.target.closest(".form-group") || event.target), 0));
})();
