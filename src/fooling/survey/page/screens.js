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
    champion: "Painted by a computer program that changed images at random, again and again, and kept what made a neural network surer of its answer. Nobody drew anything.",
    ascent: "Made by changing every pixel a little, many times, so that a neural network becomes surer of its answer.",
    noise: "Random images, made by chance alone. Their names are those that the network gave them.",
    real: "Real images, with their true names.",
  };

  const writeTo = (contact) => (contact ? ` Questions? Ask <b>${escaped(contact)}</b>.` : "");

  const consent = ({ title, contact }, { trials, minutes }) => `
    <h1 tabindex="-1">${escaped(title)}</h1>
    <p class="lead">What do you see in images that were made by a machine? Help us find out.</p>
    <ul>
      <li>You look at <b>${trials} images</b> and say what a computer program called them. That takes about ${minutes} minutes.</li>
      <li>Taking part is your free choice. You can <b>withdraw at any moment</b> with the button above: everything you answered is then forgotten.</li>
      <li>No name, no address, no cookie. Your answers, how long they took and the size of your window are kept in this page under a random number, and nowhere else until you hand them over at the end.</li>
      <li>There is no known risk and no payment. You should be at least 18 years old.</li>
    </ul>
    <p>What the images are is told at the end.${writeTo(contact)}</p>`;

  const instructions = (practiceTrials) => `
    <h1 tabindex="-1">How it goes</h1>
    <ol>
      <li>Look at the image. Many of them look strange. That is meant to be.</li>
      <li>Choose an answer. If you do not know, <b>take your best guess</b>.</li>
      <li>Say how sure you are, from 1 (guessing) to 5 (certain).</li>
    </ol>
    <p>Now and then a card says in plain letters what to choose. Then choose just that.</p>
    <p class="keys">With a keyboard: <kbd>Tab</kbd> and <kbd>Enter</kbd>, or the key that an answer shows.</p>
    ${practiceTrials ? `<p>First come ${practiceTrials} for practice. You are told what was right.</p>` : ""}`;

  const part = (block, number, of, trials) => `
    <p class="eyebrow">Part ${number} of ${of}</p>
    <h1 tabindex="-1">${trials} images</h1>
    <p>${PARTS[block]}</p>
    <p>You are not told what was right. Take a break whenever you like, best between two parts.</p>`;

  const feedback = (answer, isRight) =>
    isRight ? `Yes, “${answer}” is right.` : `Here “${answer}” would have been right.`;

  const farewell = (heading, text) => `<h1 tabindex="-1">${escaped(heading)}</h1><p class="lead">${escaped(text)}</p>`;

  const withdrawn = ({ contact }, wasHandedOver) =>
    farewell("You have withdrawn", "Your answers are forgotten. Thank you for your time. You can close this page.") +
    (wasHandedOver
      ? `<p>What you saved or sent before is not undone by this. Delete the file.${writeTo(contact)}</p>`
      : "");

  /** The last screen: thanks, the ways to hand the answers over, what the images were, and all that were seen. */
  const debrief = (questionnaire, kinds, seen) => `
    <h1 tabindex="-1">Thank you</h1>
    <p class="lead">Please hand your answers over. Nothing has left this page so far.</p>
    <div class="hand-over">
      ${questionnaire.post_url ? '<button class="button main" id="send">Send my answers</button>' : ""}
      <button class="button${questionnaire.post_url ? "" : " main"}" id="save-csv">Save as CSV</button>
      <button class="button" id="save-json">Save as JSON</button>
    </div>
    <p id="told" role="status"></p>
    <p>${handOver(questionnaire)}</p>
    <h2>What the images were</h2>
    <ul class="kinds">${kinds.map((kind) => `<li>${KINDS[kind]}</li>`).join("")}</ul>
    <p>The network “${escaped(questionnaire.network.name)}” gave most of them their names. <i>Deep Neural Networks are Easily Fooled</i>
      (Nguyen, Yosinski and Clune, 2015) calls such images unrecognisable. These questions are not part of that paper:
      they extend it, to ask people whether that is so.</p>
    ${seen.length ? gallery(seen) : ""}`;

  const handOver = ({ contact, post_url }) =>
    (post_url ? "Or save" : "Save") +
    ` one of the two files${contact ? ` and send it to <b>${escaped(contact)}</b>` : ""}. ` +
    "That is your choice. If you close this page without, your answers are gone.";

  const gallery = (seen) => `
    <h2>What you saw</h2>
    <ul class="gallery">${seen.map(seenImage).join("")}</ul>`;

  const seenImage = ({ source, label, response }) => `
    <li><img src="${source}" alt="" loading="lazy">
      <span>called <b>${escaped(label)}</b></span><span>you: ${escaped(response)}</span></li>`;

  return { QUESTIONS, RATINGS, consent, debrief, escaped, farewell, feedback, instructions, part, withdrawn };
})();
