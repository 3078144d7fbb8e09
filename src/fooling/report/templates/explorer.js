"use strict";
// The list of runs is in the page. The entries of a run are a script of their own, which calls explorer(key, entries):
// a page that is opened from a folder may not read other files.
const listed = JSON.parse(document.getElementById("listed").textContent);
const at = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const drawn = (tag, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
};
// Confidences are truncated, never rounded up; the highest ones cannot be told apart in float32.
const percent = (confidence) => {
  if (confidence === null) return "unknown";
  if (confidence >= 0.9999) return "≥ 99.99 %";
  const [whole, places] = (confidence * 100).toFixed(12).split(".");
  return `${whole}.${places.slice(0, 2)} %`;
};
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

// Choices from left to right: each one lists what the choices before it leave.
const KEYS = {
  study: ["Study", (run) => run.study],
  encoding: ["Encoding", (run) => run.encoding],
  experiment: ["Experiment", (run) => run.experiment],
  classifier: ["Classifier", (run) => run.classifier],
  search: ["Search", (run) => run.search],
  seed: ["Seed", (run) => String(run.seed)],
};
const all = listed.studies.flatMap((study) => {
  if (!study.recorded) return study.runs.map((run) => ({ ...run, study: study.name }));
  const name = `${study.name} (recorded)`;
  return study.experiments.map((one) => ({ ...one, study: name, of: study, classifier: `all ${one.classifiers.length}`, search: "all", seed: `all ${one.seeds.length}` }));
});
const wanted = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const loaded = new Map();
let shown = null; // the run or the recorded experiment
let cell = Number(wanted.class ?? -1);
let generation = Number(wanted.generation ?? -1);

function chosen() {
  let left = all;
  for (const [key, [, of]] of Object.entries(KEYS)) {
    const values = [...new Set(left.map(of))];
    const value = values.includes(wanted[key]) ? wanted[key] : values[0];
    const select = at(`choose-${key}`);
    select.replaceChildren(...values.map((one) => make("option", { value: one, textContent: one, selected: one === value })));
    select.disabled = values.length < 2;
    wanted[key] = value;
    left = left.filter((run) => of(run) === value);
  }
  return left[0];
}

for (const [key, [title]] of Object.entries(KEYS)) {
  const select = make("select", { id: `choose-${key}`, name: key });
  select.addEventListener("change", () => {
    wanted[key] = select.value;
    open(chosen());
  });
  at("choose").append(make("label", {}, title, select));
}

const lastOf = (run) => run.last ?? run.generations.at(-1);

function open(run) {
  if (shown && generation === lastOf(shown)) generation = -1; // the end of one run becomes the end of the next one
  shown = run;
  const left = listed.studies.find((one) => one.name === run.study)?.left_out;
  at("note").hidden = true;
  const recorded = run.curves !== undefined;
  at("run").hidden = true;
  at("numbers").hidden = !recorded;
  if (recorded) {
    note(`Recorded on ${run.of.recorded} with version ${run.of.version} of this package. Numbers alone were recorded: there are no images, and no single runs.`);
    showNumbers();
    return;
  }
  if (left) note(`${counted(left, "run")} of this study ${left === 1 ? "is" : "are"} left out, because the explorer would become too large: it has the first seeds of each experiment.`);
  if (loaded.has(run.key)) return showRun();
  const script = make("script", { src: `${run.key}.js` });
  script.addEventListener("error", () => note(`${run.key}.js is missing. Copy the whole folder of the explorer.`));
  script.addEventListener("load", () => shown === run && showRun());
  document.head.append(script);
}

function note(text) {
  at("note").textContent = text;
  at("note").hidden = false;
}

window.explorer = (key, { entries, images }) => {
  const cells = new Map();
  const individuals = new Map();
  for (const [place, born, individual, confidence, ...parents] of entries) {
    const entry = { cell: place, generation: born, individual, confidence, parents };
    if (!cells.has(place)) cells.set(place, []);
    cells.get(place).push(entry);
    if (!individuals.has(individual)) individuals.set(individual, []);
    individuals.get(individual).push(entry);
  }
  loaded.set(key, { cells, individuals, images });
};

