"use strict";
/* Links that do something ([data-post]) ask first on a page of their own. With this script they are sent at once, as a form;
   the server still asks where it matters. */
(() => {
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[data-post]");
    const token = document.querySelector("[name=csrfmiddlewaretoken]");
    if (!link || !token || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const form = document.createElement("form");
    form.method = "post";
    form.action = link.href;
    for (const [name, value] of [["csrfmiddlewaretoken", token.value], [link.dataset.post, "1"]]) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  });
})();
