// The consumer's compiler, with its own settings, on both versions: what it says anew.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import type { Place, Truth, UpgradeCase } from "./case.ts";
import { importLine, symbolsAt } from "./truth-places.ts";
import { type LaidOut, readManifest } from "./truth-sandbox.ts";

type Compiled = {
  readonly truth: NonNullable<Truth["compiler"]>;
  readonly at: readonly Place[];
  readonly reached: boolean;
};

const PROJECT = path.join(import.meta.dirname, "../..");
/** A consumer of TypeScript that has no settings: those of a new project for Node. */
const DEFAULT_CONFIG = {
  compilerOptions: {
    module: "nodenext",
    target: "es2022",
    jsx: "react-jsx",
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
  },
  exclude: ["node_modules"],
};

/** Null for a consumer that nobody compiles: JavaScript without settings of a compiler. */
export async function compileBoth(one: UpgradeCase, consumer: LaidOut): Promise<Compiled | null> {
  const projects = one.projects ?? projectsIn(consumer.folder);
  if (projects.length === 0) return null;
  const compiler = compilerOf(consumer);
  const before = await compile(one, { consumer, projects, compiler, version: one.from });
  const after = await compile(one, { consumer, projects, compiler, version: one.to });
  const known = new Set(before.errors.map(keyOf));
  const added = after.errors.filter((error) => !known.has(keyOf(error)));
  return {
    truth: {
      version: readManifest(compiler).version ?? "",
      command: projects.map((project) => `tsc ${argsFor(consumer, project).join(" ")}`).join("; "),
      errors_before: before.errors.length,
      errors_new: added.length,
    },
    at: added.flatMap((error) => placeOf(error, one, consumer)),
    reached: before.reached || after.reached,
  };
}

/** Its own tsconfig.json files; one is written for a consumer that has none but TypeScript. */
function projectsIn(folder: string): string[] {
  const files = sourcesIn(folder);
  const found = files.filter((file) => path.basename(file) === "tsconfig.json");
  // Settings at the root speak of all that is below them.
  if (found.includes("tsconfig.json")) return ["tsconfig.json"];
  if (found.length > 0 || !files.some((file) => /\.[cm]?tsx?$/.test(file))) return found;
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(DEFAULT_CONFIG));
  return ["tsconfig.json"];
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => !file.split(path.sep).includes("node_modules"))
    .toSorted();
}

/** The version that the consumer asks for, else the one that this project has. */
function compilerOf(consumer: LaidOut): string {
  const asked = [...consumer.manifests.values()]
    .map(({ devDependencies }) => devDependencies["typescript"])
    .find((range) => range !== undefined);
  const found = asked === undefined ? null : consumer.installed("typescript", asked);
  return found ?? path.join(PROJECT, "node_modules/typescript");
}

function argsFor({ folder }: LaidOut, project: string): string[] {
  const { config } = ts.readConfigFile(path.join(folder, project), (file) =>
    readFileSync(file, "utf8"),
  );
  const options = typeof config === "object" && config !== null ? config : {};
  return "references" in options ? ["-b", project] : ["-p", project];
}

type CompilerError = {
  readonly path: string | null;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
};

function keyOf({ path: file, line, column, code }: CompilerError): string {
  return [file, line, column, code].join(":");
}

type Asked = {
  readonly consumer: LaidOut;
  readonly projects: readonly string[];
  readonly compiler: string;
  readonly version: string;
};

async function compile(
  one: UpgradeCase,
  { consumer, projects, compiler, version }: Asked,
): Promise<{ errors: CompilerError[]; reached: boolean }> {
  consumer.use(version);
  const texts: string[] = [];
  for (const project of projects) {
    const args = argsFor(consumer, project);
    // What is above the consumer is there for dependencies of dependencies, and not for it.
    const roots = path.join(consumer.folder, "node_modules/@types");
    const own = args[0] === "-p" ? ["--typeRoots", roots] : ["--force"];
    const words = [...args, ...own, "--pretty", "false", "--listFiles"];
    texts.push(await output(path.join(compiler, "bin/tsc"), words, consumer.folder));
  }
  const lines = texts.join("\n").split("\n");
  const typesOf = `@types/${one.package.replace(/^@/, "").replace("/", "__")}`;
  return {
    errors: errorsIn(lines),
    reached: [one.package, typesOf].some((name) =>
      lines.some((line) => line.startsWith("/") && line.includes(`/node_modules/${name}/`)),
    ),
  };
}

function output(program: string, words: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...words],
      { cwd, maxBuffer: 64 * 2 ** 20 },
      (_error, stdout, stderr) => resolve(`${stdout}\n${stderr}`),
    );
  });
}

const PLACED =
  /^(?<path>[^\s(][^(]*)\((?<line>\d+),(?<column>\d+)\): error (?<code>TS\d+): (?<message>.*)$/;
const UNPLACED = /^error (?<code>TS\d+): (?<message>.*)$/;

function errorsIn(lines: readonly string[]): CompilerError[] {
  return lines.flatMap((text) => {
    const found = (PLACED.exec(text) ?? UNPLACED.exec(text))?.groups;
    if (found === undefined) return [];
    return [
      {
        path: found["path"] ?? null,
        line: Number(found["line"] ?? 0),
        column: Number(found["column"] ?? 0),
        code: found["code"] ?? "",
        message: found["message"] ?? "",
      },
    ];
  });
}

/** None for an error of which nothing in the consumer's files can be named. */
function placeOf(error: CompilerError, one: UpgradeCase, consumer: LaidOut): Place[] {
  const says = `${error.code}: ${error.message}`.replaceAll(consumer.folder, "");
  const file = error.path;
  if (file === null || file.includes("node_modules/")) {
    return sourcesIn(consumer.folder).flatMap((source) => {
      const line = importLine(path.join(consumer.folder, source), one.package);
      return line === null ? [] : [{ path: source, line, symbols: [one.package], says }];
    });
  }
  const absolute = path.join(consumer.folder, file);
  if (!existsSync(absolute)) return [];
  const symbols = symbolsAt(absolute, error);
  return [
    { path: file, line: error.line, symbols: symbols.length > 0 ? symbols : [one.package], says },
  ];
}
