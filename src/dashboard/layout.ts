/**
 * What all pages have around them: the navigation, who is signed in, and how the connection is.
 */
import type { FallbackReason, ReadFrom } from "../database/replica.ts";
import type { Caller } from "../gateway/keys.ts";
import { type Html, html } from "./html.ts";
import type { Page, View } from "./page.ts";

export type Frame = {
  /** Where the files of the pages are, such as `/ui/assets/1a2b`. */
  readonly assets: string;
  readonly pages: readonly Page[];
  /** Null: nobody is signed in, and there is nothing to go to. */
  readonly caller: Caller | null;
  /** Whether it can be ended by a click. */
  readonly isSession: boolean;
  readonly token: string;
  readonly path: string;
  /** What was just done. */
  readonly notice: string | null;
  /** Who answered what may be from a standby; nobody where there is none. */
  readonly readFrom: readonly ReadFrom[];
};

/** In the order of the cascade; browsers ask for all of them at once, and keep them. */
const STYLES = ["base.css", "frame.css", "parts.css", "forms.css", "components.css"];
const CHART_STYLES = ["uPlot.min.css", "charts.css"];

export function layout(view: View, frame: Frame): Html {
  const { title, hasCharts = false, taskId, refresh = "changes" } = view;
  const { assets, caller, notice } = frame;
  const isLive = caller !== null && refresh !== "never";
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    ${refresh === "recover" && html`<noscript><meta http-equiv="refresh" content="10"></noscript>`}
    <title>${title} · triaged</title>
    <link rel="icon" href="${assets}/icon.svg" type="image/svg+xml">
    ${[...STYLES, ...(hasCharts ? CHART_STYLES : [])].map(
      (name) => html`<link rel="stylesheet" href="${assets}/${name}">
    `,
    )}
    ${hasCharts && html`<script src="${assets}/uPlot.iife.min.js" defer></script>`}
    <script src="${assets}/page.js" type="module"></script>
  </head>
  <body>
    <a class="skip" href="#main">Skip to the content</a>
    ${header(frame)}
    <main id="main" class="page" tabindex="-1">
      <p id="away" class="banner bad" role="alert" hidden></p>
      <div class="head">
        <h1>${title}</h1>
        ${view.beside}
        ${isLive && html`<p id="connection" class="connection" role="status">Connecting</p>`}
      </div>
      ${notice !== null && html`<p class="banner good" role="status">${notice}</p>`}
      <div id="content" data-refresh="${isLive ? refresh : "never"}" data-task="${taskId}">
        ${view.main}
        ${readFromView(frame.readFrom)}
      </div>
    </main>
  </body>
</html>`;
}

const WHY_PRIMARY: Readonly<Record<FallbackReason, string>> = {
  behind: "the standby is too far behind",
  away: "the standby does not answer",
  not_followed: "the standby has not yet shown that it follows the new primary",
  no_standby: "what DATABASE_REPLICA_URL names is no standby of it",
  unknown: "it is not known how far the standby is",
  failed: "the standby gave up",
  asked_for: "you have just changed something",
};

/** What is wrong with the standby counts more than what it has answered a moment ago. */
function readFromView(all: readonly ReadFrom[]): Html | null {
  const lags = all.flatMap((from) => (from.by === "replica" ? [from] : []));
  const [oldest] = lags.toSorted((a, b) => b.lagMs - a.lagMs);
  const [other] = all.flatMap((from) => (from.by === "primary" ? [from.reason] : []));
  if (other !== undefined) {
    return readFromNote(`Read from the primary: ${WHY_PRIMARY[other]}.`);
  }
  return oldest === undefined
    ? null
    : readFromNote(
        `Lists are read from the standby ${oldest.server}, at most ${(oldest.lagMs / 1_000).toFixed(1)} s behind.`,
      );
}

function readFromNote(says: string): Html {
  return html`<p class="hint" id="read-from">${says}</p>`;
}

function header({ pages, caller, isSession, token, path, assets }: Frame): Html {
  const listed = caller === null ? [] : pages.filter(({ nav }) => nav !== undefined);
  return html`<header class="top">
      <a class="brand" href="/ui"><img src="${assets}/icon.svg" alt="" width="22" height="22"> triaged</a>
      <nav aria-label="Pages"><ul>${listed.map(
        (page) =>
          html`<li><a href="/ui${page.path}"${isHere(page, path) && html` aria-current="page"`}>${page.nav}</a></li>`,
      )}</ul></nav>
      ${
        caller !== null &&
        html`<div class="who">
        <p title="The role ${caller.role} decides what can be done here.">${caller.name} · ${
          caller.role === "read" ? "may look" : caller.role
        }</p>
        ${
          isSession &&
          html`<form method="post" action="/ui/sign-out">
          <input type="hidden" name="_csrf" value="${token}">
          <button class="quiet">Sign out</button>
        </form>`
        }
      </div>`
      }
    </header>`;
}

/** The page itself, or one below it: a task is among the tasks. */
function isHere({ path: own }: Page, path: string): boolean {
  const address = `/ui${own}`;
  return path === address || (own !== "" && path.startsWith(`${address}/`));
}
