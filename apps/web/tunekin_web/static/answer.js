// An answer: mood, the very song, and five kin, each with its moment.
import * as api from "/static/api.js";
import { announce, cover, draw, hue, make, playlists } from "/static/dom.js";
import { control, play, stop } from "/static/sound.js";
import { verdict } from "/static/taste.js";
import { clock, label, moment, percent, say } from "/static/words.js";

const STAGES = ["ingest", "featurizer", "classifier", "ranker"];

// Views of the sound that have a word; a less alike one is no reason.
const VIEWS = new Set(["style", "feeling", "timbre", "rhythm", "harmony", "moment"]);
const SPEAKS = 0.5;

// The stages, each marked when it is done.
export function progress(stages = STAGES) {
  const items = stages.map((stage, i) => make("li", { "data-stage": stage, "data-now": i === 0 }, say(stage)));
  const list = make("ol", { class: "steps" }, ...items);
  return {
    list,
    done(stage) {
      const at = items.findIndex((item) => item.dataset.stage === stage);
      items.forEach((item, i) => {
        item.toggleAttribute("data-done", i <= at || item.hasAttribute("data-done"));
        item.toggleAttribute("data-now", i === at + 1);
      });
      if (at >= 0) announce(say(stage));
    },
  };
}

// `clip` is the sound that was sent, where there is one: { url, duration }; `place` is the answer's in the API.
export async function show(answer, clip, like, place) {
  const songs = [answer.identified, ...answer.matches].filter(Boolean);
  const details = await Promise.all(songs.map((song) => api.track(song.track_id).catch(() => null)));
  const cards = songs.map((song, i) => card(song, details[i], clip, like));
  const found = answer.identified ? cards.shift() : null;
  const search = answer.search;
  announce(`${say("moodIs")} ${answer.mood ? label(answer.mood.label) : ""}. ${answer.matches.length} ${say("kin")}`);
  return make("section", { "aria-label": say("kin") },
    answer.mood ? mood(answer.mood) : null,
    found ? make("h2", {}, say("thisIs")) : null,
    found ? make("ul", { class: "songs" }, found) : null,
    make("h2", {}, say("kin")),
    cards.length ? make("ol", { class: "songs", "data-kin": true }, ...cards) : make("p", {}, say("none")),
    search ? make("p", { class: "soft small" }, search.proven ? say("proven", { n: search.candidates })
      : say("proposed", { n: search.compared_in_full, of: search.candidates })) : null,
    cards.length ? make("p", { class: "soft small" }, say("meaning")) : null,
    playlists(place));
}

function mood(of) {
  const second = of.runner_up;
  const bar = make("i");
  bar.style.width = `${100 * of.probability}%`;
  return make("section", { class: "card mood", hue: hue(of.id) },
    make("p", { class: "soft" }, say("moodIs")), make("h1", {}, label(of.label)),
    make("div", { class: "bar", "aria-hidden": "true" }, bar),
    make("p", { class: "soft" }, say("sure", { p: percent(of.probability) }),
      second && second.probability >= 0.05
        ? `, ${say(of.ambiguous ? "orAsWell" : "orElse", { mood: label(second.label), p: percent(second.probability) })}`
        : ""));
}

function card(song, detail, clip, like) {
  const [from, to] = song.track_span_s;
  const span = { from, to };
  const length = detail?.duration_s || to;
  const { picture, times, head } = alignment(song, length, clip);
  const buttons = make("div", { class: "row" });
  const sound = () => api.sound(song.track_id);
  if (detail?.playable) {
    buttons.append(control(make("button", { type: "button" }, `▶ ${say("match")}`), sound, () => span, head));
    if (clip) buttons.append(compare(song, clip, head));
  }
  buttons.append(make("button", { type: "button", class: "quiet", onclick: () => like(song) }, say("alikeSongs")), verdict(song));
  const why = (song.why ?? []).filter(({ similarity }) => similarity >= SPEAKS)
    .map((why) => make("li", { "data-view": why.view }, reason(why)));
  return make("li", { class: "song" },
    cover(song),
    make("div", {}, make("h3", {}, song.title || say("unknown")), make("p", { class: "soft" }, song.artist || say("unknown"))),
    make("p", { class: "kin" }, percent(song.similarity), make("small", {}, say("alike"))),
    buttons, why.length ? make("ul", { class: "why" }, ...why) : null, picture, times);
}

