// The timeline, with a pointer or the arrow keys: read every panel on one day, drag across days to zoom, and swap the
// figure in place. Without this file the same links and the form lead to the same days.
const SVG = "http://www.w3.org/2000/svg";
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const SMALLEST_DRAG = 0.015;

const plus = (iso, days) => new Date(Date.parse(`${iso}T00:00Z`) + days * 86400000).toISOString().slice(0, 10);
const inWords = (iso) => {
  const [year, month, day] = iso.split("-").map(Number);
  return `${day} ${MONTHS[month - 1]} ${year}`;
};
const span = (name, text) => Object.assign(document.createElement("span"), { className: name, textContent: text });

function drawn(plot, tag, name) {
  const made = plot.querySelector(`:scope > .${name}`) ?? plot.appendChild(document.createElementNS(SVG, tag));
  made.setAttribute("class", name);
  return made;
}

class Timeline extends HTMLElement {
  #panels = [];
  #from = null;
  #leave = new AbortController();

  connectedCallback() {
    const reader = this.querySelector(".reader");
    if (!reader) return;
    this.days = Number(this.dataset.days);
    this.shows = location.search;
    this.#panels = [...this.querySelectorAll(".panel")].map((row) => ({
      name: row.getAttribute("aria-label"),
      unit: row.querySelector(".unit").textContent,
      latest: row.querySelector(".latest"),
      before: [...row.querySelector(".latest").childNodes],
      dots: [...row.querySelectorAll("[data-d]")].map((dot) => ({
        dot, day: Number(dot.dataset.d), words: dot.querySelector("title").textContent, found: dot.classList.contains("found"),
      })).sort((a, b) => a.day - b.day || b.found - a.found),
    }));
    this.stops = [...new Set(this.#panels.flatMap((panel) => panel.dots.map((one) => one.day)))].sort((a, b) => a - b);
    this.plots = [...this.querySelectorAll(".panel > .plot, .doses > .plot")];
    this.range = reader.querySelector("input");
    this.dayRead = reader.querySelector(".day-read");
    this.hint ??= [...this.dayRead.childNodes];
    reader.hidden = false;
    const on = { signal: this.#leave.signal };
    this.range.addEventListener("input", () => this.read(Number(this.range.value)), on);
    this.range.addEventListener("keydown", (event) => this.step(event), on);
    this.addEventListener("pointerdown", (event) => this.press(event), on);
    this.addEventListener("pointermove", (event) => this.move(event), on);
    this.addEventListener("pointerup", (event) => this.release(event), on);
    this.addEventListener("pointercancel", () => this.drop(), on);
    this.addEventListener("pointerleave", () => document.activeElement !== this.range && this.#from === null && this.rest(), on);
    this.addEventListener("keydown", (event) => event.key === "Escape" && (this.drop(), this.rest()), on);
    this.addEventListener("click", (event) => this.follow(event), on);
    this.addEventListener("submit", (event) => this.submitted(event), on);
    this.tell(this.days);
  }

  disconnectedCallback() {
    this.#leave.abort();
    this.#leave = new AbortController();
  }

  // The day under the pointer, or null outside the plots' width.
  dayAt(event) {
    const box = this.plots[0].getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return this.#from === null && (share < -0.01 || share > 1.01) ? null : Math.min(Math.max(share, 0), 1) * this.days;
  }

  read(day) {
    const at = `${(day / this.days) * 100}%`;
    for (const plot of this.plots) {
      const line = drawn(plot, "line", "cursor");
      for (const [name, value] of [["x1", at], ["x2", at], ["y1", "0"], ["y2", plot.getAttribute("height")]]) line.setAttribute(name, value);
    }
    for (const panel of this.#panels) {
      const gap = Math.min(...panel.dots.map((one) => Math.abs(one.day - day)));
      const near = panel.dots.filter((one) => Math.abs(one.day - day) === gap);
      for (const one of panel.dots) one.dot.classList.toggle("near", near.includes(one));
      if (!near.length) continue;
      const on = near[0].words.split(": ")[0];
      const values = near.filter((one) => one.day === near[0].day);
      const shown = values.map((one) => this.value(one, panel) + (one.found ? " ◆" : "")).join("; ");
      panel.latest.replaceChildren(span("number", shown), " ", span("on", on));
    }
    this.range.value = Math.round(day);
    this.dayRead.textContent = inWords(plus(this.dataset.first, Math.round(day)));
    this.tell(Math.round(day));
  }

  value(one, panel) {
    const text = one.words.slice(one.words.indexOf(": ") + 2).split(", ")[0];
    return panel.unit && text.endsWith(panel.unit) ? text.slice(0, -panel.unit.length).trim() : text;
  }

  // What a screen reader says for the slider: the day and the results of that very day.
  tell(day) {
    const said = this.#panels.flatMap((panel) => panel.dots.filter((one) => one.day === day)
      .map((one) => `${panel.name} ${one.words.slice(one.words.indexOf(": ") + 2)}`));
    this.range.setAttribute("aria-valuetext", `${inWords(plus(this.dataset.first, day))}: ${said.join("; ") || "no result on this day"}`);
  }

  rest() {
    for (const line of this.querySelectorAll(".cursor")) line.remove();
    for (const panel of this.#panels) {
      panel.latest.replaceChildren(...panel.before);
      for (const one of panel.dots) one.dot.classList.remove("near");
    }
    this.dayRead.replaceChildren(...this.hint);
  }

  step(event) {
    const now = Number(this.range.value);
    const onward = this.stops.find((day) => day > now) ?? now;
    const back = this.stops.findLast((day) => day < now) ?? now;
    const to = { ArrowRight: onward, ArrowUp: onward, ArrowLeft: back, ArrowDown: back, Home: this.stops[0], End: this.stops.at(-1) }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.read(to);
  }

  press(event) {
    if (event.button !== 0 || !event.target.closest(".panel > .plot")) return;
    this.#from = this.dayAt(event);
    if (this.#from === null) return;
    this.read(this.#from);
    event.target.closest(".panel > .plot").setPointerCapture(event.pointerId);
  }

  move(event) {
    if (this.#from === null && !event.target.closest?.(".panel, .doses")) return;
    const day = this.dayAt(event);
    if (day === null) return;
    this.read(day);
    if (this.#from === null) return;
    const [low, high] = [this.#from, day].sort((a, b) => a - b);
    for (const plot of this.plots) {
      const box = drawn(plot, "rect", "chosen");
      const places = { x: `${(low / this.days) * 100}%`, width: `${((high - low) / this.days) * 100}%`, height: plot.getAttribute("height") };
      for (const [name, value] of Object.entries(places)) box.setAttribute(name, value);
    }
  }

  release(event) {
    if (this.#from === null) return;
    const [from, to] = [this.#from, this.dayAt(event)];
    this.drop();
    if (Math.abs(to - from) / this.days < SMALLEST_DRAG) return;
    const [low, high] = [from, to].sort((a, b) => a - b);
    const days = new URLSearchParams({ from: plus(this.dataset.first, Math.floor(low)), to: plus(this.dataset.first, Math.ceil(high)) });
    this.go(`${this.dataset.url}?${days}`);
  }

  drop() {
    this.#from = null;
    for (const box of this.querySelectorAll(".chosen")) box.remove();
  }

  follow(event) {
    const link = event.target.closest(".zoom a");
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.go(link.href, link.textContent);
  }

  submitted(event) {
    event.preventDefault();
    this.go(`${this.dataset.url}?${new URLSearchParams(new FormData(event.target))}`, "Show");
  }

  // The same address, fetched, and its figure put in this one's place; anything unexpected is left to the browser.
  async go(url, pressed = null, kept = true) {
    this.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById(this.id);
      if (!answer.ok || next?.localName !== this.localName) throw new Error("no figure in the answer");
      const open = (group) => this.querySelector(`[data-group="${group.dataset.group}"]`)?.open ?? true;
      for (const group of next.querySelectorAll("[data-group]")) group.open = open(group);
      if (kept) history.pushState({ timeline: this.id }, "", url);
      const placed = document.adoptNode(next);
      this.replaceWith(placed);
      const same = [...placed.querySelectorAll(".zoom li > *, .zoom button")].find((one) => one.textContent === pressed);
      if (pressed) (same ?? placed.querySelector(".zoom a"))?.focus({ preventScroll: true });
    } catch {
      location.assign(url);
    }
  }
}

customElements.define("azaward-chart", Timeline);
// Going to a place on the same page is no change of days.
addEventListener("popstate", () => {
  const figure = document.querySelector("azaward-chart");
  if (figure && figure.shows !== location.search) figure.go(location.href, null, false);
});
