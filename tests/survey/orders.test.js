// The orders of participants and the files they take home, without a browser: node --test tests/survey
"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const Orders = require("../../src/fooling/survey/page/orders.js");
const Records = require("../../src/fooling/survey/page/records.js");

const CLASSES = [..."abcdefghijkl"];
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

function stimulus(id, condition, number) {
  const className = CLASSES[number % CLASSES.length];
  const confused = CLASSES.filter((name) => name !== className).slice(0, 3);
  return { id, sha256: "0", condition, class_name: className, confused };
}

const conditions = { cppn: 12, noise: 12, real: 6 };
const questionnaire = {
  study: "small",
  version: "0123456789abcdef",
  classes: CLASSES,
  stimuli: Object.entries(conditions).flatMap(([condition, count]) =>
    Array.from({ length: count }, (_, index) => stimulus(`${condition}-${index}`, condition, index)),
  ),
  catch: ["a", "b", "c", "d", "e"].map((answer, index) => ({ id: `catch-${index}`, sha256: "0", answer })),
  practice: [0, 1, 2, 3].map((index) => stimulus(`practice-${index}`, "real", index)),
  blocks: [
    { name: "two-way", foils: "random", options: 2 },
    { name: "two-way", foils: "confused", options: 2 },
    { name: "all-way", foils: "", options: 12 },
    { name: "free", foils: "", options: 5 },
  ],
  trials_per_block: 6,
  catch_trials: 5,
  practice_trials: 3,
};
const plan = (seed, changed = {}) => Orders.plan({ ...questionnaire, ...changed }, seed);
const count = (items, of) => items.filter((item) => item === of).length;

test("mulberry32 gives the numbers that others get from it", () => {
  const random = Orders.generator(1);
  const numbers = [random(), random(), random()].map((number) => Math.round(number * 2 ** 32));
  assert.deepEqual(numbers, [2693262067, 11749833, 2265367787]);
});

test("a seed gives the same trials again, another seed gives others", () => {
  assert.deepEqual(plan(7), plan(7));
  assert.notDeepEqual(plan(7), plan(8));
  assert.notDeepEqual(plan(0), plan(Orders.LARGEST_SEED));
});

test("trials are counted from 1, and practice comes first", () => {
  for (const seed of SEEDS) {
    const trials = plan(seed);
    assert.deepEqual(trials.map((trial) => trial.trial), trials.map((_, index) => index + 1));
    assert.deepEqual(trials.slice(0, 3).map((trial) => [trial.kind, trial.block]), [
      ["practice", "two-way"],
      ["practice", "all-way"],
      ["practice", "free"],
    ]);
    assert.equal(count(trials.map((trial) => trial.kind), "practice"), 3);
  }
});

test("every condition comes equally often in every block, and no image twice before it must", () => {
  for (const seed of SEEDS) {
    const shown = plan(seed).filter((trial) => trial.kind === "stimulus");
    for (const part of [1, 2, 3, 4]) {
      const ids = shown.filter((trial) => trial.part === part).map((trial) => trial.stimulus);
      assert.equal(new Set(ids).size, 6);
      for (const condition of Object.keys(conditions)) {
        assert.equal(ids.filter((id) => id.startsWith(condition)).length, 2);
      }
    }
    const times = questionnaire.stimuli.map(({ id }) => count(shown.map((trial) => trial.stimulus), id));
    assert.deepEqual(times.slice(0, 24), times.slice(0, 24).map((time) => Math.min(time, 1)));
    assert.ok(times.slice(24).every((time) => time === 1 || time === 2));
  }
});

test("a condition with few images makes room for the others, and none comes twice in a block", () => {
  const stimuli = questionnaire.stimuli.filter(({ id }) => !/^real-[1-5]$/.test(id));
  for (const seed of SEEDS) {
    const shown = plan(seed, { stimuli, trials_per_block: 25 }).filter((trial) => trial.kind === "stimulus");
    for (const part of [1, 2, 3, 4]) {
      const ids = shown.filter((trial) => trial.part === part).map((trial) => trial.stimulus);
      assert.equal(new Set(ids).size, 25);
    }
  }
});

test("catch cards are spread over the blocks and never begin one", () => {
  for (const seed of SEEDS) {
    const trials = plan(seed);
    const caught = trials.filter((trial) => trial.kind === "catch");
    assert.equal(new Set(caught.map((trial) => trial.stimulus)).size, 5);
    assert.deepEqual([1, 2, 3, 4].map((part) => count(caught.map((trial) => trial.part), part)), [2, 1, 1, 1]);
    for (const trial of caught) assert.equal(trials[trial.trial - 2].part, trial.part);
  }
});

test("the answer is always offered, once, among as many classes as the block has", () => {
  for (const trial of SEEDS.flatMap((seed) => plan(seed))) {
    assert.equal(count(trial.options, trial.correct_answer), 1);
    assert.equal(new Set(trial.options).size, trial.options.length);
    assert.equal(trial.options.length, { "two-way": 2, "all-way": 12, free: 6 }[trial.block]);
    assert.equal(trial.options.at(-1) === Orders.NONE_OF_THESE, trial.block === "free");
  }
});

