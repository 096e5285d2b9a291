// Small pieces of the page.
import { say, told } from "/static/words.js";

const SVG = "http://www.w3.org/2000/svg";

// An element with properties, data and children; text is text, never markup.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  return fill(element, properties, children);
}

export function draw(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "hue") element.style.setProperty("--hue", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// Links to the songs as playlists, for players that people have already.
export function playlists(place) {
  const link = (kind) => make("a", { href: `${place}/playlist.${kind}`, download: `tunekin.${kind}` }, kind.toUpperCase());
  return make("p", { class: "soft small" }, `${say("export")} `, link("m3u8"), " · ", link("xspf"));
}

export function announce(text) {
  document.getElementById("announce").textContent = text;
}

export function problem(error, retry) {
  const words = told(error.code);
  announce(words ?? error.message);
  return make("section", { class: "card problem" },
    make("h2", {}, say("failed")), words ? make("p", {}, words) : null,
    make("p", words ? { class: "soft small", lang: "en" } : {}, error.message),
    error.hint ? make("p", { class: words ? "soft small" : "soft", lang: words ? "en" : null }, error.hint) : null,
    retry ? make("button", { type: "button", onclick: retry }, say("retry")) : null);
}

// Ten hues that keep apart in light and dark.
const HUES = [18, 48, 88, 135, 170, 200, 228, 265, 305, 340];
export const hue = (mood) => (mood == null ? "hsl(30 8% 55%)" : `hsl(${HUES[mood % HUES.length]} 52% 52%)`);

// A cover for a song without one: its own pattern, in its mood's colour, always the same.
export function cover(track) {
  let seed = 2166136261;
  for (const letter of track.track_id) seed = Math.imul(seed ^ letter.codePointAt(0), 16777619) >>> 0;
  const next = () => ((seed = Math.imul(seed ^ (seed >>> 15), 2246822507) >>> 0) / 2 ** 32);
  const base = track.mood == null ? Math.floor(next() * 360) : HUES[track.mood % HUES.length];
  const image = draw("svg", { viewBox: "0 0 60 60", class: "cover", "aria-hidden": "true" },
    draw("rect", { width: 60, height: 60, fill: `hsl(${base} 38% 30%)` }));
  for (let ring = 0; ring < 5; ring++) {
    image.append(draw("circle", {
      cx: 60 * next(), cy: 60 * next(), r: 6 + 26 * next(), fill: "none", "stroke-width": 1 + 5 * next(),
      stroke: `hsl(${base + 50 * next() - 25} 65% ${52 + 30 * next()}%)`, opacity: 0.5 + 0.4 * next(),
    }));
  }
  return image;
}
