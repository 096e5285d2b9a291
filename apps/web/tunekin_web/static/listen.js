// The page Listen: record or drop, choose a part, send it, see the answer.
import * as api from "/static/api.js";
import { progress, show } from "/static/answer.js";
import { announce, make, problem } from "/static/dom.js";
import { control, open, record, stop, wav } from "/static/sound.js";
import { say } from "/static/words.js";

const VIEWS = ["style", "feeling", "timbre", "rhythm", "harmony"];
const [LEAST_S, MOST_S, USUAL_S] = [3, 15, 6];
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

export function view(main, { like }) {
  let recording = null;
  let scope = "all";
  const weights = {};
  const only = { tempo: ["", ""], years: ["", ""], tags: "" };
  const work = make("div");
  const levels = new Array(72).fill(0);
  const meter = make("canvas", { "aria-hidden": "true" });
  const button = make("button", { type: "button", onclick: () => (recording ? finish() : begin()) }, say("record"));
  const ear = make("div", { class: "ear" }, meter, button);
  const input = make("input", { type: "file", accept: "audio/*,video/*,.ogg,.opus,.flac", onchange: () => input.files[0] && take(input.files[0]) });
  const drop = make("div", { class: "drop" },
    make("p", { class: "soft" }, say("drop")), make("label", { class: "file" }, say("choose"), input));
  const wanted = make("input", { type: "range", min: LEAST_S, max: MOST_S, value: USUAL_S, step: 1 });
  const wantedWords = make("span", {}, say("length", { s: USUAL_S }));
  wanted.addEventListener("input", () => (wantedWords.textContent = say("length", { s: wanted.value })));
  main.append(
    make("section", { class: "hero" }, make("h1", {}, say("listenTitle")), make("p", { class: "soft" }, say("listenLead")), ear,
      make("div", { class: "sliders length" }, make("label", {}, wantedWords, wanted))),
    drop, work);
  for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.toggleAttribute("data-over", over);
      if (name === "drop" && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
    });
  }
  ring();

  // The level of the last seconds, as rays around the button.
  function ring() {
    const size = (meter.width = meter.height = 2 * (ear.clientWidth || 270));
    const pen = meter.getContext("2d");
    pen.translate(size / 2, size / 2);
    pen.lineCap = "round";
    pen.lineWidth = size / 130;
    levels.forEach((level, i) => {
      pen.strokeStyle = level ? css("--accent") : css("--line");
      pen.rotate((2 * Math.PI) / levels.length);
      pen.beginPath();
      pen.moveTo(0, -size * 0.3);
      pen.lineTo(0, -size * (0.325 + 0.16 * level));
      pen.stroke();
    });
  }

  async function begin() {
    stop();
    work.replaceChildren();
    levels.fill(0);
    button.disabled = true;
    try {
      recording = await record((level, seconds) => {
        levels.shift();
        levels.push(level);
        ring();
        button.textContent = say("recording", { s: Math.floor(seconds) });
        if (seconds >= wanted.value) finish();
      });
    } catch (error) {
      work.replaceChildren(problem(new api.Problem({ message: say("noMic", { why: error.message }) })));
      return;
    } finally {
      button.disabled = false;
    }
    button.setAttribute("aria-label", say("stop"));
    ear.setAttribute("data-on", "");
    announce(say("recording", { s: 0 }));
  }

  async function finish() {
    if (!recording) return;
    const done = recording;
    recording = null;
    ear.removeAttribute("data-on");
    button.removeAttribute("aria-label");
    button.textContent = say("again");
    choose(await done.stop());
  }

  async function take(file) {
    stop();
    try {
      choose(await open(file));
    } catch {
      // Tunekin reads more kinds than browsers do.
      announce(say("whole"));
      work.replaceChildren(make("p", { class: "soft" }, say("whole")));
      send(file, null);
    }
  }

  // The part that is sent, on its waveform; two sliders do the same for keys and screen readers.
  function choose(sound) {
    const total = sound.samples.length / sound.rate;
    const start = make("input", { type: "range", min: 0, max: Math.max(total - Math.min(LEAST_S, total), 0), step: 0.1, value: 0 });
    const length = make("input", { type: "range", min: Math.min(LEAST_S, total), max: Math.min(MOST_S, total), step: 0.1, value: Math.min(wanted.value, total) });
    const [startWords, lengthWords] = [make("span"), make("span")];
    const canvas = make("canvas", { role: "img", "aria-label": say("part") });
    const wave = make("div", { class: "wave" }, canvas);
    const span = () => ({ from: 0, to: Number(length.value) });
    let url = null;
    const part = () => wav(sound, Number(start.value), Number(length.value));
    const hear = control(make("button", { type: "button" }, say("hear")), () => {
      if (url) URL.revokeObjectURL(url);
      return (url = URL.createObjectURL(part()));
    }, span);
    const either = make("button", { type: "button", class: "quiet", "aria-pressed": String(scope === "mood"), onclick: () => {
      scope = scope === "all" ? "mood" : "all";
      either.setAttribute("aria-pressed", String(scope === "mood"));
    } }, say("scopeMood"));
    const matters = make("details", {}, make("summary", {}, say("matters")), make("div", { class: "sliders" }, ...VIEWS.map((view) => {
      const slider = make("input", { type: "range", min: 0, max: 4, step: 0.5, value: weights[view] ?? 1 });
      const words = make("span");
      const told = () => (words.textContent = say("more", { view: say(view), n: slider.value }));
      slider.addEventListener("input", () => ((weights[view] = slider.value), told()));
      told();
      return make("label", {}, words, slider);
    })));
    const range = (name, least, most) => make("fieldset", {}, make("legend", {}, say(name)), ...["from", "to"].map((end, i) => {
      const field = make("input", { type: "number", min: least, max: most, value: only[name][i], placeholder: say(end), "aria-label": `${say(name)}, ${say(end)}` });
      field.addEventListener("input", () => (only[name][i] = field.value));
      return field;
    }));
    const tags = make("input", { type: "text", value: only.tags, placeholder: say("tagsHint") });
    tags.addEventListener("input", () => (only.tags = tags.value));
    const filters = make("details", {}, make("summary", {}, say("only")), make("div", { class: "filters" },
      range("tempo", 20, 400), range("years", 1000, 2999), make("label", {}, say("tags"), tags)));
    const go = make("button", { type: "button", class: "main", onclick: () => send(part(), Number(length.value)) }, say("send"));
    const peaks = Array.from({ length: 400 }, (_, i) => {
      const each = sound.samples.subarray(Math.floor((i * sound.samples.length) / 400), Math.floor(((i + 1) * sound.samples.length) / 400));
      return each.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    });
    const loudest = Math.max(...peaks, 1e-6);

    function paint() {
      start.value = Math.min(start.value, total - length.value);
      startWords.textContent = say("start", { s: Number(start.value).toFixed(1) });
      lengthWords.textContent = say("lasts", { s: Number(length.value).toFixed(1) });
      const [w, h] = [(canvas.width = 1200), (canvas.height = 220)];
      const pen = canvas.getContext("2d");
      const [a, b] = [(start.value / total) * w, ((Number(start.value) + Number(length.value)) / total) * w];
      pen.fillStyle = css("--wash");
      pen.fillRect(a, 0, b - a, h);
      peaks.forEach((peak, i) => {
        const x = (i * w) / peaks.length;
        const tall = Math.max((peak / loudest) * h * 0.86, 3);
        pen.fillStyle = x >= a && x <= b ? css("--accent") : css("--line");
        pen.fillRect(x, (h - tall) / 2, 2, tall);
      });
    }
    const drag = (event) => {
      if (event.buttons !== 1) return;
      const box = wave.getBoundingClientRect();
      start.value = ((event.clientX - box.left) / box.width) * total - length.value / 2;
      paint();
    };
    wave.addEventListener("pointerdown", (event) => {
      wave.setPointerCapture(event.pointerId);
      drag(event);
    });
    wave.addEventListener("pointermove", drag);
    for (const slider of [start, length]) slider.addEventListener("input", () => (stop(), paint()));
    const result = make("div");
    work.replaceChildren(make("section", { class: "card" }, make("h2", {}, say("part")), wave,
      make("div", { class: "sliders" }, make("label", {}, startWords, start), make("label", {}, lengthWords, length)),
      matters, filters, make("div", { class: "row" }, hear, go, either)), result);
    paint();
    go.focus({ preventScroll: true });
    go.scrollIntoView({ block: "nearest" });
  }

  const chosen = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value));
  const wantedOnly = () => ({ ...Object.fromEntries(["tempo", "years"].map((name) => [name, only[name].some(Boolean) ? only[name].join("-") : ""])), tags: only.tags });

  async function send(data, duration) {
    stop();
    const result = work.lastElementChild;
    const clip = duration == null ? null : { url: URL.createObjectURL(data), duration };
    const steps = progress();
    result.replaceChildren(steps.list);
    try {
      const factors = Object.entries(weights).map(([view, factor]) => `${view}=${factor}`).join(",");
      const ticket = await api.sendClip(data, chosen({ scope, weights: factors, ...wantedOnly() }));
      const answer = await api.follow(ticket, steps.done);
      result.replaceChildren(await show(answer, clip, like, ticket.answer));
    } catch (error) {
      result.replaceChildren(problem(error, () => send(data, duration)));
    }
    result.scrollIntoView({ block: "start", behavior: "smooth" });
  }

  return () => {
    recording?.stop();
    recording = null;
  };
}