test("the foil of a confused block is what the network confuses most, elsewhere any class", () => {
  const byId = new Map(questionnaire.stimuli.map((card) => [card.id, card]));
  const foils = { random: new Set(), confused: new Set() };
  for (const trial of SEEDS.flatMap((seed) => plan(seed))) {
    if (trial.kind !== "stimulus" || trial.block !== "two-way") continue;
    const [foil] = trial.options.filter((name) => name !== trial.correct_answer);
    foils[trial.foils].add(foil);
    if (trial.foils === "confused") assert.equal(foil, byId.get(trial.stimulus).confused[0]);
  }
  assert.equal(foils.random.size, CLASSES.length);
});

test("buttons with all classes keep their places for one participant and change between participants", () => {
  const order = (seed) => new Set(plan(seed).filter((trial) => trial.block === "all-way").map((trial) => trial.options.join()));
  assert.ok(SEEDS.every((seed) => order(seed).size === 1));
  assert.equal(new Set(SEEDS.flatMap((seed) => [...order(seed)])).size, SEEDS.length);
});

test("names that are numbers are sorted by size, except where there are two", () => {
  const digits = ["10", "2", "0", "33", "4", "5", "6", "7", "8", "9", "1", "3"];
  const named = (card, index) => ({ ...card, class_name: digits[index % 12], confused: [digits[(index + 1) % 12]] });
  const changed = {
    classes: digits,
    stimuli: questionnaire.stimuli.map(named),
    practice: questionnaire.practice.map(named),
    catch: questionnaire.catch.map((card, index) => ({ ...card, answer: digits[index] })),
  };
  const trials = SEEDS.flatMap((seed) => plan(seed, changed));
  for (const { block, options } of trials.filter((trial) => trial.block !== "two-way")) {
    const numbers = options.filter((name) => name !== Orders.NONE_OF_THESE).map(Number);
    assert.deepEqual(numbers, [...numbers].sort((one, other) => one - other), block);
  }
  const pairs = trials.filter((trial) => trial.block === "two-way");
  const left = pairs.filter((trial) => trial.options[0] === trial.correct_answer).length;
  assert.ok(Math.abs(left / pairs.length - 0.5) < 0.03, `${left} of ${pairs.length}`);
});

test("the right button is as often on the left as on the right", () => {
  const pairs = SEEDS.flatMap((seed) => plan(seed)).filter((trial) => trial.block === "two-way");
  const left = pairs.filter((trial) => trial.options[0] === trial.correct_answer).length;
  assert.ok(Math.abs(left / pairs.length - 0.5) < 0.03, `${left} of ${pairs.length}`);
});

test("over four seeds every block comes once at each place and once after each other one", () => {
  const orders = [12, 13, 14, 15].map((seed) => Orders.blockOrder(4, seed));
  for (const place of [0, 1, 2, 3]) assert.equal(new Set(orders.map((order) => order[place])).size, 4);
  const neighbours = orders.flatMap((order) => order.slice(1).map((block, place) => `${order[place]}${block}`));
  assert.equal(new Set(neighbours).size, 12);
  const parts = (seed) => [1, 2, 3, 4].map((part) => plan(seed).find((trial) => trial.part === part));
  assert.deepEqual(
    parts(13).map(({ block, foils }) => block + foils),
    Orders.blockOrder(4, 13).map((index) => questionnaire.blocks[index].name + questionnaire.blocks[index].foils),
  );
});

test("with two classes, practice without cards and no catch cards there are still trials", () => {
  const few = { classes: ["a", "b"], practice: [], practice_trials: 0, catch: [], catch_trials: 0 };
  const blocks = questionnaire.blocks.map((block) => ({ ...block, options: 2 }));
  const stimuli = ["a", "b"].map((name, index) => ({
    id: name, sha256: "0", condition: "cppn", class_name: name, confused: [index ? "a" : "b"],
  }));
  const trials = plan(3, { ...few, blocks, stimuli, trials_per_block: 2 });
  assert.equal(trials.length, 8);
  assert.ok(trials.every((trial) => trial.options.includes("a") && trial.options.includes("b")));
});

test("a row holds every column, and a file of CSV marks what would end a cell", () => {
  const session = { participant: "0123456789abcdef", seed: 5 };
  const trial = { ...plan(5)[0], options: ["a|b", "c\\d", 'e, "f"'] };
  const answer = { response: 'e, "f"', rating: 3, response_ms: 900, rating_ms: 400, screen: "390x844" };
  const row = Records.row(questionnaire, session, trial, { id: "x", sha256: "0" }, answer);
  assert.deepEqual(Object.keys(row), Records.COLUMNS);
  assert.equal(row.options, 'a\\|b|c\\\\d|e, "f"');
  const lines = Records.csv([row]).split("\r\n");
  assert.equal(lines[0], Records.COLUMNS.join(","));
  assert.ok(lines[1].includes('"a\\|b|c\\\\d|e, ""f""","e, ""f"""'));
  assert.equal(lines.length, 3);
  assert.deepEqual(JSON.parse(Records.json([row])), { format: 1, rows: [row] });
});
