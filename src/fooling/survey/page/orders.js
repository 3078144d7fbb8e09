// What a participant is asked, in which order: all of it follows from the questionnaire and one seed.
//
// Browsers load this file in the page; with node it prints the trials of a seed:
//   node orders.js questionnaire.json SEED
"use strict";

const Orders = (() => {
  const NONE_OF_THESE = "none of these";
  const LARGEST_SEED = 2 ** 32 - 1;

  /** Mulberry32 (Tommy Ettinger, public domain): a function whose calls give numbers in [0, 1), from a 32-bit seed. */
  function generator(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  const below = (limit, random) => Math.floor(random() * limit);

  /** The items in a drawn order (Fisher and Yates, from the last place down). */
  function shuffled(items, random) {
    const order = [...items];
    for (let last = order.length - 1; last > 0; last--) {
      const other = below(last + 1, random);
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  }

  /**
   * Row `seed` of Williams' square for `count` blocks, as their indices: over consecutive seeds every block comes
   * equally often at each place, and where `count` is even also equally often after each other one.
   */
  function blockOrder(count, seed) {
    const zigzag = (place) => (place % 2 ? (place + 1) / 2 : count - place / 2);
    return Array.from({ length: count }, (_, place) => (zigzag(place) + seed) % count);
  }

  /** A function that deals one item at a time: none twice in a block, and none again before all have come. */
  function dealer(items, random) {
    let deck = [];
    return (inThisBlock) => {
      const isNew = (item) => !inThisBlock.has(item);
      if (!deck.some(isNew)) deck = [...deck, ...shuffled(items.filter((item) => !deck.includes(item)), random)];
      const next = deck.find(isNew);
      deck = deck.filter((item) => item !== next);
      return next;
    };
  }

  /** Functions that deal the stimuli of each condition, by its name. */
  function dealers(stimuli, random) {
    const conditions = [...new Set(stimuli.map((stimulus) => stimulus.condition))];
    const of = (condition) => stimuli.filter((stimulus) => stimulus.condition === condition);
    return new Map(conditions.map((condition) => [condition, dealer(of(condition), random)]));
  }

  /** The stimuli of one block in order: the conditions take turns as long as each has images, in a drawn order. */
  function stimuliOfBlock(count, deal, random) {
    const conditions = shuffled(deal.keys(), random);
    const dealt = new Set();
    for (let turn = 0; dealt.size < count; turn++) {
      const next = deal.get(conditions[turn % conditions.length])(dealt);
      if (next) dealt.add(next);
    }
    return shuffled(dealt, random);
  }

  /** Names that are numbers, such as digits, by size: people look for them there. Other names stay as they are. */
  function inOrder(names) {
    return names.every((name) => /^\d+$/.test(name)) ? [...names].sort((one, other) => one - other) : names;
  }

  /**
   * The options of one trial in the order shown. `classes` are all of them in the participant's own order, or by size.
   * Two names are in a drawn order whatever they are, so that no side is right more often.
   */
  function optionsOf(card, block, classes, random) {
    const answer = answerTo(card);
    const others = classes.filter((name) => name !== answer);
    const isConfused = block.foils === "confused" && card.confused;
    const foils = (isConfused ? card.confused : shuffled(others, random)).slice(0, block.options - 1);
    const all = foils.length === others.length && others.length > 1;
    const drawn = all ? classes : shuffled([answer, ...foils], random);
    const options = block.options === 2 ? drawn : inOrder(drawn);
    return block.name === "free" ? [...options, NONE_OF_THESE] : options;
  }

  const answerTo = (card) => card.answer ?? card.class_name;

  /** Trials in each of which one of the `cards` is shown and asked about as in `block`. */
  function trialsOf(cards, kindOf, block, part, classes, random) {
    return cards.map((card) => ({
      part,
      block: block.name,
      foils: block.foils,
      kind: kindOf(card),
      stimulus: card.id,
      options: optionsOf(card, block, classes, random),
      correct_answer: answerTo(card),
    }));
  }

  /** Practice trials: every question in turn, in the order in which its first block stands in the questionnaire. */
  function practice(questionnaire, classes, random) {
    const { blocks } = questionnaire;
    const questions = blocks.filter((block, index) => blocks.findIndex((other) => other.name === block.name) === index);
    const cards = shuffled(questionnaire.practice, random).slice(0, questionnaire.practice_trials);
    return cards.flatMap((card, turn) =>
      trialsOf([card], () => "practice", questions[turn % questions.length], 0, classes, random),
    );
  }

  /** `items` with each of `others` put in at a drawn place, but never as the first. */
  function mixedIn(items, others, random) {
    const mixed = [...items];
    for (const other of others) mixed.splice(1 + below(mixed.length, random), 0, other);
    return mixed;
  }

  /**
   * Every trial of the participant with this seed: first practice (part 0), then the blocks (parts 1, 2, ...).
   *
   * One generator is asked in this order: the participant's order of the classes (also if they are numbers); practice; the catch cards; then for
   * each block its images, the places of its catch cards, and trial by trial the foils and the order of the buttons.
   */
  function plan(questionnaire, seed) {
    const random = generator(seed);
    const { blocks } = questionnaire;
    const classes = shuffled(questionnaire.classes, random);
    const trials = practice(questionnaire, classes, random);
    const catchCards = shuffled(questionnaire.catch, random).slice(0, questionnaire.catch_trials);
    const deal = dealers(questionnaire.stimuli, random);
    const kindOf = (card) => (catchCards.includes(card) ? "catch" : "stimulus");
    for (const [place, index] of blockOrder(blocks.length, seed).entries()) {
      const images = stimuliOfBlock(questionnaire.trials_per_block, deal, random);
      const own = catchCards.filter((_, number) => number % blocks.length === place);
      const cards = mixedIn(images, own, random);
      trials.push(...trialsOf(cards, kindOf, blocks[index], place + 1, classes, random));
    }
    return trials.map((trial, index) => ({ trial: index + 1, ...trial }));
  }

  return { LARGEST_SEED, NONE_OF_THESE, blockOrder, generator, plan };
})();

if (typeof module === "object") {
  module.exports = Orders;
  if (require.main === module) {
    const questionnaire = JSON.parse(require("node:fs").readFileSync(process.argv[2], "utf8"));
    process.stdout.write(JSON.stringify(Orders.plan(questionnaire, Number(process.argv[3])), null, 2) + "\n");
  }
}
