// Goal: each line of docs/threats.md names tests that are there.
// Method: read its tables, look for each file, and for each title in the file before it.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");

type Row = { readonly threat: string; readonly held: string; readonly proof: string };

const ROWS: readonly Row[] = readFileSync(path.join(ROOT, "docs", "threats.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => {
    const [threat = "", held = "", ...proof] = line.slice(2, -2).split(" | ");
    return { threat, held, proof: proof.join(" | ") };
  })
  .filter(({ threat }) => threat !== "threat");

/** What a cell names: "`file`: "title", "title"; `file`", and what does not read like that. */
function namedIn(proof: string): { file: string; titles: string[] }[] {
  return proof.split(/; (?=`)/).map((part) => {
    const [, file = part, quoted] = /^`([^`]+)`(?:: (".+"))?$/.exec(part) ?? [];
    return { file, titles: quoted?.slice(1, -1).split('", "') ?? [] };
  });
}

test("there are threats of each party", () => {
  const parties = readFileSync(path.join(ROOT, "docs", "threats.md"), "utf8").match(/^## .*/gm);

  expect(parties).toEqual(
    expect.arrayContaining([
      "## Producer",
      "## Repository",
      "## Package",
      "## Model",
      "## Receiver",
    ]),
  );
  expect(ROWS.length).toBeGreaterThan(40);
});

test.for(ROWS)("the hold against a party that $threat is tested", ({ held, proof }) => {
  expect(held).not.toBe("");
  for (const { file, titles } of namedIn(proof)) {
    const isThere = /^(?:test|chaos)\/.*\.ts$/.test(file) && existsSync(path.join(ROOT, file));
    expect(isThere ? file : `no test: ${file}`).toBe(file);
    const text = readFileSync(path.join(ROOT, file), "utf8");
    expect(titles.filter((title) => !text.includes(`"${title}"`))).toEqual([]);
  }
});
