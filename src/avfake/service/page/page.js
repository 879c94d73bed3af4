// Sends clips one after another and shows what comes back. Nothing is asked of any other site.
import { showSound, showFaces } from "/draw.js";
import { saveJson, saveReport } from "/report.js";

const byId = (name) => document.getElementById(name);
const waiting = [];
let busy = false;
let service = { max_bytes: Infinity, token_needed: false };

function megabytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 0)} MB`;
}

function tell(text) {
  byId("status").textContent = text;
}

async function start() {
  const answer = await fetch("/v1/service");
  service = await answer.json();
  byId("limits").textContent = `Up to ${megabytes(service.max_bytes)} and ${Math.round(service.max_seconds / 60)} minutes each.`;
  byId("service").textContent = `Model ${service.model}.`;
  byId("token-line").hidden = !service.token_needed;
}

function add(files) {
  for (const file of files) {
    const article = byId("clip").content.firstElementChild.cloneNode(true);
    article.querySelector(".name").textContent = file.name;
    article.querySelector(".doing").textContent = "Waiting";
    byId("results").append(article);
    waiting.push({ file, article });
  }
  next();
}

async function next() {
  if (busy || waiting.length === 0) return;
  busy = true;
  const { file, article } = waiting.shift();
  try {
    if (file.size > service.max_bytes) {
      showProblem(article, { title: "The file is too large", detail: `It has ${megabytes(file.size)}; ${megabytes(service.max_bytes)} are accepted.` });
    } else {
      const answer = await send(file, article);
      if (answer.ok) show(article, file, answer.body);
      else showProblem(article, answer.body);
    }
  } finally {
    busy = false;
  }
  article.focus({ preventScroll: byId("results").children.length > 1 });
  next();
}

async function send(file, article) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await post(file, article);
    if (answer.status !== 503 || attempt === 5) return answer;
    article.querySelector(".doing").textContent = `Many clips are waiting; trying again in ${answer.retry} s`;
    await new Promise((done) => setTimeout(done, 1000 * answer.retry));
  }
}

function post(file, article) {
  const progress = article.querySelector("progress");
  const doing = article.querySelector(".doing");
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/score?explain=true");
    if (service.token_needed) request.setRequestHeader("Authorization", `Bearer ${byId("token").value}`);
    request.upload.onprogress = (event) => {
      doing.textContent = "Sending";
      if (event.lengthComputable) progress.value = event.loaded / event.total;
    };
    request.upload.onload = () => {
      doing.textContent = "Looking and listening";
      progress.removeAttribute("value");
    };
    request.onerror = () => done({ ok: false, status: 0, body: { title: "The service cannot be reached", detail: "Is it running, and is the network there?" } });
    request.onload = () => {
      let body = { title: `Answer ${request.status}`, detail: "It is not what the service says." };
      try {
        body = JSON.parse(request.responseText);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
      const retry = Number(request.getResponseHeader("Retry-After")) || 2;
      done({ ok: request.status === 200, status: request.status, retry, body });
    };
    const form = new FormData();
    form.append("clip", file);
    request.send(form);
  });
}

function showProblem(article, problem) {
  article.querySelector(".state").hidden = true;
  const box = article.querySelector(".problem");
  box.querySelector(".what").textContent = problem.title;
  box.querySelector(".why").textContent = problem.detail;
  box.hidden = false;
  tell(`${article.querySelector(".name").textContent}: ${problem.title}`);
}

function show(article, file, result) {
  const find = (name) => article.querySelector(name);
  find(".state").hidden = true;
  find(".found").hidden = false;
  if (result.label) article.classList.add(result.label);
  find(".verdict").textContent = result.verdict;
  find(".uncertainty").textContent = result.uncertainty;
  find(".scale").setAttribute("aria-label", `Score ${result.score.toFixed(3)} on a scale from 0, real, to 1, fake`);
  find(".mark").style.left = `${100 * result.score}%`;
  if (result.threshold !== null) {
    find(".limit").hidden = false;
    find(".limit").style.left = `${100 * result.threshold}%`;
  }
  for (const text of result.warnings) find(".warnings").append(element("li", text));
  const player = showPlayer(find(".player"), file);
  const explanation = result.explanation;
  if (explanation.sound) showSound(article, explanation, player, result.threshold);
  showFaces(find(".faces"), explanation.pictures.faces);
  showFacts(article, result);
  find(".json").onclick = () => saveJson(result);
  find(".report").onclick = () => saveReport(result);
  tell(`${result.video_name}: ${result.verdict}`);
}

function showPlayer(place, file) {
  const kind = file.type.startsWith("image/") ? "img" : file.type.startsWith("audio/") ? "audio" : "video";
  const player = document.createElement(kind);
  player.src = URL.createObjectURL(file);
  if (kind === "img") {
    player.alt = `The image ${file.name}`;
  } else {
    player.controls = true;
    player.preload = "metadata";
    player.setAttribute("aria-label", `The clip ${file.name}`);
    player.onerror = () => place.replaceChildren(element("p", "This browser cannot play the clip."));
  }
  place.append(player);
  return kind === "img" ? null : player;
}

function showFacts(article, result) {
  const facts = article.querySelector(".facts");
  const rows = [["Score", result.score.toFixed(6)], ["Threshold", result.threshold === null ? "none" : result.threshold.toFixed(6)], ["Sound", `${result.seconds.toFixed(2)} s`], ["Model", result.model]];
  for (const [name, value] of rows) facts.append(element("dt", name), element("dd", value));
  const sound = result.explanation.sound;
  for (const region of (sound && sound.heat && sound.heat.regions) || []) {
    const share = Math.round(100 * region.share);
    article.querySelector(".regions").append(element("li", `${region.begin.toFixed(2)} to ${region.end.toFixed(2)} s speaks for ${region.towards} (${share} % of that heat)`));
  }
  const body = article.querySelector(".windows tbody");
  for (const window of (sound && sound.windows) || []) {
    const row = document.createElement("tr");
    for (const value of [window.begin.toFixed(2), window.end.toFixed(2), window.score.toFixed(4)]) row.append(element("td", value));
    body.append(row);
  }
  article.querySelector(".windows").hidden = body.children.length === 0;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

const drop = byId("drop");
byId("clips").addEventListener("change", (event) => {
  add(event.target.files);
  event.target.value = "";
});
byId("send").addEventListener("submit", (event) => event.preventDefault());
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.remove("over");
  });
}
document.addEventListener("drop", (event) => add(event.dataTransfer.files));
start().catch(() => tell("The service cannot be reached."));
