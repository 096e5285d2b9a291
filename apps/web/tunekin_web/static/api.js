// The REST API, as the page asks it.
import { say } from "/static/words.js";

const ROOT = "/api/v1";

export class Problem extends Error {
  constructor({ message, hint = "" }) {
    super(message);
    this.hint = hint;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(ROOT + path, options);
  } catch {
    throw new Problem({ message: say("lost") });
  }
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(said.error ?? { message: `HTTP ${response.status}` });
  return said;
}

const encoded = encodeURIComponent;
export const moods = async () => (await ask("/moods")).moods;
export const songsOf = async (mood, order, seed) =>
  (await ask(`/moods/${mood}/tracks?order=${order}&seed=${seed}&limit=20`)).tracks;
export const search = async (text, signal) => (await ask(`/search?limit=20&q=${encoded(text)}`, { signal })).tracks;
export const map = () => ask("/map");
export const track = (id) => ask(`/tracks/${encoded(id)}`);
export const sound = (id) => `${ROOT}/tracks/${encoded(id)}/audio`;

// Whether answers follow what the visitor likes; remembered in this browser.
export function follows(yes) {
  if (yes != null) localStorage.setItem("taste", yes ? "mine" : "none");
  return localStorage.getItem("taste") !== "none";
}

const asked = (options) => new URLSearchParams(follows() ? options : { ...options, taste: "none" });
export const sendClip = (data, options) => ask(`/clips?${asked(options)}`, { method: "POST", body: data });
export const askLike = (id) => ask(`/tracks/${encoded(id)}/similar?${asked({})}`, { method: "POST" });

export const TASTE_FILE = `${ROOT}/taste?download`;
export const taste = () => ask("/taste");
export const forget = () => ask("/taste", { method: "DELETE" });
export const takeBack = (id) => ask(`/taste/${encoded(id)}`, { method: "DELETE" });
export const opine = (id, verdict) => ask(`/taste/${encoded(id)}`, {
  method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ verdict }),
});

// Follow a ticket; `stage` hears of each stage. The answer, or a Problem.
export function follow(ticket, stage) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(ticket.events);
    events.addEventListener("stage", (event) => stage(JSON.parse(event.data).stage));
    events.addEventListener("answer", (event) => {
      events.close();
      const answer = JSON.parse(event.data);
      if (answer.status === "answered") resolve(answer);
      else reject(new Problem(answer.error));
    });
    events.addEventListener("error", () => {
      // The browser connects anew by itself, unless it was told no.
      if (events.readyState === EventSource.CLOSED) reject(new Problem({ message: say("lost") }));
    });
  });
}
