import { toJson } from "../json.ts";

/** A moment in the time zone of the reader, to the second. */
export function formatTime(at: Date | null): string | null {
  return at && `${formatDay(at)} ${formatClock(at)}`;
}

/** The same to the millisecond, for what happens close together. */
export function formatExactTime(at: Date): string {
  return `${formatTime(at)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** A duration in milliseconds in the unit that a person would take. */
export function formatDuration(ms: number | null): string | null {
  if (ms === null) {
    return null;
  }
  const units: [limit: number, size: number, name: string][] = [
    [1_000, 1, "ms"],
    [60_000, 1_000, "s"],
    [3_600_000, 60_000, "min"],
    [172_800_000, 3_600_000, "h"],
    [Infinity, 86_400_000, "d"],
  ];
  const [, size, name] = units.find(([limit]) => ms < limit) ?? [0, 1, "ms"];
  const value = ms / size;
  return `${name === "ms" ? Math.round(value) : value.toFixed(1)} ${name}`;
}

/** As the result of a handler reads best: text as it is, the rest as indented JSON. */
export function formatValue(value: unknown): string {
  return typeof value === "string" ? value : toJson(value, 2);
}

function formatDay(at: Date): string {
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(twoDigits).join("-");
}

function formatClock(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
