// The REST API, as the page asks it.
import { say } from "/static/words.js";

const ROOT = "/api/v1";

export class Problem extends Error {
  constructor({ code = "", message, hint = "" }, status = 0) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.status = status;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(ROOT + path, options);
  } catch {
    throw new Problem({ message: say("lost") });
  }
  if (response.ok && options?.raw) return response.blob();
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(said.error ?? { message: `HTTP ${response.status}` }, response.status);
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

// For operators. The token is kept for this tab, and sent in a header that a browser adds to no request by itself.
const TOKEN = "token";
export const hasToken = () => Boolean(sessionStorage.getItem(TOKEN));
export const setToken = (token) => (token ? sessionStorage.setItem(TOKEN, token) : sessionStorage.removeItem(TOKEN));
const guarded = (path, options = {}) =>
  ask(`/ops${path}`, { ...options, headers: { Authorization: `Bearer ${encodeToken(sessionStorage.getItem(TOKEN) ?? "")}` } });
// A header holds bytes, of which the server makes UTF-8.
const encodeToken = (token) => String.fromCharCode(...new TextEncoder().encode(token));
const named = (letters) => ({ method: "POST", body: JSON.stringify({ letters }) });
export const opsStatus = () => guarded("/status");
export const opsLetters = (filter) => guarded(`/dead-letters?${new URLSearchParams(Object.entries(filter).filter(([, value]) => value))}`);
export const opsValue = (letter) => guarded(`/dead-letters/${letter}/value`, { raw: true });
export const opsReplay = (letters) => guarded("/dead-letters/replay", named(letters));
export const opsPurge = (letters) => guarded("/dead-letters/purge", named(letters));

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
