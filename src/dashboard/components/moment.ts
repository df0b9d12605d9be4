/** Times and spans as people read them. */
import { type Html, html } from "../html.ts";

/**
 * An instant. The page's script writes it in the reader's zone; without it, it is UTC. The exact
 * instant is what a pointer that rests on it shows.
 */
export function momentView(at: Date): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}" title="${iso}">${iso.slice(0, 19).replace("T", " ")} UTC</time>`;
}

/** How long ago an instant was; the script keeps it current. The exact instant is the title. */
export function ageView(at: Date): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}" title="${iso}" data-age>${iso.slice(0, 19).replace("T", " ")} UTC</time>`;
}

const UNITS = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1000 },
] as const;

/** A span of milliseconds in its two largest units: `2 h 5 min`, `1.4 s`, `12 ms`. */
export function spanText(ms: number): string {
  const span = Math.max(0, Math.round(ms));
  if (span < 1000) return `${span} ms`;
  if (span < 10_000) return `${Number((span / 1000).toFixed(1))} s`;
  const at = UNITS.findIndex((unit) => span >= unit.ms);
  const [large, small] = [UNITS[at], UNITS[at + 1]];
  if (large === undefined || small === undefined) return `${Math.floor(span / 1000)} s`;
  const rest = Math.floor((span % large.ms) / small.ms);
  return `${Math.floor(span / large.ms)} ${large.name}${rest > 0 ? ` ${rest} ${small.name}` : ""}`;
}
