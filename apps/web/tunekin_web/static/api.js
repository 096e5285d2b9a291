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

export const sendClip = (data, options) => ask(`/clips?${new URLSearchParams(options)}`, { method: "POST", body: data });
export const askLike = (id) => ask(`/tracks/${encoded(id)}/similar`, { method: "POST" });

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
