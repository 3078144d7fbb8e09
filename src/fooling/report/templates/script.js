"use strict";
// The page is complete without this script, which adds tabs, the slider, the game, filters, sorting and enlarging.

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
document.documentElement.classList.add("scripted");

// Tabs: sections one after another become panels. Arrow keys move, as the ARIA practices describe.
function show(tabs, chosen) {
  for (const [place, button] of tabs.buttons.entries()) {
    const isChosen = place === chosen;
    button.setAttribute("aria-selected", isChosen);
    button.tabIndex = isChosen ? 0 : -1;
    tabs.panels[place].classList.toggle("off", !isChosen);
  }
}
const tabsOf = new Map();
for (const group of all(".tabs")) {
  const panels = all(":scope > .tab", group);
  if (panels.length < 2) continue;
  const list = make("div", { className: "tab-list", role: "tablist" });
  const tabs = { panels, buttons: panels.map((panel) => make("button", { type: "button", id: `${panel.id}-button`, role: "tab" }, panel.dataset.tab)) };
  for (const [place, button] of tabs.buttons.entries()) {
    const panel = panels[place];
    button.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", button.id);
    button.addEventListener("click", () => show(tabs, place));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const last = panels.length - 1;
      const next = event.key === "Home" ? 0 : event.key === "End" ? last : step && (place + step + last + 1) % (last + 1);
      if (next === undefined) return;
      event.preventDefault();
      show(tabs, next);
      tabs.buttons[next].focus();
    });
    tabsOf.set(panel, () => show(tabs, place));
  }
  list.append(...tabs.buttons);
  group.prepend(list);
  show(tabs, 0);
}

// The slider over the generations of one run.
for (const course of all(".course")) {
  const steps = all(".steps > li", course);
  if (steps.length < 2) continue;
  const slider = make("input", { type: "range", min: 0, max: steps.length - 1, value: 0, step: 1 });
  const label = make("label", { className: "slider" }, "Generation", slider);
  const move = () => {
    steps.forEach((step, place) => step.classList.toggle("off", place !== Number(slider.value)));
    slider.setAttribute("aria-valuetext", steps[slider.value].querySelector("p").textContent);
  };
  slider.addEventListener("input", move);
  course.querySelector(".steps").before(label);
  move();
}

// Guess first: an answer opens the network's, and counts whether they agree.
const game = document.querySelector(".game");
if (game) {
  const questions = all(":scope > li", game);
  let [given, agreed] = [0, 0];
  for (const [place, question] of questions.entries()) {
    const answer = question.querySelector("details");
    const buttons = JSON.parse(question.dataset.choices).map((name) => make("button", { type: "button" }, name));
    const choices = make("div", { className: "choices", role: "group" }, ...buttons);
    choices.setAttribute("aria-label", `Your answer for image ${place + 1}`);
    answer.classList.add("waiting");
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const isSame = button.textContent === question.dataset.answer;
        buttons.forEach((other) => (other.disabled = true));
        button.classList.add(isSame ? "same" : "other");
        answer.classList.remove("waiting");
        answer.open = true;
        given += 1;
        agreed += isSame ? 1 : 0;
        const left = given < questions.length ? "" : " That was the last one.";
        document.querySelector(".score").textContent = `You and the network agree on ${agreed} of ${given}.${left}`;
      });
    }
    answer.before(choices);
  }
}

