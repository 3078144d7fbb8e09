// One row for each answer, and the two files that a participant takes home. Nothing here knows the browser.
"use strict";

const Records = (() => {
  const COLUMNS = [
    "format", "study", "study_version", "participant", "seed", "block", "foils", "trial", "kind", "stimulus",
    "stimulus_sha256", "condition", "options", "response", "correct_answer", "rating", "response_ms", "rating_ms",
    "screen", "finished",
  ];
  /** Ids of the service that recruited the participant; they are there if the address had them. */
  const ORIGIN = ["recruitment_study", "recruitment_session"];
  /** Participants and the ids of a recruitment service. */
  const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
  const FORMAT = 1;

  /** Names as one text: joined by "|", which a backslash marks where it stands in a name. */
  const joined = (names) => names.map((name) => name.replace(/[\\|]/g, "\\$&")).join("|");

  /** The row of one answered trial of the plan; `card` is the image that was shown. */
  function row(questionnaire, session, trial, card, answer) {
    return {
      format: FORMAT,
      study: questionnaire.study,
      study_version: questionnaire.version,
      participant: session.participant,
      seed: session.seed,
      block: trial.block,
      foils: trial.foils,
      trial: trial.trial,
      kind: trial.kind,
      stimulus: card.id,
      stimulus_sha256: card.sha256,
      condition: card.condition ?? "",
      options: joined(trial.options),
      response: answer.response,
      correct_answer: trial.correct_answer,
      rating: answer.rating,
      response_ms: answer.response_ms,
      rating_ms: answer.rating_ms,
      screen: answer.screen,
      finished: false,
      ...session.origin,
    };
  }

  /** The rows as a file of JSON. */
  const json = (rows) => JSON.stringify({ format: FORMAT, rows }, null, 1) + "\n";

  /** The rows as a file of CSV (RFC 4180). */
  function csv(rows) {
    const columns = rows.length && ORIGIN[0] in rows[0] ? [...COLUMNS, ...ORIGIN] : COLUMNS;
    const lines = [columns, ...rows.map((values) => columns.map((column) => values[column]))];
    return lines.map((cells) => cells.map(cell).join(",") + "\r\n").join("");
  }

  function cell(value) {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  return { COLUMNS, IDENTIFIER, ORIGIN, csv, joined, json, row };
})();

if (typeof module === "object") module.exports = Records;
