"use strict";
/* A request in a monitor's form: a pasted curl command fills it (admin/curl_box.py), “Try it” sends it, and a click on
   what came back adds an assertion or an extraction (admin/try_box.py). The server reads, sends and masks. */
(() => {
  const groupOf = (element) => element.closest(".form-group");
  const prefixOf = (group) => group.querySelector("[data-try], [data-curl-read]").value;
  const fieldOf = (group, name) => group.querySelector(`[name="${prefixOf(group)}-${name}"]`);

  function send(url, form, body) {
    return fetch(url, {
      method: body ? "POST" : "GET",
      body,
      credentials: "same-origin",
      headers: { "X-Requested-With": "fetch", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    });
  }

  function put(field, value) {
    if (!field) return;
    if (field.type === "checkbox") field.checked = Boolean(value);
    else {
      if (field.tagName === "SELECT" && ![...field.options].some((option) => option.value === value)) {
        field.add(new Option(value, value));
      }
      field.value = value;
    }
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  const sentence = (element, text, isWrong) => {
    element.textContent = text;
    element.classList.toggle("console-box-wrong", Boolean(isWrong));
  };

  async function readCurl(group) {
    const box = fieldOf(group, "curl_command");
    const said = group.querySelector("[data-curl-said]");
    const body = new FormData();
    body.set("command", box.value);
    let answer;
    try {
      const response = await send("../".repeat(depth()) + "read-curl/", box.form, body);
      answer = await response.json();
    } catch {
      answer = { error: "The command could not be sent. Try again." };
    }
    if (answer.error) return sentence(said, answer.error, true);
    for (const [name, value] of Object.entries(answer.request)) put(fieldOf(group, name), value);
    for (const [name, value] of Object.entries(answer.monitor)) put(box.form.elements[name], value);
    put(box, "");
    group.querySelectorAll("details").forEach((details) => {
      const holds = (name) => details.querySelector(`[name$="-${name}"]`);
      if (holds("header_lines") && (answer.request.header_lines || answer.request.body_text)) details.open = true;
      if (holds("auth_type") && answer.request.auth_type !== "none") details.open = true;
    });
    sentence(said, ["Filled in. Nothing is saved yet.", ...answer.notes].join(" "));
  }

  /* add/ is one step below the list's address, <key>/change/ two. */
  const depth = () => (/\/add\/$/.test(location.pathname) ? 1 : 2);

  async function show(group, ask, waiting) {
    const said = group.querySelector("[data-try-said]");
    const place = group.querySelector("[data-try-result]");
    const buttons = group.querySelectorAll("[data-try], [data-last-answer]");
    sentence(said, waiting);
    buttons.forEach((button) => { button.disabled = true; });
    try {
      const response = await ask();
      if (!response.ok) throw new Error(String(response.status));
      place.innerHTML = await response.text();
      sentence(said, place.querySelector(".console-notice") ? "It could not be tried: see below." : "Here is the answer.");
      nameRadios(place);
      place.focus();
    } catch (error) {
      sentence(said, `That did not work (${error.message}). Reload the page and try again.`, true);
    }
    buttons.forEach((button) => { button.disabled = false; });
  }

  let picking = 0;
  function nameRadios(place) {
    picking += 1;
    place.querySelectorAll("[data-pick-as]").forEach((radio) => {
      /* Outside the form: what is chosen here is not part of the monitor. */
      radio.setAttribute("form", "none");
      radio.name = `pick-${picking}`;
    });
  }

  function tryIt(button) {
    const group = groupOf(button);
    const body = new FormData(button.form);
    body.set(button.name, button.value);
    show(group, () => send("../try/", button.form, body), "Sending…");
  }

  function lastAnswer(button) {
    const group = groupOf(button);
    const name = fieldOf(group, "name").value || fieldOf(group, "name").placeholder;
    show(group, () => send(`../last-answer/?request=${encodeURIComponent(name)}`, button.form), "Looking…");
  }

  function add(group, field, row, words) {
    const box = fieldOf(group, field).closest(".console-rows");
    box.dispatchEvent(new CustomEvent("console:add-row", { bubbles: true, detail: row }));
    sentence(group.querySelector("[data-try-said]"), words);
  }

  function pick(button) {
    const group = groupOf(button);
    const place = button.closest("[data-try-result]");
    const chosen = place.querySelector("[data-pick-as]:checked");
    const wanted = chosen ? chosen.value : "assertion";
    if (wanted === "extraction") {
      if (!button.dataset.extraction) {
        return sentence(group.querySelector("[data-try-said]"), "This cannot be taken into a variable.", true);
      }
      const row = JSON.parse(button.dataset.extraction);
      add(group, "extraction_rows", row, `Added the variable ${row.variable} to the extractions.`);
    } else {
      const row = JSON.parse(button.dataset.assertion);
      add(group, "assertion_rows", row, `Added an assertion: ${button.textContent.trim()}.`);
    }
    button.classList.add("console-picked");
  }

  function pickText(button) {
    const group = groupOf(button);
    const text = button.closest("[data-try-result]").querySelector("[data-answer-text]");
    const selection = window.getSelection();
    const marked = selection && text.contains(selection.anchorNode) ? selection.toString().trim() : "";
    add(group, "assertion_rows", { source: "body", operator: "contains", value: marked },
      marked ? "Added an assertion on the marked text." : "Added an assertion: write what the body must contain.");
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-curl-read]")) { event.preventDefault(); readCurl(groupOf(button)); }
    else if (button.matches("[data-try]")) { event.preventDefault(); tryIt(button); }
    else if (button.matches("[data-last-answer]")) lastAnswer(button);
    else if (button.matches(".console-pick")) pick(button);
    else if (button.matches("[data-pick-text]")) pickText(button);
  });

  /* Pasting is enough. */
  document.addEventListener("paste", (event) => {
    if (event.target.matches && event.target.matches('[name$="-curl_command"]')) {
      setTimeout(() => readCurl(groupOf(event.target)), 0);
    }
  });

  /* The name that an empty field stands for. */
  function showName(group) {
    const [url, method, name] = ["url", "method", "name"].map((field) => fieldOf(group, field));
    if (!url || !name || !method) return;
    const path = url.value.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/[?#].*$/, "") || "/";
    name.placeholder = url.value ? `${method.value} ${path}`.slice(0, 120) : "";
  }
  document.addEventListener("input", (event) => {
    const group = event.target.matches && event.target.matches('[name$="-url"], [name$="-method"]') && groupOf(event.target);
    if (group && group.querySelector("[data-try]")) showName(group);
  });
  document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.classList.add("console-scripted");
    document.querySelectorAll(".form-group").forEach((group) => {
      if (group.querySelector("[data-try]")) showName(group);
    });
  });
})();