const run = () => loaded.get(shown.key);
const champion = (place, when) => (run().cells.get(place) ?? []).findLast((entry) => entry.generation <= when);
const imageOf = (individual) => run().images[individual] ?? -1;
const nameOf = (place) => shown.classes[place] ?? `class ${place}`;

function sprite(individual, words) {
  const number = imageOf(individual);
  const [height, width] = shown.size;
  const element = make("span", { className: number < 0 ? "sprite none" : "sprite" });
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", number < 0 ? `No image is stored of ${words}` : `Image: ${words}`);
  element.style.aspectRatio = `${width} / ${height}`;
  if (number < 0) return element;
  const columns = listed.columns, rows = Math.ceil(shown.images / columns);
  const step = (place, of) => (of > 1 ? (100 * place) / (of - 1) : 0);
  element.style.backgroundImage = `url("${shown.key}.png")`;
  element.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  element.style.backgroundPosition = `${step(number % columns, columns)}% ${step(Math.floor(number / columns), rows)}%`;
  return element;
}

function showRun() {
  const places = Object.keys(shown.classes).map(Number);
  if (!places.includes(cell)) cell = places[0];
  if (!(generation >= 0 && generation <= shown.last)) generation = shown.last;
  at("generation").max = shown.last;
  const stored = [...new Set([0, ...shown.replayed, shown.last])].sort((a, b) => a - b);
  at("stored").replaceChildren(
    "All images stored: ",
    ...stored.map((when) => {
      const button = make("button", { type: "button", textContent: when });
      button.setAttribute("aria-label", `Go to generation ${when}`);
      button.addEventListener("click", () => {
        generation = when;
        showGeneration();
      });
      return button;
    }),
  );
  at("classes").replaceChildren(
    ...places.map((place) => {
      const button = make("button", { type: "button" });
      button.dataset.cell = place;
      button.addEventListener("click", () => {
        cell = place;
        showGeneration();
      });
      return make("li", {}, button);
    }),
  );
  if (places.length < shown.of) note(`${places.length} of ${shown.of.toLocaleString("en")} classes, from the most to the least confident.`);
  at("run").hidden = false;
  showGeneration();
}

function showGeneration() {
  at("generation").value = generation;
  at("when").textContent = `${generation} of ${shown.last}`;
  at("generation").setAttribute("aria-valuetext", `generation ${generation} of ${shown.last}`);
  for (const button of at("classes").querySelectorAll("button")) {
    const place = Number(button.dataset.cell);
    const entry = champion(place, generation);
    const label = make("span", { className: "number", textContent: percent(entry.confidence) });
    label.classList.toggle("fooled", entry.confidence >= listed.threshold);
    button.replaceChildren(sprite(entry.individual, `the champion of ${nameOf(place)}`), make("b", { textContent: nameOf(place) }), label);
    button.setAttribute("aria-pressed", place === cell);
  }
  showChampion();
  const hash = new URLSearchParams({ ...Object.fromEntries(Object.keys(KEYS).map((key) => [key, wanted[key]])), class: cell, generation });
  history.replaceState(null, "", `#${hash}`);
}

