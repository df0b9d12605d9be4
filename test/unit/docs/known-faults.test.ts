// Goal: docs/known-faults.md lists all twelve faults, each with tests that are there.
// Method: read the table of the page, and look for each title in the file that it names.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");

type Row = { readonly number: number; readonly proof: string };

const ROWS: readonly Row[] = read("docs/known-faults.md")
  .split("\n")
  .flatMap((line) => {
    const [, number, proof] = /^\| (\d+) \|.*\| ([^|]*) \|$/.exec(line) ?? [];
    return number !== undefined && proof !== undefined ? [{ number: Number(number), proof }] : [];
  });

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), "utf8");
}

/** What a row names: "`file`: "title", "title"; `file`: …". */
function namedIn(proof: string): { file: string; titles: string[] }[] {
  return proof.split("; ").map((part) => {
    const [, file = "", quoted = ""] = /^`([^`]+)`: (".+")$/.exec(part) ?? [];
    return { file, titles: quoted.slice(1, -1).split('", "') };
  });
}

test("the page has the twelve faults", () => {
  expect(ROWS.map(({ number }) => number)).toEqual(
    Array.from({ length: 12 }, (_, place) => place + 1),
  );
});

test.for(ROWS)("the tests named for fault $number are there", ({ proof }) => {
  const missing = namedIn(proof).flatMap(({ file, titles }) => {
    const text = read(file);
    return titles.filter((title) => title === "" || !text.includes(`"${title}"`));
  });

  expect(missing).toEqual([]);
});
