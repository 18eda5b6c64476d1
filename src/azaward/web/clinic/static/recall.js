// How many are ticked, one box that ticks a whole page, and a button that copies a message. Nothing here is needed.
"use strict";

(() => {
  const form = document.querySelector("[data-recall]");
  if (form) {
    const boxes = [...form.querySelectorAll("input[name=patients]")];
    const everyone = form.querySelector("input[name=everyone]");
    const place = form.querySelector("[data-count]");
    const head = form.querySelector("thead th");
    const all = document.createElement("input");
    all.type = "checkbox";
    all.setAttribute("aria-label", "Choose all on this page");
    head.replaceChildren(all);
    const tell = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      all.checked = ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
      place.textContent = everyone.checked ? "" : `${ticked} chosen`;
    };
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      tell();
    });
    form.addEventListener("change", tell);
    // The browser may bring earlier ticks back.
    window.addEventListener("pageshow", tell);
    tell();
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      const said = document.getElementById("said");
      if (said) said.textContent = "Copied.";
      button.firstChild.textContent = "Copied";
    });
  }
})();
