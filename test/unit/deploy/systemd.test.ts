// Goal: the units of deploy/systemd are ones that systemd takes without a word, closed to what
// triaged does not need, and patient enough for its handlers.

import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import {
  GRACE_MS,
  hasTool,
  outputOf,
  ROOT,
  readOfRoot,
  refusedSettings,
} from "../../support/deploy.ts";
import { makeTemporaryFolder } from "../../support/folders-and-ports.ts";

const SERVICES = ["migrate", "web", "jobs", "worker@"].map((name) => `triaged-${name}.service`);
const COMMON = readOfRoot("deploy/systemd/triaged-.service.d/common.conf");
/** By `systemd-analyze security`: 0 is closed, 10 open; "OK" ends at 5. */
const EXPOSURE_MAX = 2;

let root: string;

beforeAll(async () => {
  const { path: folder, remove } = await makeTemporaryFolder();
  root = folder;
  const units = path.join(root, "etc/systemd/system");
  cpSync(path.join(ROOT, "deploy/systemd"), units, { recursive: true });
  for (const name of ["sysinit", "basic", "shutdown", "network-online"]) {
    writeFileSync(path.join(units, `${name}.target`), "[Unit]\n");
  }
  mkdirSync(path.join(root, "usr/bin"), { recursive: true });
  writeFileSync(path.join(root, "usr/bin/env"), "");
  chmodSync(path.join(root, "usr/bin/env"), 0o755);
  return remove;
});

test.runIf(hasTool("systemd-analyze"))("systemd takes them, and says nothing", () => {
  const instances = SERVICES.map((name) => name.replace("@", "@0"));
  const { code, stdout, stderr } = outputOf("systemd-analyze", [
    "verify",
    "--man=no",
    `--root=${root}`,
    "triaged.target",
    ...instances,
  ]);

  expect(stdout + stderr).toBe("");
  expect(code).toBe(0);
});

test.runIf(hasTool("systemd-analyze")).for(SERVICES)("%s is closed", (name) => {
  const { stdout } = outputOf("systemd-analyze", [
    "security",
    "--offline=true",
    `--root=${root}`,
    name.replace("@", "@0"),
  ]);

  const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
  expect(Number(exposure)).toBeLessThan(EXPOSURE_MAX);
});

test("a service gets more time to stop than its handlers", () => {
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(COMMON)?.[1]);

  expect(seconds * 1000).toBeGreaterThan(GRACE_MS);
  expect(COMMON).toMatch(/^KillMode=mixed$/m);
});

test.for(SERVICES)("%s stays down where a person is called for", (name) => {
  expect(readOfRoot(`deploy/systemd/${name}`)).toMatch(/^RestartPreventExitStatus=64 78$/m);
});

test.for(SERVICES.slice(1))("%s starts after the schema is there", (name) => {
  const unit = readOfRoot(`deploy/systemd/${name}`);

  expect(unit).toMatch(/^After=triaged-migrate\.service$/m);
  expect(unit).toMatch(/^Requires=triaged-migrate\.service$/m);
});

test("the settings are ones that triaged takes", () => {
  const file = readOfRoot("deploy/systemd/triaged.env.example");
  const inFile = [...file.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
  const inUnits = [...COMMON.matchAll(/^Environment=(.+)$/gm)].flatMap(([, words = ""]) =>
    words.split(" ").map((word) => word.split("=")),
  );

  expect(inUnits.length).toBeGreaterThan(0);
  expect(refusedSettings(Object.fromEntries([...inFile, ...inUnits]))).toEqual([]);
});