// The table of the claims: search, filters, and sorting by the buttons in its head.
const table = document.querySelector("table.claims");
const filters = document.querySelector(".filters");
if (table && filters) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const matches = (row, [name, value]) => {
    if (name === "text") return row.textContent.toLowerCase().includes(value.toLowerCase());
    return row.dataset[name].split("|").includes(value);
  };
  const apply = () => {
    const wanted = [...new FormData(filters)].filter(([, value]) => value.trim());
    rows.forEach((row) => row.classList.toggle("off", !wanted.every((filter) => matches(row, filter))));
    const left = rows.filter((row) => !row.classList.contains("off")).length;
    filters.querySelector("output").textContent = `${left} of ${rows.length} claims`;
  };
  filters.hidden = false;
  filters.addEventListener("input", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(apply));
  for (const head of all("thead th[data-sort]", table)) {
    const button = make("button", { type: "button" }, head.textContent);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      const key = (row) => row.cells[head.cellIndex].dataset.value;
      const isNumeric = rows.every((row) => key(row) === "" || !Number.isNaN(Number(key(row))));
      // Claims without a number come last in both directions.
      const compare = (a, b) => (isNumeric ? Number(a) - Number(b) : a.localeCompare(b));
      const order = [...rows].sort((a, b) => (key(a) === "") - (key(b) === "") || sign * compare(key(a), key(b)));
      body.append(...order);
    });
  }
  apply();
}

// The gallery shows one run at a time.
const choose = document.querySelector(".choose");
if (choose) {
  const runs = all("article.run");
  const names = ["experiment", "classifier", "seed"];
  const selects = names.map((name) => make("select", { name }));
  const apply = () => {
    let possible = runs;
    for (const [place, name] of names.entries()) {
      const select = selects[place];
      const values = [...new Set(possible.map((run) => run.dataset[name]))];
      const kept = values.includes(select.value) ? select.value : values[0];
      select.replaceChildren(...values.map((value) => make("option", { value }, value)));
      select.value = kept;
      possible = possible.filter((run) => run.dataset[name] === kept);
    }
    runs.forEach((run) => run.classList.toggle("off", !possible.includes(run)));
  };
  choose.append(...names.map((name, place) => make("label", {}, `${name[0].toUpperCase()}${name.slice(1)} `, selects[place])));
  choose.addEventListener("input", apply);
  choose.hidden = runs.length < 2;
  apply();
}

// Click or press Enter to enlarge an image.
const dialog = make("dialog", { className: "enlarged" });
dialog.setAttribute("aria-label", "Enlarged image");
document.body.append(dialog);
dialog.addEventListener("click", () => dialog.close());
function enlarge(image) {
  const copy = make("img", { src: image.src, alt: image.alt, className: image.classList.contains("coarse") ? "coarse" : "" });
  dialog.replaceChildren(copy, make("p", {}, image.alt), make("button", { type: "button", autofocus: true }, "Close"));
  dialog.showModal();
}
for (const image of all("img.zoom")) {
  image.tabIndex = 0;
  image.setAttribute("role", "button");
  image.addEventListener("click", () => enlarge(image));
  image.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    enlarge(image);
  });
}

// A link to something that is folded away, filtered out or in another tab shows it first.
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.matches("tr.off")) filters.reset();
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") part.open = true;
    tabsOf.get(part)?.();
  }
  target.querySelector(":scope > th > details")?.setAttribute("open", "");
  target.classList.remove("off");
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();

// The contents mark the section that is read, and fold on a narrow screen.
const contents = document.querySelector(".contents details");
const narrow = matchMedia("(max-width: 68rem)");
const fold = () => (contents.open = !narrow.matches);
narrow.addEventListener("change", fold);
fold();
contents.addEventListener("click", (event) => event.target.closest("a") && narrow.matches && (contents.open = false));
const links = new Map(all(".contents a").map((link) => [link.getAttribute("href").slice(1), link]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((entry) => entry.isIntersecting)) {
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(entry.target.getAttribute("aria-labelledby"))?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-20% 0px -70% 0px" });
all("main > section").forEach((section) => seen.observe(section));

// Everything is printed: folded parts are opened.
let opened = [];
addEventListener("beforeprint", () => {
  opened = all("details:not([open])");
  opened.forEach((part) => (part.open = true));
  all("img[loading]").forEach((image) => (image.loading = "eager"));
});
addEventListener("afterprint", () => opened.forEach((part) => (part.open = false)));
