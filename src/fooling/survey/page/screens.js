// What the page says, as HTML. Everything that comes from the questionnaire is escaped.
"use strict";

const Screens = (() => {
  const HTML = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  const escaped = (text) => String(text).replace(/[&<>"']/g, (sign) => HTML[sign]);

  const QUESTIONS = {
    "two-way": "A computer program named this image. Which name did it give?",
    "all-way": "A computer program named this image. Which name did it give?",
    free: "Does this image show any of these?",
  };
  const PARTS = {
    "two-way": "You see an image and two names. A computer program gave the image one of them. Choose the one you believe it gave.",
    "all-way": "You see an image and several names. A computer program gave the image one of them. Choose the one you believe it gave.",
    free: "You see an image and several names. Say which of them the image shows, or that it shows none of these.",
  };
  const RATINGS = ["guessing", "unsure", "so-so", "sure", "certain"];
  const KINDS = {
    champion: "Images made by a computer program. It changed images at random many times and kept each change that made a neural network more confident in its answer. No person drew them.",
    ascent: "Images made by changing every pixel a little, many times, to make a neural network more confident in its answer.",
    noise: "Random images. The network gave them their names.",
    real: "Real images, with their true names.",
  };

  const WITHDRAW = "Withdraw …";
  const ACCEPT = "I take part";
  const DECLINE = "I do not take part";

  const writeTo = (contact) => (contact ? ` Questions? Ask <b>${escaped(contact)}</b>.` : "");

  const NO_CONTACT = `
    <p class="notice">This page names nobody whom you can ask. It is for trying out: please take part only if you know
      who runs this study.</p>`;

  const consent = ({ title, contact }, { trials, practice, minutes, hasId, isRecruited }) => `
    <h1 tabindex="-1">${escaped(title)}</h1>
    <p class="lead">What do you see in images that were made by a machine? Help us find out.</p>
    <ul>
      <li>You look at <b>${trials} images</b>${practice ? `, after ${practice} for practice,` : ""} and say what a computer program called them. This takes about ${minutes} minutes.</li>
      <li>Taking part is your free choice: press “${ACCEPT}” or “${DECLINE}” below.</li>
      <li>From then on the button <b>“${WITHDRAW}”</b> at the top of the page ends it <b>at any time</b>. All your answers are then deleted, or kept if you only want to stop.</li>
      <li>We collect no name and no address, and set no cookie. This page keeps your answers, your response times and your window size under ${hasId ? "the participant id in its address" : "a random number"}. It stores them nowhere else until you hand them over at the end.</li>
      <li>There is no known risk. ${isRecruited ? "What you are paid is on the site that sent you here." : "There is no payment."} You should be at least 18 years old.</li>
    </ul>
    <p>The page explains the images at the end.${writeTo(contact)}</p>${contact ? "" : NO_CONTACT}`;

  const instructions = (practiceTrials) => `
    <h1 tabindex="-1">Instructions</h1>
    <ol>
      <li>Look at the image. Many of them look strange. This is intended.</li>
      <li>Choose an answer. If you do not know, <b>take your best guess</b>.</li>
      <li>Say how sure you are, from 1 (guessing) to 5 (certain).</li>
    </ol>
    <p>Some cards tell you which answer to choose. Choose exactly that answer.</p>
    <p class="keys">With a keyboard, press the key shown on a button, or use <kbd>Tab</kbd> and <kbd>Enter</kbd>.</p>
    ${practiceTrials ? `<p>You start with ${practiceTrials} for practice. The page then shows the correct answer.</p>` : ""}`;

  const part = (block, number, of, trials) => `
    <p class="eyebrow">Part ${number} of ${of}</p>
    <h1 tabindex="-1">${trials} images</h1>
    <p>${PARTS[block]}</p>
    <p>The page does not show the correct answers here. Take a break whenever you like, preferably between two parts.</p>`;

  const feedback = (answer, isRight) =>
    isRight ? `Yes, “${answer}” is correct.` : `The answer was “${answer}”.`;

  const farewell = (heading, text) => `<h1 tabindex="-1">${escaped(heading)}</h1><p class="lead">${escaped(text)}</p>`;

  const withdrawn = ({ contact }, wasHandedOver) =>
    farewell("You have withdrawn", "Your answers are deleted. Thank you for your time. You can close this page.") +
    (wasHandedOver
      ? `<p>This does not delete answers that you saved or sent before. Delete the saved file yourself.${writeTo(contact)}</p>`
      : "");

  /** The last screen: thanks, the ways to hand the answers over, what the images were, and all that were seen. */
  const debrief = (questionnaire, kinds, seen, canSend) => `
    <h1 tabindex="-1">Thank you</h1>
    <p class="lead">Please hand over your answers. Nothing has left this page so far.</p>
    <div class="hand-over">
      ${canSend ? '<button class="button main" id="send">Send my answers</button>' : ""}
      <button class="button${canSend ? "" : " main"}" id="save-csv">Save as CSV</button>
      <button class="button" id="save-json">Save as JSON</button>
    </div>
    <p id="told" role="status"></p>
    <div id="completion" role="status"></div>
    <p>${handOver(questionnaire, canSend)}</p>
    <h2>What the images were</h2>
    <ul class="kinds">${kinds.map((kind) => `<li>${KINDS[kind]}</li>`).join("")}</ul>
    <p>The network “${escaped(questionnaire.network.name)}” gave most of them their names. <i>Deep Neural Networks are Easily Fooled</i>
      (Nguyen, Yosinski and Clune, 2015) calls such images unrecognisable. These questions are not part of that paper.
      They ask people whether this is true.</p>
    ${seen.length ? gallery(seen) : ""}`;

  /** Where participants go at the end, with the code to enter if the address does not open. */
  const completion = ({ completion_url, completion_code }) => `
    <p><a href="${escaped(completion_url)}" rel="noreferrer">Back to the site that sent you here</a>${
      completion_code ? `. If it does not open, enter this code there: <b>${escaped(completion_code)}</b>` : ""
    }</p>`;

  const handOver = ({ contact }, canSend) =>
    (canSend ? "Or save" : "Save") +
    ` one of the two files${contact ? ` and send it to <b>${escaped(contact)}</b>` : ""}. ` +
    "This is your choice. If you close this page without saving, your answers are lost.";

  const gallery = (seen) => `
    <h2>What you saw</h2>
    <ul class="gallery">${seen.map(seenImage).join("")}</ul>`;

  const seenImage = ({ source, label, response }) => `
    <li><img src="${source}" alt="" loading="lazy">
      <span>called <b>${escaped(label)}</b></span><span>you: ${escaped(response)}</span></li>`;

  return { ACCEPT, DECLINE, QUESTIONS, RATINGS, WITHDRAW, completion, consent, debrief, escaped, farewell, feedback, instructions, part, withdrawn };
})();
