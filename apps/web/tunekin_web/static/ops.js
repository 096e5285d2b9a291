// The page for operators: who works, what waits, what failed. Only for who has the token.
import * as api from "/static/api.js";
import { announce, make, problem } from "/static/dom.js";
import { language, say } from "/static/words.js";

const PAUSE_MS = 5000;
const SINCE = ["", "1h", "1d", "7d"];

export function view(main) {
  let timer = 0;
  let gone = false;
  const place = make("div");
  main.append(make("h1", {}, say("ops")), make("p", { class: "soft" }, say("opsLead")), place);
  if (api.hasToken()) enter();
  else ask();
  return () => {
    gone = true;
    clearTimeout(timer);
  };

  function ask(error) {
    const field = make("input", { type: "password", "aria-label": say("token"), placeholder: say("token"), autocomplete: "off" });
    const use = () => {
      if (!field.value.trim()) return;
      api.setToken(field.value.trim());
      enter();
    };
    field.addEventListener("keydown", (event) => event.key === "Enter" && use());
    place.replaceChildren(...[error ? problem(error) : null].filter(Boolean),
      make("div", { class: "field" }, field, make("button", { type: "button", class: "main", onclick: use }, say("enter"))));
    field.focus();
  }

  function refused(error) {
    api.setToken("");
    ask(error);
  }

  function enter() {
    const workers = make("section", { class: "card" });
    const letters = make("section", { class: "card" });
    const out = make("button", { type: "button", class: "quiet", onclick: () => { clearTimeout(timer); api.setToken(""); ask(); } }, say("leave"));
    place.replaceChildren(workers, letters, make("p", {}, out));
    look(workers);
    list(letters, {});
  }

  async function look(section) {
    try {
      const status = await api.opsStatus();
      if (gone || !section.isConnected) return;
      section.replaceChildren(make("h2", {}, say("workers")), flow(status.last_minute), table(status.groups));
    } catch (error) {
      if (gone || !section.isConnected) return;
      if (error.status === 401 || error.status === 403) return refused(error);
      section.replaceChildren(problem(error, () => look(section)));
    }
    clearTimeout(timer);
    timer = setTimeout(() => look(section), PAUSE_MS);
  }

  async function list(section, filter) {
    let found;
    try {
      found = await api.opsLetters(filter);
    } catch (error) {
      // The other part of the page asks for the token anew.
      if (!gone && section.isConnected && error.status !== 401 && error.status !== 403) section.replaceChildren(problem(error, () => list(section, filter)));
      return;
    }
    if (gone || !section.isConnected) return;
    const again = (change) => list(section, { ...filter, ...change });
    const marks = new Map();
    const told = make("p", { role: "status" });
    const chosen = () => [...marks].filter(([, box]) => box.checked).map(([name]) => name);
    const act = async (what, done) => {
      const names = chosen();
      if (!names.length) return void (told.textContent = say("noneChosen"));
      if (what === api.opsPurge && !confirm(say("reallyForget", { n: names.length }))) return;
      try {
        const result = await what(names);
        await again({});
        announce(say(done, { n: result.replayed ?? result.purged }));
      } catch (error) {
        told.replaceChildren(problem(error));
      }
    };
    const all = make("input", { type: "checkbox", "aria-label": say("chooseAll"), onchange: () => marks.forEach((box) => { box.checked = all.checked; }) });
    const button = (name, run, kind = "") => make("button", { type: "button", class: kind, onclick: run }, say(name));
    section.replaceChildren(
      make("h2", {}, say("deadLetters")),
      make("div", { class: "row" },
        choice(say("error"), known(found.errors, filter.error), filter.error, (error) => again({ error })),
        choice(say("stage"), known(found.stages, filter.stage), filter.stage, (stage) => again({ stage })),
        choice(say("since"), SINCE.slice(1), filter.since, (since) => again({ since })),
        button("refresh", () => again({}), "quiet")),
      make("p", { class: "soft" }, found.letters.length ? say(found.more ? "newest" : "shown", { n: found.letters.length }) : say("noLetters")),
      ...(found.letters.length ? [
        make("div", { class: "row" }, make("label", { class: "row" }, all, say("chooseAll")),
          button("replay", () => act(api.opsReplay, "replayed"), "main"), button("purge", () => act(api.opsPurge, "purged"))),
        told,
        make("ul", { class: "letters" }, ...found.letters.map((letter) => entry(letter, marks))),
      ] : []));
  }
}

// How many records have come to each topic within a minute, from the clip to the answer and from the song to its outcome.
function flow(came) {
  const lane = (names) => names.map((name) => `${name} ${came[name] ?? 0}`).join(" → ");
  return make("p", { class: "soft small" }, say("lastMinute"), make("br"),
    lane(["clips", "clips.audio", "clips.features", "clips.classified", "recommendations"]), make("br"),
    lane(["catalog.ingest", "tracks.audio", "tracks.features", "tracks.classified", "catalog.outcomes"]));
}

function table(groups) {
  const row = (cell, ...cells) => make("tr", {}, ...cells.map((text) => make(cell, cell === "th" ? { scope: "col" } : {}, text)));
  const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
  return make("table", { class: "groups" }, make("thead", {}, row("th", say("group"), say("workers"), say("waits"), say("came"))),
    make("tbody", {}, ...groups.map((group) => {
      const line = row("td", group.group, String(group.workers), String(sum(group.behind)), String(sum(group.came)));
      if (!group.workers) line.setAttribute("data-alone", "");
      if (group.hosts.length) line.firstChild.title = group.hosts.join(", ");
      return line;
    })));
}

// What there is to choose: of the letters that were looked at, and what is chosen already.
const known = (counts, now) => [...new Set([...Object.keys(counts), ...(now ? [now] : [])])];

function choice(label, names, now, change) {
  const select = make("select", { "aria-label": label, onchange: () => change(select.value) },
    make("option", { value: "" }, `${label}: ${say("any")}`),
    ...names.map((name) => make("option", { value: name, selected: name === now }, name)));
  return select;
}

function entry(letter, marks) {
  const box = make("input", { type: "checkbox", "aria-label": letter.letter });
  marks.set(letter.letter, box);
  const when = new Date(letter.failed_at).toLocaleString(language);
  const lines = [["letter", letter.letter], ["key", letter.key ?? letter.key_base64 ?? ""], ["attempt", letter.attempt], ["bytes", letter.bytes ?? 0],
    ...letter.headers.map((header) => [header.name, header.value ?? header.base64])];
  const save = async () => {
    const link = make("a", { href: URL.createObjectURL(await api.opsValue(letter.letter)), download: `${letter.letter.replaceAll("/", "-")}.bin` });
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return make("li", {}, box, make("details", {},
    make("summary", {}, make("b", {}, letter.code), ` · ${letter.stage} · ${when}`, make("br"), make("span", { class: "soft" }, letter.message)),
    letter.hint ? make("p", {}, letter.hint) : null,
    make("dl", {}, ...lines.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))])),
    make("button", { type: "button", onclick: save }, say("saveRecord"))));
}
