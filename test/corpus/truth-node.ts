// The consumer in Node, on both versions: whether it ends and prints as before.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import semver from "semver";
import type { Place, Truth, UpgradeCase } from "./case.ts";
import { importLine, symbolsAt } from "./truth-places.ts";
import type { LaidOut } from "./truth-sandbox.ts";

type Ran = {
  readonly truth: NonNullable<Truth["node"]>;
  readonly differs: boolean;
  readonly at: readonly Place[];
  readonly reached: boolean;
};

const HOOK = path.join(import.meta.dirname, "truth-hook.ts");
const LIMIT_MS = 20_000;
/** Where `require` may load an ES module without a flag. */
const REQUIRES_MODULES = "^20.19.0 || >=22.12.0";

/** Null for a consumer that nobody runs: it has types to check and nothing else. */
export async function runBoth(one: UpgradeCase, consumer: LaidOut): Promise<Ran | null> {
  if (one.run === undefined) return null;
  const flags = flagsFor(consumer);
  const before = await run(one, { consumer, flags, version: one.from });
  const after = await run(one, { consumer, flags, version: one.to });
  const differs = before.exit !== after.exit || before.stdout !== after.stdout;
  return {
    truth: {
      command: ["node", ...flags, ...one.run].join(" "),
      before: { exit: before.exit, says: saysOf(before) },
      after: { exit: after.exit, says: saysOf(after) },
    },
    differs,
    at: differs && after.exit !== 0 ? placesIn(after.stderr, one, consumer) : [],
    reached: before.reached || after.reached,
  };
}

/** A consumer that allows a Node without require(esm) is held to one. */
function flagsFor({ manifests }: LaidOut): string[] {
  const allowed = manifests.get("")?.engines.node;
  const isSpared = allowed === undefined || semver.subset(allowed, REQUIRES_MODULES);
  return isSpared ? [] : ["--no-experimental-require-module"];
}

type Ended = {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly reached: boolean;
};
type Asked = {
  readonly consumer: LaidOut;
  readonly flags: readonly string[];
  readonly version: string;
};

async function run(one: UpgradeCase, { consumer, flags, version }: Asked): Promise<Ended> {
  consumer.use(version);
  const told = mkdtempSync(path.join(tmpdir(), "triaged-reached-"));
  const words = [
    "--enable-source-maps",
    "--stack-trace-limit=100",
    ...flags,
    "--import",
    HOOK,
    ...(one.run ?? []),
  ];
  const env = {
    PATH: process.env["PATH"],
    HOME: consumer.folder,
    NO_COLOR: "1",
    NODE_NO_WARNINGS: "1",
    REACHED_FOLDER: told,
  };
  const ended = await new Promise<Omit<Ended, "reached">>((resolve) => {
    const options = { cwd: consumer.folder, env, timeout: LIMIT_MS, maxBuffer: 2 ** 24 };
    execFile(process.execPath, words, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ exit: typeof code === "number" ? code : null, stdout, stderr });
    });
  });
  const reached = readdirSync(told).map((file) => readFileSync(path.join(told, file), "utf8"));
  rmSync(told, { recursive: true });
  const inside = `/node_modules/${one.package}/`;
  const isNamed = (one.run ?? []).some((word) => `/${word}`.includes(inside));
  return { ...ended, reached: isNamed || reached.some((text) => text.includes(inside)) };
}

const SAYS_MAX = 160;

/** The error, or what it prints. */
function saysOf({ exit, stdout, stderr }: Ended): string {
  const lines = stderr.split("\n");
  const error = lines.find((line) => /^(?:Uncaught )?\w*Error\b/.test(line.trim()));
  const said = exit === 0 ? stdout : (error ?? `${stdout}${stderr}`);
  return said
    .trim()
    .replaceAll(/\s+/g, " ")
    .replaceAll(/(?:file:\/\/)?\/\S*\/consumer\//g, "")
    .slice(0, SAYS_MAX);
}

/** Where an error was thrown in the consumer's own code, and what stands there. */
function placesIn(stderr: string, one: UpgradeCase, consumer: LaidOut): Place[] {
  const says = saysOf({ exit: 1, stdout: "", stderr, reached: true });
  const isOfLoading =
    /ERR_(?:REQUIRE_ESM|PACKAGE_PATH|MODULE_NOT_FOUND)|MODULE_NOT_FOUND|does not provide an export|Named export|ERR_UNSUPPORTED_DIR_IMPORT|Cannot use import statement/.test(
      stderr,
    );
  for (const { file, line, column } of framesIn(stderr, consumer.folder)) {
    const absolute = path.join(consumer.folder, file);
    if (!existsSync(path.join(one.folder, file))) return placesOfImports(one, says);
    if (isOfLoading) {
      const imported = importLine(absolute, one.package);
      const at = imported ?? line;
      const exported = /export named '([^']+)'|Named export '([^']+)'/.exec(stderr);
      const name = exported?.[1] ?? exported?.[2];
      const symbols = [...(name === undefined ? [] : [name]), one.package];
      return [{ path: file, line: at, symbols, says }];
    }
    const symbols = column === null ? [] : symbolsAt(absolute, { line, column });
    return [{ path: file, line, symbols: symbols.length > 0 ? symbols : [one.package], says }];
  }
  return [];
}

/** For what is compiled before it runs: the sources that import the package. */
function placesOfImports({ folder, package: name }: UpgradeCase, says: string): Place[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((file) => {
    const line = importLine(path.join(folder, file), name);
    return line === null || file === "case.json"
      ? []
      : [{ path: file, line, symbols: [name], says }];
  });
}

type Frame = { readonly file: string; readonly line: number; readonly column: number | null };

/** The frames of a stack that are in the consumer's own files, the innermost first. */
function framesIn(stderr: string, folder: string): Frame[] {
  const frames = stderr.split("\n").flatMap((text): Frame[] => {
    const framed = /(?:file:\/\/)?(\/[^\s():]+):(\d+):(\d+)\)?$/.exec(text);
    const headed = /^(?:file:\/\/)?(\/[^\s():]+):(\d+)$/.exec(text);
    const imported = /\bfrom (\/\S+?)(?: not supported)?\.?$/.exec(text.trim());
    if (imported?.[1] !== undefined) return [{ file: imported[1], line: 1, column: null }];
    const [, file, line, column] = framed ?? headed ?? [];
    if (file === undefined) return [];
    return [{ file, line: Number(line), column: column === undefined ? null : Number(column) }];
  });
  const own = frames
    .filter(({ file }) => file.startsWith(`${folder}/`) && !file.includes("/node_modules/"))
    .filter(({ file }) => existsSync(fileURLToPath(`file://${file}`)))
    .map((frame) => ({ ...frame, file: path.relative(folder, frame.file) }));
  // A frame with a column tells more than the header above it.
  return own.toSorted(
    (left, right) => Number(left.column === null) - Number(right.column === null),
  );
}
