// How it ends: declined, withdrawn, stopped or finished; and how the answers are handed over.
"use strict";

function prepareLeaving() {
  const dialog = element("leaving");
  element("leave").textContent = Screens.WITHDRAW;
  element("leave").addEventListener("click", () => {
    element("stop").hidden = Boolean(session.end) || session.rows.length === 0;
    dialog.showModal();
  });
  element("stay").addEventListener("click", () => dialog.close());
  element("stop").addEventListener("click", () => leave("stopped"));
  element("withdraw").addEventListener("click", () => leave("withdrawn"));
}

/** End the questions here. Who declines or withdraws leaves nothing behind. */
function leave(end) {
  const wasOver = Boolean(session.end);
  session.end = end;
  if (end !== "stopped") session.rows = [];
  element("leaving").close();
  if (wasOver) showEnd();
  else jsPsych.abortExperiment();
}

function showEnd() {
  session.end ||= "finished";
  if (session.end === "declined") {
    showLast(Screens.farewell("You do not take part", "That is fine. Nothing was stored. You can close this page."));
  } else if (session.end === "withdrawn") {
    showLast(Screens.withdrawn(questionnaire, session.handedOver));
  } else {
    showDebrief();
  }
}

function showLast(html) {
  for (const id of ["leave", "progress", "place"]) element(id).hidden = true;
  ask("");
  element("page").innerHTML = `<div class="text">${html}</div>`;
  element("page").querySelector("h1").focus();
}

function showDebrief() {
  const finished = session.end === "finished";
  session.rows = session.rows.map((row) => ({ ...row, finished }));
  const kinds = [...new Set(questionnaire.stimuli.map((stimulus) => stimulus.kind))];
  showLast(Screens.debrief(questionnaire, kinds, seenImages()));
  element("leave").hidden = false;
  element("save-csv").addEventListener("click", () => save("csv", "text/csv", Records.csv));
  element("save-json").addEventListener("click", () => save("json", "application/json", Records.json));
  element("send")?.addEventListener("click", send);
}

const seenImages = () =>
  session.rows
    .filter((row) => row.kind === "stimulus")
    .map((row) => ({ source: sources[row.stimulus], label: row.correct_answer, response: row.response }));

// ---- Handing the answers over

function save(ending, type, written) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([written(session.rows)], { type }));
  link.download = `${questionnaire.study}-${session.participant}.${ending}`;
  link.click();
  session.handedOver = true;
  tell(`Saved as ${link.download}.`);
}

async function send() {
  for (const id of ["send", "leave"]) element(id).disabled = true;
  tell("Sending …");
  try {
    const options = { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" } };
    const response = await fetch(questionnaire.post_url, { ...options, body: Records.json(session.rows) });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    session.handedOver = true;
    tell("Your answers have been sent.");
  } catch (error) {
    element("send").disabled = false;
    tell(`Sending failed (${error.message}). Nothing is lost: try again, or save your answers as a file.`);
  }
  element("leave").disabled = false;
}

const tell = (text) => {
  element("told").textContent = text;
};

function warnBeforeLoss(event) {
  if (session.rows.length && !session.handedOver) event.preventDefault();
}
