// The page Moods: ten moods in words; each opens its songs.
import * as api from "/static/api.js";
import { songs } from "/static/answer.js";
import { announce, hue, make, playlists, problem } from "/static/dom.js";
import { stop } from "/static/sound.js";
import { count, label, say } from "/static/words.js";

export async function view(main, { like }) {
  const place = make("div");
  main.append(place);
  try {
    const moods = await api.moods();
    all(moods);
  } catch (error) {
    place.replaceChildren(problem(error, () => (main.replaceChildren(), view(main, { like }))));
  }

  function all(moods) {
    stop();
    const cards = moods.map((mood) => make("li", {}, make("button", { type: "button", hue: hue(mood.id), onclick: () => one(moods, mood, "typical") },
      make("h2", {}, label(mood.label)), make("span", { class: "soft small" }, label(mood.description)),
      make("span", { class: "small" }, count(mood.tracks)))));
    place.replaceChildren(make("h1", {}, say("moodsTitle")), make("p", { class: "soft" }, say("moodsLead")),
      make("ul", { class: "moods" }, ...cards));
  }

  async function one(moods, mood, order) {
    stop();
    const list = make("div");
    const choice = (name) => make("button", { type: "button", "aria-pressed": String(order === name), onclick: () => one(moods, mood, name) }, say(name));
    const heading = make("h1", { tabindex: -1 }, label(mood.label));
    place.replaceChildren(make("button", { type: "button", class: "quiet", onclick: () => all(moods) }, `← ${say("back")}`),
      make("section", { class: "card mood", hue: hue(mood.id) }, heading, make("p", { class: "soft" }, label(mood.description))),
      make("div", { class: "row" }, choice("typical"), choice("surprise")),
      order === "surprise" ? make("p", { class: "soft small" }, say("surpriseLead")) : "", list);
    heading.focus();
    try {
      const found = await api.songsOf(mood.id, order, Math.floor(Math.random() * 1e9));
      if (found.length) {
        list.replaceChildren(songs(found.map((track) => ({ ...track, mood: mood.id })), like), playlists(`/api/v1/moods/${mood.id}`));
      } else list.replaceChildren(make("p", { class: "soft" }, say("empty")));
      announce(count(found.length));
    } catch (error) {
      list.replaceChildren(problem(error, () => one(moods, mood, order)));
    }
  }
}
