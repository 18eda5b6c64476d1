// Passkeys: the browser's part of the two ceremonies. A form with data-passkey asks for the options, lets the browser
// make ("create") or use ("get") a passkey, and is then sent as an ordinary form with the answer in it.
"use strict";

(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const ids = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const create = async (options) => {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: ids(options.excludeCredentials),
      },
    });
    return { made, response: { attestationObject: text(made.response.attestationObject) } };
  };

  const get = async (options) => {
    const made = await navigator.credentials.get({
      publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: ids(options.allowCredentials) },
    });
    const { authenticatorData, signature, userHandle } = made.response;
    return {
      made,
      response: {
        authenticatorData: text(authenticatorData),
        signature: text(signature),
        userHandle: userHandle ? text(userHandle) : undefined,
      },
    };
  };

  const problem = (error) => {
    if (error.name === "NotAllowedError") return "No passkey was given, or it took too long. Try again.";
    if (error.name === "InvalidStateError") return "This device has a passkey for this account already.";
    if (error.name === "SecurityError") return "Passkeys need https and a site with a name, or http://localhost.";
    return error.message;
  };

  const ceremony = async (form) => {
    const asked = await fetch(form.dataset.options, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    const options = await asked.json();
    if (!asked.ok) throw new Error(options.error);
    const { made, response } = await (form.dataset.passkey === "create" ? create : get)(options);
    form.elements.credential.value = JSON.stringify({
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      response: { ...response, clientDataJSON: text(made.response.clientDataJSON) },
      clientExtensionResults: made.getClientExtensionResults(),
    });
  };

  if (!window.PublicKeyCredential || !navigator.credentials) return;
  for (const line of document.querySelectorAll("[data-no-passkey]")) line.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const place = form.querySelector("[data-problem]");
      const button = form.querySelector("button");
      place.hidden = true;
      button.disabled = true;
      try {
        await ceremony(form);
        form.submit();
      } catch (error) {
        place.textContent = problem(error);
        place.hidden = false;
      }
      button.disabled = false;
    });
  }
})();
