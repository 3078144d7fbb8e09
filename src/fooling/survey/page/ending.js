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
  showLast(Screens.debrief(questionnaire, kinds, seenImages(), canSend()));
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

const canSend = () => Boolean(server || questionnaire.post_url);

function save(ending, type, written) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([written(session.rows)], { type }));
  link.download = `${questionnaire.study}-${session.participant}.${ending}`;
  link.click();
  session.handedOver = true;
  tell(`Saved as ${link.download}.`);
  if (!canSend()) showCompletion();
}

async function send() {
  for (const id of ["send", "leave"]) element(id).disabled = true;
  tell("Sending …");
  try {
    await (server ? server.submitResultData(Records.json(session.rows)) : post());
    session.handedOver = true;
    tell("Your answers have been sent.");
    if (server || questionnaire.post_url) finish();
  } catch (error) {
    element("send").disabled = false;
    tell(`Sending failed (${error.message}). Nothing is lost: try again, or save your answers as a file.`);
  }
  element("leave").disabled = false;
}

async function post() {
  const options = { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" } };
  const response = await fetch(questionnaire.post_url, { ...options, body: Records.json(session.rows) });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
}

// ---- Going back to where participants were recruited

const SECONDS_TO_READ_CODE = 5;

/** Show code and link to those who answered everything, and follow the link once the code could be noted. */
function finish() {
  showCompletion();
  if (session.end !== "finished") return;
  const { completion_url } = recruitment;
  if (!completion_url && !server) return;
  const go = () => {
    if (!server) location.assign(completion_url);
    else if (completion_url) server.endStudyAndRedirect(completion_url);
    else server.endStudy();
  };
  setTimeout(go, completion_url ? SECONDS_TO_READ_CODE * 1000 : 0);
}

function showCompletion() {
  if (session.end === "finished" && recruitment.completion_url) {
    element("completion").innerHTML = Screens.completion(recruitment);
  }
}

const tell = (text) => {
  element("told").textContent = text;
};

function warnBeforeLoss(event) {
  if (session.rows.length && !session.handedOver) event.preventDefault();
}