function showChampion() {
  const entry = champion(cell, generation);
  const stored = imageOf(entry.individual) >= 0;
  at("about").textContent = `${nameOf(cell)}, with ${percent(entry.confidence)}`;
  at("image").replaceChildren(sprite(entry.individual, `the champion of ${nameOf(cell)}`));
  const facts = {
    Class: nameOf(cell),
    Confidence: percent(entry.confidence) + (entry.confidence >= listed.threshold ? ": fools the network" : ""),
    "Found in": `generation ${entry.generation}`,
    Individual: `number ${entry.individual.toLocaleString("en")} of the run`,
    Image: stored ? "stored" : "not stored: a later champion replaced it",
    "Fills also": run().individuals.get(entry.individual).filter((other) => other.cell !== cell && champion(other.cell, generation).individual === entry.individual).map((other) => nameOf(other.cell)).join(", ") || "no other class",
  };
  at("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]));
  const steps = run().cells.get(cell).flatMap((one, place, ofCell) => [[one.generation, one.confidence], [ofCell[place + 1]?.generation ?? shown.last, one.confidence]]);
  at("chart").replaceChildren(chart([steps], shown.last, `Confidence of the champion of ${nameOf(cell)}`));
  showFamily(entry);
}

// A line of first parents, and the champions of this generation that share an ancestor with this one.
function ancestorsOf(entry) {
  const found = new Set(), pending = [entry.individual];
  while (pending.length) {
    const one = pending.pop();
    if (found.has(one)) continue;
    found.add(one);
    for (const known of (run().individuals.get(one) ?? []).slice(0, 1)) pending.push(...known.parents);
  }
  return found;
}

function relative(entries, words) {
  const entry = entries[0];
  const cells = entries.map((one) => nameOf(one.cell)).join(", ");
  return make("li", {}, sprite(entry.individual, words(entry)), make("b", { textContent: cells }), make("br"), `${percent(entry.confidence)}, generation ${entry.generation}`);
}

function showFamily(entry) {
  const line = [];
  let next = entry, missing = false;
  while (next && next.parents.length) {
    const parent = run().individuals.get(next.parents[0]);
    missing = parent === undefined;
    if (missing) break;
    line.push(parent);
    next = parent[0];
  }
  const two = entry.parents.length > 1 ? " It has two parents; the line follows the first one of each." : "";
  const end = missing ? "ends at a parent that was never a champion and is not stored" : "ends at an image of the random start";
  const switches = line.filter((parent) => !parent.some((one) => one.cell === cell)).length;
  at("ancestry").textContent = !entry.parents.length
    ? "This image was drawn at random: it has no parents."
    : line.length
      ? `Its line of ancestors has ${counted(line.length, "image")} and ${end}.${two} ${switches === 0 ? "Each of them was a champion of this class at some time." : `${counted(switches, "ancestor")} ${switches === 1 ? "was" : "were"} never a champion of this class.`} From the parent to the oldest ancestor:`
      : `Its parent was never a champion, so nothing else of its family is stored.${two}`;
  const words = (one) => `an ancestor from generation ${one.generation}`;
  const items = line.map((parent) => relative(parent, words));
  const near = items.length > 8 ? 7 : 8;
  at("ancestors").replaceChildren(...items.slice(0, near), ...(items.length > 8 ? items.slice(-1) : []));
  const older = items.length > 8 ? items.slice(near, -1) : [];
  at("older").hidden = older.length === 0;
  at("older").querySelector("summary").textContent = `${counted(older.length, "further ancestor")} before the oldest one`;
  at("older").querySelector("ol").replaceChildren(...older);
  const own = ancestorsOf(entry);
  const related = Object.keys(shown.classes)
    .map(Number)
    .filter((place) => place !== cell)
    .flatMap((place) => {
      const other = champion(place, generation);
      const common = [...ancestorsOf(other)].filter((one) => own.has(one) && run().individuals.has(one));
      return common.length ? [[other, Math.max(...common)]] : [];
    });
  at("relation").textContent = related.length
    ? `${counted(related.length, "champion")} of this generation ${related.length === 1 ? "shares" : "share"} an ancestor with it:`
    : "No other champion of this generation shares an ancestor with it, as far as ancestors are stored.";
  at("relatives").replaceChildren(
    ...related.map(([other, common]) => {
      const item = relative([other], () => `the champion of ${nameOf(other.cell)}`);
      const since = run().individuals.get(common)[0].generation;
      item.append(make("br"), common === other.individual && common === entry.individual ? "the same image" : `common ancestor of generation ${since}`);
      return item;
    }),
  );
}

// Curves of [generation, confidence] on a log-odds axis from 1 % to 99.99999 %.
function chart(curves, last, title) {
  const [width, height, left, right, top, bottom] = [560, 290, 104, 12, 10, 46];
  const odds = (p) => Math.log(Math.min(Math.max(p, 0.01), 0.9999999) / (1 - Math.min(Math.max(p, 0.01), 0.9999999)));
  const [low, high] = [odds(0), odds(1)];
  const x = (when) => left + ((width - left - right) * when) / Math.max(last, 1);
  const y = (p) => height - bottom - ((height - top - bottom) * (odds(p) - low)) / (high - low);
  const picture = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": title });
  for (const [p, words] of [[0.01, "≤ 1 %"], [0.1, "10 %"], [0.5, "50 %"], [0.9, "90 %"], [0.99, "99 %"], [0.999, "99.9 %"], [0.9999, "99.99 %"], [0.99999, "99.999 %"], [0.999999, "99.9999 %"]]) {
    picture.append(drawn("line", { x1: left, x2: width - right, y1: y(p), y2: y(p), class: "grid" }));
    picture.append(drawn("text", { x: left - 6, y: y(p) + 4, "text-anchor": "end" }, words));
  }
  for (const when of new Set([0, Math.round(last / 2), last])) picture.append(drawn("text", { x: x(when), y: height - bottom + 20, "text-anchor": when === 0 ? "start" : when === last ? "end" : "middle" }, when));
  picture.append(drawn("text", { x: (left + width) / 2, y: height - 3, "text-anchor": "middle" }, "generation"));
  for (const [place, curve] of curves.entries()) {
    const points = curve.filter(([, p]) => p !== null).map(([when, p]) => `${x(when).toFixed(1)},${y(p).toFixed(1)}`);
    picture.append(drawn("polyline", { points: points.join(" "), class: `line ${["", "second", "third"][place] ?? ""}` }));
  }
  picture.append(drawn("line", { x1: x(generation), x2: x(generation), y1: top, y2: height - bottom, class: "now" }));
  return picture;
}

const MEASURES = {
  other_parent: "Parents that were not champions of the class, share",
  other_parent_of_all: "The same for all images that ever became champions",
  other_ancestor: "Champions with an ancestor of other classes only, share",
  switches: "Changes of class from the start to the champion",
  steps: "Steps from the start to the champion",
  switches_per_step: "Changes of class per step",
  start_images: "Images of the start that all champions descend from",
  common_start: "Pairs of champions that descend from one image of the start, share",
};

function showNumbers() {
  const last = lastOf(shown);
  if (!(generation >= 0 && generation <= last)) generation = last;
  const names = Object.keys(shown.curves);
  const slider = make("input", { type: "range", id: "recorded-generation", min: 0, max: last, value: generation });
  const when = make("output", { className: "number" });
  const picture = make("div"), values = make("tbody");
  const table = make("table", {}, make("thead", { innerHTML: "<tr><th scope=col>Search</th><th scope=col>Median confidence</th></tr>" }), values);
  const draw = () => {
    const row = shown.generations.findLastIndex((one) => one <= generation);
    when.textContent = `${generation} of ${last}, after ${shown.evaluations[row].toLocaleString("en")} images`;
    picture.replaceChildren(chart(names.map((name) => shown.generations.map((one, place) => [one, shown.curves[name][place]])), last, "Median confidence over the generations"));
    values.replaceChildren(...names.map((name) => make("tr", {}, make("th", { scope: "row", textContent: name }), make("td", { className: "number", textContent: percent(shown.curves[name][row]) }))));
  };
  slider.addEventListener("input", () => {
    generation = Number(slider.value);
    draw();
  });
  const key = make("p", { className: "key" }, ...names.map((name, place) => make("span", { className: ["", "second", "third"][place] }, make("i"), name)));
  const text = `Median over the classes of each run; mean log-odds over all runs on ${shown.classifiers.join(", ")}, with ${counted(shown.seeds.length, "seed")}.`;
  const family = shown.family.length
    ? [make("h2", { textContent: "Families" }), make("p", { textContent: "Mean over the runs, with 95 % confidence interval, and the value expected if parents were drawn uniformly." }), make("div", { className: "scroll", tabIndex: 0 }, make("table", {}, make("thead", { innerHTML: "<tr><th scope=col>Measure</th><th scope=col>Here</th><th scope=col>By chance</th></tr>" }), make("tbody", {}, ...shown.family.map((row) => make("tr", {}, make("th", { scope: "row", textContent: MEASURES[row.measure] ?? row.measure }), make("td", { className: "number", textContent: between(row) }), make("td", { className: "number", textContent: short(row.chance) }))))))]
    : [];
  at("numbers").replaceChildren(
    make("div", { className: "time" }, make("label", { htmlFor: "recorded-generation", textContent: "Generation" }), slider, when),
    make("p", { textContent: text }), picture, key, table, ...family,
  );
  draw();
}
const short = (number) => (number === null ? "-" : Number(number.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 4 }));
const between = ({ value, low, high }) => (low === null || high === null ? short(value) : `${short(value)} [${short(low)}, ${short(high)}]`);

at("generation").addEventListener("input", () => {
  generation = Number(at("generation").value);
  showGeneration();
});
open(chosen());
