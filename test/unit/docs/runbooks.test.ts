// Goal: each runbook is listed, has the parts that the list promises, and names tests that are
// there; alerts and hints lead to pages that exist.
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..", "..", "..");
const FOLDER = path.join(ROOT, "docs", "runbooks");
const README = readFileSync(path.join(FOLDER, "README.md"), "utf8");
const PAGES = readdirSync(FOLDER).filter((name) => name !== "README.md");
const PARTS = ["What you see", "Is it this?", "Over when", "Why, and how to prevent it"];
/** On its day one knows what happened. */
const WITHOUT_PARTS = ["restore.md", "failover.md"];

function read(name: string): string {
  return readFileSync(path.join(FOLDER, name), "utf8");
}

test("there is a runbook for each kind of trouble", () => {
  expect(PAGES).toEqual(
    expect.arrayContaining([
      "database-away.md",
      "disk-full.md",
      "failed-migration.md",
      "failover.md",
      "poison-task.md",
      "queue-growing.md",
      "restore.md",
      "rollback.md",
    ]),
  );
});

test.for(PAGES)("%s names tests that are there", (name) => {
  const [, tried = ""] = read(name).split("\n## Tried by\n");
  const proofs = [...tried.matchAll(/^- `([^`]+)`: (".+")$/gm)];

  expect(proofs.length).toBeGreaterThan(0);
  for (const [, file = "", quoted = ""] of proofs) {
    const text = readFileSync(path.join(ROOT, file), "utf8");
    const titles = quoted.slice(1, -1).split('", "');
    expect(titles.filter((title) => !text.includes(`"${title}"`))).toEqual([]);
  }
});

test.for(PAGES.filter((name) => !WITHOUT_PARTS.includes(name)))(
  "%s is listed and has its parts",
  (name) => {
    const headings = (read(name).match(/^## .*/gm) ?? []).map((line) => line.slice(3));

    expect(README).toContain(`(${name})`);
    expect(headings).toEqual(expect.arrayContaining(PARTS));
    expect(headings.some((heading) => heading.startsWith("Now"))).toBe(true);
  },
);

test("alerts and hints lead to runbooks that exist", () => {
  const files = ["deploy/prometheus/rules.yml", ...globSync("src/**/*.ts", { cwd: ROOT })];
  const named = files.flatMap(
    (file) =>
      readFileSync(path.join(ROOT, file), "utf8").match(/docs\/runbooks\/[a-z-]+\.md/g) ?? [],
  );

  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((page) => !existsSync(path.join(ROOT, page)))).toEqual([]);
});
