// The time line of a clip: score curve over spectrograms, on which one clicks to jump; and faces.
const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.5; // seconds that an arrow key moves

export function showSound(article, explanation, player, threshold) {
  const sound = explanation.sound;
  const time = article.querySelector(".time");
  article.querySelector(".sound").hidden = false;
  time.append(curve(sound, threshold));
  const images = explanation.pictures.channels.map((channel) => spectrogram(channel, sound));
  time.append(...images.map((image) => image.element));
  const toggle = article.querySelector(".heat-on");
  toggle.closest("label").hidden = explanation.pictures.channels.every((channel) => channel.heat === null);
  toggle.addEventListener("change", () => images.forEach((image) => image.show(toggle.checked)));
  follow(time, sound.seconds, player, sound.curve);
}

function curve(sound, threshold) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${sound.seconds} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const highest = sound.curve.reduce((best, piece) => (piece.score > best.score ? piece : best));
  svg.setAttribute("aria-label", `Score along the clip; highest ${highest.score.toFixed(2)} from ${highest.begin.toFixed(1)} to ${highest.end.toFixed(1)} seconds`);
  const points = sound.curve.map((piece) => `${piece.begin},${1 - piece.score} ${piece.end},${1 - piece.score}`).join(" ");
  const first = sound.curve[0].begin;
  const last = sound.curve[sound.curve.length - 1].end;
  svg.append(shape("polygon", "area", { points: `${first},1 ${points} ${last},1` }));
  const even = 1 - (threshold === null ? 0.5 : threshold);
  svg.append(shape("line", "even", { x1: 0, x2: sound.seconds, y1: even, y2: even }));
  svg.append(shape("polyline", "curve", { points }));
  return svg;
}

function shape(name, kind, attributes) {
  const made = document.createElementNS(SVG, name);
  made.setAttribute("class", kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function spectrogram(channel, sound) {
  const image = document.createElement("img");
  const [begin, end] = sound.heard;
  image.style.marginLeft = `${(100 * begin) / sound.seconds}%`;
  image.style.width = `${(100 * (end - begin)) / sound.seconds}%`;
  const bands = channel.hz ? `, ${Math.round(channel.hz[0])} to ${Math.round(channel.hz[1])} Hz` : "";
  image.alt = `Spectrogram (${channel.name}${bands})`;
  const show = (hot) => {
    image.src = `data:image/png;base64,${hot && channel.heat ? channel.heat : channel.plain}`;
  };
  show(false);
  return { element: image, show };
}

function follow(time, seconds, player, pieces) {
  const now = document.createElement("div");
  now.className = "now";
  time.append(now);
  time.setAttribute("aria-valuemax", seconds.toFixed(2));
  let at = 0;
  const scoreAt = (place) => pieces.find((piece) => place >= piece.begin && place <= piece.end);
  const draw = () => {
    now.style.left = `${(100 * Math.min(at, seconds)) / seconds}%`;
    const piece = scoreAt(at);
    time.setAttribute("aria-valuenow", at.toFixed(2));
    time.setAttribute("aria-valuetext", `${at.toFixed(1)} seconds${piece ? `, score ${piece.score.toFixed(2)}` : ""}`);
  };
  const jump = (place) => {
    at = Math.min(seconds, Math.max(0, place));
    if (player) player.currentTime = at;
    draw();
  };
  time.addEventListener("click", (event) => {
    const box = time.getBoundingClientRect();
    jump((seconds * (event.clientX - box.left)) / box.width);
  });
  const keys = { ArrowRight: () => at + STEP, ArrowUp: () => at + STEP, ArrowLeft: () => at - STEP, ArrowDown: () => at - STEP, Home: () => 0, End: () => seconds, PageUp: () => at + 10 * STEP, PageDown: () => at - 10 * STEP };
  time.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    jump(keys[event.key]());
  });
  if (player) {
    player.addEventListener("timeupdate", () => {
      at = player.currentTime;
      draw();
    });
  }
  draw();
}

export function showFaces(place, faces) {
  place.hidden = faces.length === 0;
  for (const face of faces) {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    image.src = `data:image/png;base64,${face.heat || face.plain}`;
    image.alt = `Face at ${face.seconds.toFixed(2)} seconds${face.heat ? ", under what speaks for fake (red) and real (blue)" : ""}`;
    const caption = document.createElement("figcaption");
    caption.textContent = `${face.seconds.toFixed(2)} s: ${face.score.toFixed(2)}`;
    figure.append(image, caption);
    place.append(figure);
  }
}
