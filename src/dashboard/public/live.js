// Keeps the page current: the server tells that something changed, and the page reads itself
// again.
import { drawCharts } from "./charts.js";
import { morph } from "./morph.js";
import { localizeTimes } from "./times.js";

const content = document.querySelector("#content");
const connection = document.querySelector("#connection");
const away = document.querySelector("#away");

/** @type {EventSource | null} */
let events = null;
let isReading = false;
let isStale = false;
/** Of which start of the server this page is. */
let server = "";

/**
 * Follow the server while the page is seen. One that nobody sees does not ask: browsers have few
 * connections for one server.
 */
export function keepCurrent() {
  const refresh = content?.getAttribute("data-refresh") ?? "never";
  if (refresh === "never") return;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      events?.close();
      events = null;
    } else if (events === null) {
      void readAgain();
      connect(refresh);
    }
  });
  connect(refresh);
}

/** @param {string} refresh */
function connect(refresh) {
  const task = content?.getAttribute("data-task") ?? "";
  events = new EventSource(task === "" ? "/ui/live" : `/ui/live?task=${encodeURIComponent(task)}`);
  events.addEventListener("error", () => say("lost", "Connection lost, trying again"));
  events.addEventListener("server", ({ data }) => {
    const told = JSON.parse(data);
    say("live", "Live");
    if (refresh !== "recover") showDatabase(told.database);
    // After a restart, or while the database was away, something may have been missed.
    if (server !== "" || told.database !== "healthy") void readAgain();
    server = told.server;
  });
  events.addEventListener("changed", () => void readAgain());
  events.addEventListener("task", () => void readAgain());
  events.addEventListener("tick", () => {
    if (refresh === "always" || refresh === "recover") void readAgain();
  });
}

/**
 * Read this address again, and show what differs. One at a time; what comes meanwhile is one
 * more.
 */
async function readAgain() {
  if (isReading) {
    isStale = true;
    return;
  }
  isReading = true;
  try {
    const answer = await fetch(location.href, { headers: { "x-refresh": "1" } });
    if (answer.redirected || answer.status === 401) {
      events?.close();
      showBanner("You are signed out. Load the page again to sign in.");
      return;
    }
    if (answer.status >= 500) return;
    if (content?.getAttribute("data-refresh") === "recover") {
      // In place of a page that could not be shown: it may want more than this one has.
      location.reload();
      return;
    }
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    say("lost", "Connection lost, trying again");
  } finally {
    isReading = false;
    if (isStale) {
      isStale = false;
      setTimeout(readAgain, 200);
    }
  }
}

/** @param {Document} page */
function show(page) {
  const next = page.querySelector("#content");
  if (!content || !next) return;
  localizeTimes(next);
  const own = content.querySelector("input[name=_csrf]")?.getAttribute("value");
  for (const field of next.querySelectorAll("input[name=_csrf]")) {
    if (own) field.setAttribute("value", own);
  }
  morph(content, next);
  const [heading, title] = [document.querySelector("h1"), page.querySelector("h1")];
  if (heading && title && heading.textContent !== title.textContent) {
    heading.textContent = title.textContent;
    document.title = page.title;
  }
  drawCharts(document);
}

/** For so long the page says that the database is back. */
const BACK_MS = 15_000;
let isDatabaseAway = false;

/** @param {string} state */
function showDatabase(state) {
  const isAway = state !== "healthy";
  if (isAway === isDatabaseAway) return;
  isDatabaseAway = isAway;
  const time = new Date().toLocaleTimeString();
  if (isAway) {
    showBanner(
      `The database does not answer since ${time}. What you see is from before; it is read again as soon as the database answers.`,
    );
    return;
  }
  showBanner(`The database answers again since ${time}. This page is current.`, "good");
  setTimeout(() => {
    if (!isDatabaseAway && away instanceof HTMLElement) away.hidden = true;
  }, BACK_MS);
}

/**
 * @param {string} text
 * @param {"bad" | "good"} look
 */
function showBanner(text, look = "bad") {
  if (!(away instanceof HTMLElement)) return;
  away.textContent = text;
  away.className = `banner ${look}`;
  away.hidden = false;
}

/**
 * @param {string} state
 * @param {string} text
 */
function say(state, text) {
  if (!(connection instanceof HTMLElement) || connection.textContent === text) return;
  connection.textContent = text;
  connection.dataset["state"] = state;
}
