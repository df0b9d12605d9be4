/** Files of deploy/, the tools that read them, and what all kinds of deployment say alike. */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { SECRETS, SETTINGS } from "../../src/settings/variables.ts";

export const ROOT = path.join(import.meta.dirname, "..", "..");

export function readOfRoot(file: string): string {
  return readFileSync(path.join(ROOT, file), "utf8");
}

export const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readOfRoot("package.json"))).version;

/**
 * Whether a tool is installed; where it is not, the reason is printed for which its tests are
 * skipped. Where CI runs it counts as installed: without it they fail there.
 */
export function hasTool(name: string, { inCi = true } = {}): boolean {
  if (
    (inCi && process.env["CI"] !== undefined) ||
    spawnSync(name, ["--help"]).error === undefined
  ) {
    return true;
  }
  process.stderr.write(`skipped: ${name} is not installed\n`);
  return false;
}

/** Run a tool in the root of the repository; what it printed, on both outputs. */
export function outputOf(
  tool: string,
  words: readonly string[],
  options: { readonly input?: string; readonly env?: Record<string, string> } = {},
): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(tool, words, {
    cwd: ROOT,
    encoding: "utf8",
    input: options.input ?? "",
    env: { ...process.env, ...options.env },
    maxBuffer: 16_777_216,
  });
  return { code: status, stdout, stderr };
}

/** Of Node, which reads them itself. */
const OF_NODE: readonly string[] = ["NODE_ENV", "NODE_EXTRA_CA_CERTS"];

/** Of variables of a process of triaged: those that it does not know, or refuses. */
export function refusedSettings(variables: Readonly<Record<string, string>>): string[] {
  const known: readonly string[] = [
    ...SETTINGS.keyof().options,
    ...SECRETS.map((name) => `${name}_FILE`),
    ...OF_NODE,
  ];
  const unknown = Object.keys(variables).filter((name) => !known.includes(name));
  // Empty means unset.
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
  const { error } = SETTINGS.safeParse(set);
  return [...unknown, ...(error?.issues.map(({ path: [name] }) => String(name)) ?? [])];
}

/** What setup-postgresql.sh reads. */
export const OF_SETUP: readonly string[] = [
  ...new Set(readOfRoot("deploy/postgresql/setup-postgresql.sh").match(/\bSETUP_\w+/g)),
];

/** Milliseconds that handlers get unless a deployment says otherwise. */
export const GRACE_MS = SETTINGS.parse({}).SHUTDOWN_GRACE_MS;

/** The doors that a platform may ask without a key. */
export const HEALTH_DOORS: readonly string[] = [
  ...readOfRoot("src/gateway/routes/health.ts").matchAll(/^ +"(\/\w+)",$/gm),
].map(([, door = ""]) => door);

/** Build a kustomization. */
export function kustomize(folder: string): string {
  return execFileSync("kubectl", ["kustomize", folder], { cwd: ROOT, encoding: "utf8" });
}
