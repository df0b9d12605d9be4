// Goal: the Dockerfile names the Node that the project is tried with, each time the same; and no
// secret of a deployment gets into an image or a package.

import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { ROOT, readOfRoot } from "../../support/deploy.ts";

const FILE = readOfRoot("Dockerfile");

test("each stage is on one base, whose Node is that of the tests", () => {
  const { devDependencies } = z
    .object({ devDependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readOfRoot("package.json")));
  const bases = [...FILE.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);

  expect(FILE).toContain(`ARG NODE_IMAGE=node:${devDependencies["node"]}-bookworm-slim\n`);
  expect(new Set(bases)).toEqual(new Set(["${NODE_IMAGE}"]));
});

test("the image installs what the lock file says, and has its SBOM and a health check", () => {
  const installs = FILE.match(/\bnpm (?:ci|i|install)\b/g);

  expect(installs).toEqual(["npm ci", "npm ci"]);
  expect(FILE).toContain("COPY --from=build /app/sbom.cdx.json ./");
  expect(FILE).toMatch(/^HEALTHCHECK /m);
});

test("an .env beside compose.yaml gets into no image and no package", () => {
  const secrets = path.join(ROOT, "deploy/compose/.env");
  const Packed = z.array(z.object({ files: z.array(z.object({ path: z.string() })) }));
  writeFileSync(secrets, "", { flag: "a" });
  const words = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const packed = execFileSync("npm", words, { cwd: ROOT, encoding: "utf8", stdio: "pipe" });
  rmSync(secrets);
  const files = Packed.parse(JSON.parse(packed))[0]?.files.map((file) => file.path) ?? [];

  expect(files).toContain("deploy/compose/compose.yaml");
  expect(files).toContain("deploy/compose/.env.example");
  expect(files).not.toContain("deploy/compose/.env");
  expect(readOfRoot(".dockerignore").split("\n")).toContain("**/.env");
});
