// Security keys and passkeys: asks the browser for one and sends its answer with the form.
// The options come from the server: with the page (#js_data), or for logging in by fetch.
(() => {
  const { webauthnJSON } = window;

  const reasons = {
    NotAllowedError: "It was cancelled, or took too long. Try again.",
    InvalidStateError: "This key is on your account already.",
    SecurityError: "Keys work on https addresses and on http://localhost only.",
  };

  const data = () => JSON.parse(document.getElementById("js_data").textContent);

  async function logIn(form) {
    const response = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!response.ok) {
      throw new Error("The server did not answer. Try again in a minute.");
    }
    return webauthnJSON.get((await response.json()).request_options);
  }

  function add(form) {
    const options = data().creation_options;
    const alone = form.elements.passwordless?.checked ?? false;
    Object.assign(options.publicKey.authenticatorSelection, {
      residentKey: alone ? "required" : "discouraged",
      requireResidentKey: alone,
      ...(alone && { userVerification: "required" }),
    });
    return webauthnJSON.create(options);
  }

  function prepare(form, ask) {
    const button = form.querySelector("button");
    const wrong = form.querySelector("[role=alert]");
    form.hidden = false;
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      wrong.hidden = true;
      button.disabled = true;
      try {
        form.elements.credential.value = JSON.stringify(await ask(form));
        form.submit();
      } catch (error) {
        wrong.textContent = reasons[error.name] ?? error.message;
        wrong.hidden = false;
        button.disabled = false;
        button.focus();
      }
    });
  }

  if (!webauthnJSON?.supported()) {
    for (const note of document.querySelectorAll("[data-no-passkeys]")) {
      note.hidden = false;
    }
    return;
  }
  const kinds = {
    "[data-passkey-log-in]": logIn,
    "[data-passkey-show]": () => webauthnJSON.get(data().request_options),
    "[data-passkey-add]": add,
  };
  for (const [selector, ask] of Object.entries(kinds)) {
    for (const form of document.querySelectorAll(selector)) {
      prepare(form, ask);
    }
  }
})();
