// The page Search: name a song, then ask for songs like it.
import * as api from "/static/api.js";
import { progress, show, songs } from "/static/answer.js";
import { announce, make, problem } from "/static/dom.js";
import { stop } from "/static/sound.js";
import { count, say } from "/static/words.js";

const PAUSE_MS = 120;

export function view(main, { like, about }) {
  const field = make("input", { type: "search", "aria-label": say("searchLabel"), placeholder: say("searchLabel"), autocomplete: "off", spellcheck: "false", maxlength: 200 });
  const results = make("div");
  let timer = 0;
  let asked = null;
  main.append(make("h1", {}, say("searchTitle")), make("p", { class: "soft" }, say("searchLead")),
    make("div", { class: "field", role: "search" }, field), results);
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, PAUSE_MS);
  });
  if (about) similar(about);
  else field.focus();

  async function find() {
    asked?.abort();
    asked = new AbortController();
    const mine = asked;
    const text = field.value.trim();
    if (!text) return results.replaceChildren();
    try {
      const found = await api.search(text, mine.signal);
      if (mine !== asked) return;
      results.replaceChildren(found.length ? songs(found, like) : make("p", { class: "soft" }, say("nothing")));
      announce(say("found", { songs: count(found.length) }));
    } catch (error) {
      if (mine === asked) results.replaceChildren(problem(error, find));
    }
  }

  async function similar(id) {
    stop();
    const steps = progress(["classifier", "ranker"]);
    results.replaceChildren(steps.list);
    try {
      const song = await api.track(id);
      const ticket = await api.askLike(id);
      const answer = await api.follow(ticket, steps.done);
      results.replaceChildren(make("h2", {}, say("likeTitle", { title: song.title || say("unknown") })), await show(answer, null, like, ticket.answer));
    } catch (error) {
      results.replaceChildren(problem(error, () => similar(id)));
    }
  }
}
