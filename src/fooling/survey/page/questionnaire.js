// The page: what is shown when, and what is kept of the answers. Texts stand in screens.js, orders in orders.js, and
// what happens at the end in ending.js.
"use strict";

const element = (id) => document.getElementById(id);
const questionnaire = JSON.parse(document.getElementById("questionnaire").textContent);
const recruitment = JSON.parse(element("recruitment").textContent); // where participants go at the end
const sources = JSON.parse(document.getElementById("images").textContent); // where the image of each id is found
const cards = new Map(
  [...questionnaire.stimuli, ...questionnaire.catch, ...questionnaire.practice].map((card) => [card.id, card]),
);
const KEYS = "1234567890";
const SECONDS_PER_TRIAL = 8;

/** What is known of the participant: kept in memory alone, so that leaving the page forgets it. */
const session = { participant: "", hasId: false, origin: null, seed: 0, rows: [], end: "", handedOver: false };
/** Set by the script of a JATOS server, which is in jatos.html alone. */
const server = typeof jatos === "object" ? jatos : null;
let jsPsych;

function begin() {
  const problem = readAddress(new URLSearchParams(server ? server.urlQueryParameters : location.search));
  if (problem) {
    showLast(Screens.farewell("This address cannot be used", problem));
    return;
  }
  const trials = Orders.plan(questionnaire, session.seed);
  jsPsych = initJsPsych({ display_element: "page" });
  document.addEventListener("keydown", pressShownKey);
  window.addEventListener("beforeunload", warnBeforeLoss);
  prepareLeaving();
  jsPsych.run(timelineOf(trials)).then(showEnd);
}

/**
 * Take seed and participant from the address, or draw them; says what is wrong with those that cannot be used.
 * PROLIFIC_PID, STUDY_ID and SESSION_ID are the names that Prolific gives to its ids.
 */
function readAddress(address) {
  const seed = address.get("seed") ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);
  const participant = address.get("participant") ?? address.get("PROLIFIC_PID") ?? randomIdentifier();
  const origin = { recruitment_study: address.get("STUDY_ID"), recruitment_session: address.get("SESSION_ID") };
  const given = Object.values(origin).filter((id) => id !== null);
  if (!/^\d{1,10}$/.test(seed) || Number(seed) > Orders.LARGEST_SEED) {
    return `The seed must be an integer from 0 to ${Orders.LARGEST_SEED}.`;
  }
  if (![participant, ...given].every((id) => Records.IDENTIFIER.test(id))) {
    return "The ids in the address must have 1 to 64 letters, digits, hyphens or underscores, and begin with a letter or digit.";
  }
  if (given.length === 1) return "The address must have both STUDY_ID and SESSION_ID, or neither.";
  const hasId = address.has("participant") || address.has("PROLIFIC_PID");
  Object.assign(session, { seed: Number(seed), participant, hasId, origin: given.length ? origin : null });
  return "";
}

function randomIdentifier() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(8))];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---- What comes after what

function timelineOf(trials) {
  const practised = trials.filter((trial) => trial.part === 0);
  const count = trials.length - practised.length;
  const parts = questionnaire.blocks.map((_, index) => trials.filter((trial) => trial.part === index + 1));
  return [
    loading(trials),
    consent(count, practised.length),
    textScreen(Screens.instructions(practised.length), "Begin"),
    ...practised.flatMap((trial) => [
      ...asked(trial, () => showPractice(trial.trial, practised.length)),
      feedback(trial),
    ]),
    ...parts.flatMap((part, index) => [
      textScreen(Screens.part(part[0].block, index + 1, parts.length, part.length), "Continue"),
      ...part.flatMap((trial) => asked(trial, () => showProgress(trial.trial - practised.length, count))),
    ]),
  ];
}

function loading(trials) {
  return {
    type: jsPsychPreload,
    images: trials.map((trial) => sources[trial.stimulus]),
    show_progress_bar: false,
    message: "<p>One moment …</p>",
    error_message: Screens.farewell("The images could not be loaded", "Please open this page again."),
  };
}

function consent(trials, practice) {
  const minutes = Math.max(1, Math.round(((trials + practice) * SECONDS_PER_TRIAL) / 60));
  return {
    ...textScreen(Screens.consent(questionnaire, { trials, practice, minutes, hasId: session.hasId, isRecruited: Boolean(recruitment.completion_url) }), Screens.ACCEPT, Screens.DECLINE),
    on_finish: ({ response }) => {
      if (response === 1) leave("declined");
      else if (!session.end) element("leave").hidden = false;
    },
  };
}

function textScreen(html, ...choices) {
  const keys = keysOf(choices);
  return {
    type: jsPsychHtmlButtonResponse,
    stimulus: html,
    choices: choices.map(Screens.escaped),
    button_html: (choice, index) => buttonOf(choice, keys[index], { style: index ? "" : "main" }),
    button_layout: "flex",
    css_classes: ["text"],
    on_load: () => {
      ask("");
      element("page").tabIndex = -1;
      element("page").querySelector("h1").focus();
    },
  };
}