function reason({ view, similarity, label: words }) {
  if (view === "liked") return `♥ ${label(words)}`;
  return `${VIEWS.has(view) ? say(view) : view} ${percent(similarity)}`;
}

// A/B: each press goes to the other sound, at the same place of the moment.
function compare(song, clip, head) {
  const sides = [
    { name: say("clip"), url: clip.url, span: song.clip_span_s, moved: () => {} },
    { name: say("match"), url: api.sound(song.track_id), span: song.track_span_s, moved: head },
  ];
  const button = make("button", { type: "button", "aria-pressed": "false" }, say("ab"));
  let side = 1;
  let share = 0;
  const changed = (on) => {
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? `${say("ab")}: ${sides[side].name}` : say("ab");
  };
  button.addEventListener("click", () => {
    side = 1 - side;
    const { url, span: [from, to], moved } = sides[side];
    play(url, {
      from, to, at: from + share * (to - from), loop: true, changed,
      moved: (at) => {
        share = Math.min(Math.max((at - from) / (to - from), 0), 0.95);
        moved(at);
      },
    });
    announce(sides[side].name);
  });
  button.addEventListener("keydown", (event) => event.key === "Escape" && stop());
  return button;
}

// The clip over the track: where in the song it lies.
function alignment(song, length, clip) {
  const [from, to] = song.track_span_s;
  const x = (seconds) => (600 * Math.min(seconds, length)) / length;
  const [a, b] = [x(from), Math.max(x(to), x(from) + 3)];
  const wide = Math.max(b - a, 90);
  const left = Math.min(Math.max((a + b - wide) / 2, 0), 600 - wide);
  const line = draw("line", { class: "head", x1: a, x2: a, y1: 38, y2: 56, visibility: "hidden" });
  const [begins, ends] = moment(song.track_span_s);
  const words = say("aligned", { a: begins, b: ends });
  const picture = draw("svg", { viewBox: "0 0 600 56", class: "align", role: "img", "aria-label": words },
    draw("title", {}, words),
    draw("polygon", { class: "thread", points: `${left},14 ${left + wide},14 ${b},42 ${a},42` }),
    clip ? draw("rect", { class: "clip", x: left, y: 6, width: wide, height: 9, rx: 4 }) : null,
    draw("rect", { class: "track", x: 0, y: 42, width: 600, height: 10, rx: 5 }),
    draw("rect", { class: "span", x: a, y: 42, width: b - a, height: 10, rx: 3 }), line);
  const when = make("span", { class: "when" }, `${begins}–${ends}`);
  when.style.setProperty("--at", `${a / 6}%`);
  return {
    picture,
    // The picture is read out with the moment.
    times: make("p", { class: "times", "aria-hidden": "true" }, make("span", {}, clock(0)), when, make("span", {}, clock(length))),
    head(at) {
      line.setAttribute("visibility", "visible");
      line.setAttribute("x1", x(at));
      line.setAttribute("x2", x(at));
    },
  };
}

// A plain list of songs, each with its way to similar ones.
export function songs(tracks, like) {
  return make("ul", { class: "songs" }, ...tracks.map((track) => {
    const buttons = make("div", { class: "row" });
    if (track.playable) {
      const sound = () => api.sound(track.track_id);
      buttons.append(control(make("button", { type: "button" }, `▶ ${say("play")}`), sound, () => ({})));
    }
    buttons.append(make("button", { type: "button", class: "quiet", onclick: () => like(track) }, say("alikeSongs")), verdict(track));
    return make("li", { class: "song" }, cover(track),
      make("div", {}, make("h3", {}, track.title || say("unknown")), make("p", { class: "soft" }, track.artist || say("unknown"))),
      make("p", { class: "soft small" }, clock(track.duration_s)), buttons);
  }));
}
