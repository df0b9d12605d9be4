import { expect } from "vitest";
import { analyzePackage } from "../../../../src/triage/pipeline/analyze-package.ts";
import { test } from "../../../support/packages.ts";

test("a member that first declarations give to one part of a union is no error of JavaScript", {
  timeout: 60_000,
}, async ({ makeUpgrade }) => {
  const request = await makeUpgrade({
    from: { "index.js": "module.exports = (text) => ({ cmd: text });\n" },
    to: {
      "index.js": "module.exports = (text) => ({ cmd: text });\n",
      "index.d.ts": "declare function run(text: string): false | { cmd: string };\nexport = run;\n",
    },
    consumer: { "a.js": 'const run = require("provider");\nconsole.log(run("a").cmd);\n' },
  });

  expect(analyzePackage(request, () => {}).diagnostics).toEqual([]);
});