/** The question of one trial, and how sure the participant is of the answer. */
function asked(trial, onLoad) {
  const answer = {};
  return [
    imageScreen(trial, {
      question: () => Screens.QUESTIONS[trial.block],
      choices: trial.options,
      style: styleOf(trial.options),
      onLoad,
      onFinish: ({ response, rt }) => {
        Object.assign(answer, { response: trial.options[response], response_ms: Math.round(rt), screen: screenSize() });
      },
    }),
    imageScreen(trial, {
      question: () => `“${answer.response}”: how sure are you?`,
      choices: Screens.RATINGS.map((_, index) => String(index + 1)),
      notes: Screens.RATINGS,
      style: "rating",
      onFinish: ({ response, rt }) => {
        Object.assign(answer, { rating: response + 1, rating_ms: Math.round(rt) });
        session.rows.push(Records.row(questionnaire, session, trial, cards.get(trial.stimulus), answer));
      },
    }),
  ];
}

function styleOf(options) {
  if (options.length === 2) return "pair";
  return options.every((name) => name.length <= 3 || name === Orders.NONE_OF_THESE) ? "short" : "long";
}

function feedback(trial) {
  const isRight = () => session.rows.at(-1).response === trial.correct_answer;
  return imageScreen(trial, {
    question: () => Screens.feedback(trial.correct_answer, isRight()),
    choices: ["Continue"],
    style: "only",
    onFinish: () => {},
  });
}

/** An image with buttons below. Nothing is kept of a screen that the participant left by withdrawing. */
function imageScreen(trial, { question, choices, notes = [], style, onLoad = () => {}, onFinish }) {
  const keys = keysOf(choices);
  return {
    type: jsPsychImageButtonResponse,
    stimulus: sources[trial.stimulus],
    render_on_canvas: false,
    choices: choices.map(Screens.escaped),
    button_html: (choice, index) => buttonOf(choice, keys[index], { note: notes[index] }),
    button_layout: "flex",
    css_classes: ["trial", style],
    on_load: () => {
      onLoad();
      ask(question());
      describe();
    },
    on_finish: (data) => {
      if (!session.end) onFinish(data);
    },
  };
}

// ---- Buttons, keys and the image

/**
 * The key of each choice: digits are their own keys, others are counted; the answer beside the classes has `n`, and a
 * button alone has Enter.
 */
function keysOf(choices) {
  if (choices.length === 1) return ["Enter"];
  const named = choices.filter((choice) => choice !== Orders.NONE_OF_THESE);
  const areKeys = named.every((choice) => choice.length === 1 && KEYS.includes(choice));
  return choices.map((choice, index) => {
    if (choice === Orders.NONE_OF_THESE) return "n";
    return areKeys ? choice : (KEYS[index] ?? "");
  });
}

/** A button that shows its key. */
function buttonOf(choice, key, { note = "", style = choice === Orders.NONE_OF_THESE ? "wide" : "" }) {
  const shortcut = key ? ` data-key="${key}" aria-keyshortcuts="${key}"` : "";
  const hint = key ? `<kbd aria-hidden="true">${key}</kbd>` : "";
  const below = note ? `<small>${note}</small>` : "";
  return `<button class="button ${style}"${shortcut}>${hint}<span>${choice}</span>${below}</button>`;
}

function pressShownKey(event) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || element("leaving").open) return;
  if (event.key === "Enter" && document.activeElement.tagName === "BUTTON") return; // the browser presses that one
  const buttons = [...element("page").querySelectorAll("[data-key]:not(:disabled)")];
  buttons.find((button) => button.dataset.key.toLowerCase() === event.key.toLowerCase())?.click();
}

/** Put the question above the image, where reading and tabbing begin. */
function ask(question) {
  element("question").textContent = question;
  element("question").hidden = !question;
  if (question) element("question").focus();
}

/** Say to assistive software what image and buttons are, and enlarge the image by a whole number. */
function describe() {
  const image = element("jspsych-image-button-response-stimulus");
  image.alt = "The image in question";
  enlarge(image);
  const buttons = element("jspsych-image-button-response-btngroup");
  buttons.setAttribute("role", "group");
  buttons.setAttribute("aria-labelledby", "question");
}

/** Listens as well: jsPsych sets the image back to its own size where it loads late. */
function enlarge(image) {
  const fit = () => {
    const room = Math.min(320, innerWidth - 48, Math.max(160, innerHeight * 0.38));
    const times = room / image.naturalWidth;
    image.style.width = `${image.naturalWidth * (times > 1 ? Math.floor(times) : times)}px`;
    image.style.height = "auto";
  };
  image.addEventListener("load", fit);
  if (image.complete) fit();
}

function showPractice(number, count) {
  element("place").textContent = `Practice ${number} of ${count}`;
}

function showProgress(done, count) {
  element("progress").hidden = false;
  element("progress").max = count;
  element("progress").value = done - 1;
  element("progress").textContent = element("place").textContent = `${done} of ${count}`;
}

const screenSize = () => `${innerWidth}x${innerHeight}`;

if (server) server.onLoad(begin);
else begin();
