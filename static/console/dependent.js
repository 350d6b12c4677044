"use strict";
/* Selects whose choices depend on another field: apps/core/adminkit/dependent.py marks them with
   data-depends-on="parent …" and answers what is asked with dep_<parent>. */
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
    for (const parent of parents) {
      const field = parentOf(child, parent);
      if (field) $(field).on("change", () => $(child).val(null).trigger("change"));
    }
  }

  function markIn(root) {
    root.querySelectorAll("select[data-depends-on]").forEach(mark);
  }

  /* jQuery calls what waits for the document one timer at a time, which can be after the load event:
     waiting in the same queue comes after Django's own, which makes the Select2. */
  window.addEventListener("load", () => $(() => markIn(document)));
  /* After Django's own handler, which makes the Select2 of the new row. */
  document.addEventListener("formset:added", (event) => setTimeout(() => markIn(event.target.closest(".form-group") || event.target), 0));
})();
