// Goal: shell scripts of deploy/ have none of the faults that shellcheck knows.

import { globSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { hasTool, outputOf, ROOT, readOfRoot } from "../../support/deploy.ts";

const SCRIPTS = globSync("deploy/**/*.{sh,sh.tftpl}", { cwd: ROOT });

test("the scripts are found", () => {
  expect(SCRIPTS.map((file) => path.basename(file)).toSorted()).toContain("setup-postgresql.sh");
});

test.runIf(hasTool("shellcheck")).for(SCRIPTS)("%s has no known fault", (file) => {
  // As Terraform fills it in.
  const input = readOfRoot(file).replaceAll(/(?<!\$)\$\{\w+\}(?=')/g, "value");

  expect(outputOf("shellcheck", ["-"], { input })).toMatchObject({ code: 0, stdout: "" });
});
