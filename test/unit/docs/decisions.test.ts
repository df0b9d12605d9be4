// Goal: each record of a decision is listed once, by its own title, in the order of the numbers.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const FOLDER = path.join(import.meta.dirname, "..", "..", "..", "docs", "decisions");
const LIST = readFileSync(path.join(FOLDER, "README.md"), "utf8");

test("records of decisions are listed in their order, by their titles", () => {
  const listed = [...LIST.matchAll(/^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$/gm)].map(
    ([, number, file, title]) => ({ file, title: `# ${number} ${title}` }),
  );
  const records = readdirSync(FOLDER)
    .filter((file) => /^\d{4}-/.test(file))
    .toSorted()
    .map((file) => ({
      file,
      title: readFileSync(path.join(FOLDER, file), "utf8").split("\n", 1)[0],
    }));

  expect(listed).toEqual(records);
});
