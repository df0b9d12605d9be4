import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { KEY_ROLES, KeyName, mayDo, newKey, readKeys } from "../../../src/gateway/keys.ts";
import { EnvironmentError } from "../../../src/model/errors.ts";

const folder = mkdtempSync(path.join(tmpdir(), "triaged-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

function keysIn(text: string, apiKey: string | null = null) {
  const keysFile = path.join(folder, "keys.json");
  writeFileSync(keysFile, text);
  return readKeys({ apiKey, keysFile });
}

function refusalOf(text: string, apiKey: string | null = null): string {
  try {
    keysIn(text, apiKey);
  } catch (err) {
    if (err instanceof EnvironmentError) return err.message;
    throw err;
  }
  throw new Error("expected a refusal, got none");
}

test("a key is known by its hash, with its name, role and rate", () => {
  const { key, row } = newKey("ci", "enqueue");
  const ring = keysIn(JSON.stringify([{ ...row, requests_per_minute: 60 }]), "a-key-of-sixteen");

  expect(ring.callerOf(key)).toMatchObject({
    name: "ci",
    role: "enqueue",
    requestsPerMinute: 60,
  });
  expect(ring.callerOf("a-key-of-sixteen")).toMatchObject({ name: "orchestrator", role: "admin" });
  expect(ring.callerOf(row.sha256)).toBeNull();
  expect(ring.callerOf("")).toBeNull();
});

test("no two keys are the same, and none is its hash", () => {
  const made = [newKey("a", "read"), newKey("a", "read")];

  expect(new Set(made.flatMap(({ key, row }) => [key, row.sha256])).size).toBe(4);
});

test("each role may do what those before it may, and no more", () => {
  const may = KEY_ROLES.map((role) => KEY_ROLES.filter((needed) => mayDo(role, needed)).length);

  expect(may).toEqual([1, 2, 3, 4]);
});

const SHA = "0".repeat(64);

test.for([
  ["[]", "Too small"],
  ["{}", "expected array"],
  ["s3cret-key", "it is not JSON"],
  [`[{"name": "a", "role": "root", "sha256": "${SHA}"}]`, "0.role"],
  [`[{"name": "a", "role": "read", "sha256": "s3cret-key"}]`, "0.sha256: expected 64 hex"],
  [`[{"name": "a", "role": "read", "sha256": "${SHA}", "key": "s3cret-key"}]`, "key"],
  [`[{"name": "a b", "role": "read", "sha256": "${SHA}"}]`, "0.name: expected 1 to 100"],
  [`[{"name": "Worker", "role": "read", "sha256": "${SHA}"}]`, "0.name: expected a name other"],
] as const)("%s is refused with the place, and quotes no value", ([text, part]) => {
  const message = refusalOf(text);

  expect(message).toMatch(/^API_KEYS_FILE: /);
  expect(message).toContain(part);
  expect(message).not.toContain("s3cret");
});

test("two keys of one name are refused: history could not tell them apart", () => {
  const row = { role: "read", sha256: SHA };

  expect(
    refusalOf(
      JSON.stringify([
        { name: "a", ...row },
        { name: "a", ...row },
      ]),
    ),
  ).toContain("two keys of the name a");
  expect(
    refusalOf(JSON.stringify([{ name: "orchestrator", ...row }]), "a-key-of-sixteen"),
  ).toContain("two keys of the name orchestrator");
});

test.for(["worker", "jobs.1", "-a", "a b", "", "a\n", "é"])("%j is no name of a key", (name) => {
  // jobs.1 is a name: its first word is jobs1.
  expect(KeyName.safeParse(name).success).toBe(name === "jobs.1");
});
