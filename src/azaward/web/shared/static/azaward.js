// What pages do beyond links and forms: they hear of changes, and say what they did. Nothing here is needed to work.
"use strict";

(() => {
  const say = (words) => {
    const place = document.getElementById("said");
    if (place) place.textContent = words;
  };

  // A part with data-live listens to its address, and is fetched again when something changed.
  const listen = () => {
    const part = document.querySelector("[data-live]");
    if (!part || !window.EventSource) return;
    const events = new EventSource(part.dataset.live);
    events.addEventListener("change", () => {
      const now = document.querySelector("[data-live]");
      // Somebody who is typing in it is not disturbed; the next change tells again.
      if (!now || now.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
      htmx.trigger(now, "azaward:change");
    });
    window.addEventListener("pagehide", () => events.close());
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.elt && event.detail.elt.matches("[data-live]")) say("The list has changed.");
  });

  // Buttons that print, for those who like a button.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });

  listen();
})();
