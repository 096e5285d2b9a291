// What the visitor likes and dislikes: buttons on every song, and the page where it is looked at, taken along and forgotten.
import * as api from "/static/api.js";
import { songs } from "/static/answer.js";
import { announce, make, problem } from "/static/dom.js";
import { say } from "/static/words.js";

const VERDICTS = ["like", "dislike"];
const SIGNS = { like: "♥", dislike: "✕" };

// By song; asked for once, since only this page changes it.
let known = null;

export function opinions() {
  known ??= api.taste().then(({ likes, dislikes }) => new Map([
    ...likes.map((song) => [song.track_id, "like"]), ...dislikes.map((song) => [song.track_id, "dislike"]),
  ]));
  known.catch(() => (known = null));
  return known;
}

// Two buttons, of which one at most is pressed; pressing it again takes the opinion back.
export function verdict(song) {
  const group = make("span", { class: "verdict", role: "group", "aria-label": say("verdict", { title: song.title || say("unknown") }) });
  const pressed = (held) => {
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.dataset.verdict === held));
  };
  const decide = async (chosen) => {
    const held = (await opinions()).get(song.track_id);
    pressed(held === chosen ? null : chosen);
    try {
      if (held === chosen) await api.takeBack(song.track_id);
      else await api.opine(song.track_id, chosen);
      const all = await opinions();
      if (held === chosen) all.delete(song.track_id);
      else all.set(song.track_id, chosen);
      announce(say(held === chosen ? "takenBack" : "noted"));
    } catch (error) {
      pressed(held);
      announce(error.message);
    }
  };
  for (const name of VERDICTS) {
    group.append(make("button", { type: "button", class: "quiet", "data-verdict": name, "aria-pressed": "false", onclick: () => decide(name) },
      make("span", { "aria-hidden": "true" }, `${SIGNS[name]} `), say(name)));
  }
  opinions().then((all) => pressed(all.get(song.track_id)), () => {});
  return group;
}

export async function view(main, { like }) {
  const place = make("div");
  const follow = make("input", { type: "checkbox", role: "switch", onchange: () => api.follows(follow.checked) });
  follow.checked = api.follows();
  main.append(make("h1", {}, say("taste")), make("p", { class: "soft" }, say("tasteLead")),
    make("label", { class: "switch" }, follow, say("follow")), place);
  await show();

  async function show() {
    try {
      const { likes, dislikes } = await api.taste();
      const any = likes.length + dislikes.length;
      const list = (title, held) => [make("h2", {}, say(title)), held.length ? songs(held, like) : make("p", { class: "soft" }, say("nothingYet"))];
      place.replaceChildren(...list("likes", likes), ...list("dislikes", dislikes),
        any ? make("div", { class: "row" }, make("a", { class: "button", href: api.TASTE_FILE, download: "tunekin-taste.json" }, say("takeAlong")), forget()) : "");
    } catch (error) {
      place.replaceChildren(problem(error, show));
    }
  }

  // Pressed twice, so that a slip of the finger forgets nothing.
  function forget() {
    const button = make("button", { type: "button", class: "quiet", onclick: async () => {
      if (!button.dataset.sure) {
        button.dataset.sure = "yes";
        button.textContent = say("forgetSure");
        announce(say("forgetSure"));
        return;
      }
      try {
        await api.forget();
        known = null;
        announce(say("forgotten"));
        await show();
        main.focus({ preventScroll: true });
      } catch (error) {
        place.replaceChildren(problem(error, show));
      }
    } }, say("forget"));
    button.addEventListener("blur", () => {
      delete button.dataset.sure;
      button.textContent = say("forget");
    });
    return button;
  }
}
