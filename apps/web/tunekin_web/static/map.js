// The page Map: every song a point, in its mood's colour; zoom, hover, listen, search from there.
import * as api from "/static/api.js";
import { songs } from "/static/answer.js";
import { announce, hue, make, problem } from "/static/dom.js";
import { stop } from "/static/sound.js";
import { say } from "/static/words.js";

const NEAR_PX = 18;

export async function view(main, { like }) {
  const canvas = make("canvas", { tabindex: 0, role: "img", "aria-label": say("mapLead") });
  const tip = make("div", { class: "tip", hidden: true });
  const chosen = make("div");
  const count = make("p", { class: "soft small" }, say("drawing"));
  const zoomers = [["zoomIn", "+", 1.5], ["zoomOut", "−", 1 / 1.5]].map(([name, sign, by]) =>
    make("button", { type: "button", "aria-label": say(name), onclick: () => zoom(by, canvas.clientWidth / 2, canvas.clientHeight / 2) }, sign));
  main.append(make("h1", {}, say("mapTitle")), make("p", { class: "soft" }, say("mapLead")),
    make("div", { class: "row" }, ...zoomers, count), make("div", { class: "chart" }, canvas, tip),
    make("p", { class: "soft small" }, say("mapHelp")), chosen);
  let all = [];
  let scale = 1;
  let [left, top] = [0, 0];
  let at = -1;
  const place = (song) => [
    left + scale * (24 + song.x * (canvas.clientWidth - 48)), top + scale * (24 + song.y * (canvas.clientHeight - 48)),
  ];

  function paint() {
    const ratio = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const radius = Math.max(4, Math.min(9, 90 / Math.sqrt(all.length || 1))) * Math.min(scale, 1.6);
    all.forEach((song, i) => {
      const [x, y] = place(song);
      pen.fillStyle = hue(song.mood);
      pen.beginPath();
      pen.arc(x, y, i === at ? radius + 4 : radius, 0, 2 * Math.PI);
      pen.fill();
    });
  }

  function zoom(by, x, y) {
    const next = Math.min(Math.max(scale * by, 0.8), 30);
    left = x - ((x - left) * next) / scale;
    top = y - ((y - top) * next) / scale;
    scale = next;
    paint();
  }

  function point(i) {
    at = i;
    tip.hidden = i < 0;
    if (i >= 0) {
      const [x, y] = place(all[i]);
      tip.textContent = `${all[i].title || say("unknown")} · ${all[i].artist || say("unknown")}`;
      tip.style.left = `${Math.max(0, Math.min(x + 12, canvas.clientWidth - 240))}px`;
      tip.style.top = `${Math.max(0, y - 40)}px`;
    }
    paint();
  }

  async function pick(i) {
    stop();
    point(i);
    announce(tip.textContent);
    const track = await api.track(all[i].track_id);
    chosen.replaceChildren(songs([{ ...track, mood: all[i].mood }], like));
  }

  function nearest(x, y) {
    let [best, least] = [-1, NEAR_PX];
    all.forEach((song, i) => {
      const [a, b] = place(song);
      const away = Math.hypot(a - x, b - y);
      if (away < least) [best, least] = [i, away];
    });
    return best;
  }

  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held = { x: event.offsetX, y: event.offsetY, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return point(nearest(event.offsetX, event.offsetY));
    if (Math.hypot(event.offsetX - held.x, event.offsetY - held.y) < 3 && !held.moved) return;
    left += event.offsetX - held.x;
    top += event.offsetY - held.y;
    held = { x: event.offsetX, y: event.offsetY, moved: true };
    point(-1);
  });
  canvas.addEventListener("pointerup", (event) => {
    const found = held && !held.moved ? nearest(event.offsetX, event.offsetY) : -1;
    held = null;
    if (found >= 0) pick(found);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    if (event.key === "+" || event.key === "=") zoom(1.5, ...middle);
    else if (event.key === "-") zoom(1 / 1.5, ...middle);
    else if (event.key.startsWith("Arrow") && all.length) {
      event.preventDefault();
      const step = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
      pick((at + step + all.length) % all.length);
    }
  });
  const resized = new ResizeObserver(paint);
  resized.observe(canvas);

  try {
    const chart = await api.map();
    // From left to right, for the arrow keys.
    all = chart.songs.sort((a, b) => a.x - b.x);
    count.textContent = say("mapShown", { n: all.length, of: chart.of });
    paint();
  } catch (error) {
    chosen.replaceChildren(problem(error, () => (main.replaceChildren(), view(main, { like }))));
  }
  return () => resized.disconnect();
}
