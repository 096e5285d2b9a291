// Which page is shown, in which language.
import { stop } from "/static/sound.js";
import { language, say, speak } from "/static/words.js";

const PAGES = { "/": "listen", "/moods": "moods", "/search": "search", "/map": "map", "/taste": "taste", "/ops": "ops" };
const main = document.getElementById("main");
const switcher = document.getElementById("language");
let leave = null;
let shown = 0;

async function show() {
  const mine = ++shown;
  stop();
  leave?.();
  leave = null;
  const name = PAGES[location.pathname] ?? "listen";
  document.title = `${say(name)} · Tunekin`;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
  switcher.textContent = say("other");
  switcher.lang = language === "en" ? "ko" : "en";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const { view } = await import(`/static/${name}.js`);
  if (mine !== shown) return;
  main.replaceChildren();
  const left = await view(main, { like, about: new URLSearchParams(location.search).get("like") });
  if (mine === shown) leave = left;
  else left?.();
}

function go(place) {
  history.pushState(null, "", place);
  scrollTo(0, 0);
  show();
  main.focus({ preventScroll: true });
}

const like = (song) => go(`/search?like=${encodeURIComponent(song.track_id)}`);

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-page]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(link.href);
});
addEventListener("popstate", show);
switcher.addEventListener("click", () => {
  speak(language === "en" ? "ko" : "en");
  show();
});
speak(language);
show();
