// What is saved: the answer as JSON, or a page of its own that prints on paper.
const STYLE = "body{font:11pt/1.5 sans-serif;max-width:18cm;margin:1cm auto;color:#000}h1{font-size:16pt;overflow-wrap:anywhere}img{width:100%;height:4cm}.face{width:3cm;height:auto}table{border-collapse:collapse}td,th{border:1px solid #888;padding:1mm 3mm;text-align:right}thead{display:table-header-group}tr,img{break-inside:avoid}";

export function saveJson(result) {
  const { pictures, ...explanation } = result.explanation;
  save(`${result.video_name}.json`, "application/json", `${JSON.stringify({ ...result, explanation }, null, 2)}\n`);
}

export function saveReport(result) {
  save(`${result.video_name}.html`, "text/html", report(result));
}

export function report(result) {
  const { sound, pictures } = result.explanation;
  const facts = [["Score (probability of fake)", result.score.toFixed(6)], ["Threshold", result.threshold], ["Calibrated probability", result.probability], ["Expected false alarm rate", result.expected_fpr], ["Model", result.model], ["Seconds of sound", result.seconds.toFixed(2)]];
  const parts = [
    `<h1>${text(result.video_name)}</h1><p><strong>${text(result.verdict)}</strong></p><p>${text(result.uncertainty)}</p>`,
    result.warnings.length ? `<ul>${result.warnings.map((warning) => `<li>${text(warning)}</li>`).join("")}</ul>` : "",
    `<table>${facts.map(([name, value]) => `<tr><th scope="row">${text(name)}</th><td>${value === null ? "none" : text(String(value))}</td></tr>`).join("")}</table>`,
    ...pictures.channels.map((channel) => `<h2>${text(channel.name)}</h2><img alt="spectrogram" src="data:image/png;base64,${channel.heat || channel.plain}">`),
    pictures.faces.map((face) => `<img class="face" alt="face at ${face.seconds} s" src="data:image/png;base64,${face.heat || face.plain}">`).join(""),
    sound ? `<h2>Windows of the sound</h2><table><thead><tr><th>from, s</th><th>to, s</th><th>score</th></tr></thead><tbody>${sound.windows.map((window) => `<tr><td>${window.begin.toFixed(2)}</td><td>${window.end.toFixed(2)}</td><td>${window.score.toFixed(4)}</td></tr>`).join("")}</tbody></table>` : "",
  ];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${text(result.video_name)}</title><style>${STYLE}</style>${parts.join("")}</html>\n`;
}

function text(value) {
  return value.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
