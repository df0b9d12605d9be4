// Whoever enqueues a task from a service pays for its client alone: not for the compiler, the
// registry or the runner of jobs that other parts of the package need. A process of its own loads
// an entry and tells of the packages that Node found for it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const HEAVY = [
  "@npmcli/config",
  "graphile-worker",
  "npm-registry-fetch",
  "pacote",
  "tar",
  "typescript",
];

const PROGRAM = `
  import { registerHooks } from "node:module";
  const packages = new Set();
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const found = nextResolve(specifier, context);
      const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(found.url) ?? [];
      if (name !== undefined) packages.add(name);
      return found;
    },
  });
  await import(process.argv[1]);
  process.stdout.write(JSON.stringify([...packages]));
`;

async function packagesOf(module: string): Promise<string[]> {
  const url = import.meta.resolve(`../../src/${module}`);
  const args = ["--input-type=module", "--eval", PROGRAM, url];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const packages: string[] = JSON.parse(stdout);
  return packages;
}

test.for(["index.ts", "triage/client.ts"])(
  "%s loads the database's driver and no heavy package",
  async (entry) => {
    const packages = await packagesOf(entry);

    expect(packages).toEqual(expect.arrayContaining(["pg", "zod"]));
    expect(packages.filter((name) => HEAVY.includes(name))).toEqual([]);
  },
);

test.for([
  ["triage/surface/surface-findings.ts", ["typescript"]],
  ["triage/sources/npm/registry.ts", ["@npmcli/config", "npm-registry-fetch"]],
  ["triage/sources/npm/tarball.ts", ["tar"]],
  ["jobs/session.ts", ["graphile-worker"]],
] as const)("the heavy packages that %s needs are seen", async ([module, heavy]) => {
  expect(await packagesOf(module)).toEqual(expect.arrayContaining([...heavy]));
});
