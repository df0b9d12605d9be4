import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Of a repository of an adversary who has little time: minutes of chaos, on two cores. */
const FILES = 2_000;
const DEPTH = 150;
const TEXT_LENGTH = 20_000;

export type HostileRepositories = {
  /** For GITHUB_CLONE_BASE. */
  readonly cloneBase: string;
  readonly source: string;
  readonly consumer: string;
  /** Of the source, each a change of the one before. */
  readonly commits: readonly string[];
};

/** Make them below `folder`, by git's own import: no work tree would hold such names. */
export async function makeHostileRepositories(folder: string): Promise<HostileRepositories> {
  const [source, consumer] = ["hostile/source", "hostile/consumer"];
  const commits = await makeRepository(path.join(folder, source), [1, 2, 3, 4].map(filesOf));
  await makeRepository(path.join(folder, consumer), [filesOf(0)]);
  return { cloneBase: `file://${folder}`, source, consumer, commits };
}

type Files = ReadonlyMap<string, readonly [mode: string, text: string]>;

/** Many files, deep ones, odd names, links out of the tree, text that slow patterns choke on. */
function filesOf(version: number): Files {
  const odd = ["-rf", "a\nb", "a\tb", 'a"b', "a b", "%00", "🙂", "CON", "x".repeat(250), "$(id)"];
  return new Map<string, readonly [string, string]>([
    ...Array.from({ length: FILES }, (_, place) => {
      return [
        `many/${place % 50}/${place}.ts`,
        plain(`export const a = ${place + version};\n`),
      ] as const;
    }),
    [`${"d/".repeat(DEPTH)}deep.ts`, plain(`export const deep = ${version};\n`)],
    ...odd.map((name) => [`odd/${name}`, plain(`${version}\n`)] as const),
    [
      "package.json",
      plain(`{ "name": "source", "version": "${version}.0.0", "main": "../../etc/passwd" }`),
    ],
    ["tsconfig.json", plain('{ "extends": "./tsconfig.json", "files": ["/etc/passwd"] }')],
    ["docker-compose.yml", plain("? ".repeat(40) + "\n")],
    ["src/newlines.ts", plain("\n".repeat(TEXT_LENGTH))],
    ["src/digits.ts", plain(`app.get("/v${"1".repeat(TEXT_LENGTH)}x${version}`)],
    ["src/brackets.ts", plain("(".repeat(2_000) + version)],
    ["openapi.json", plain(`${'{"a":'.repeat(500)}${version}${"}".repeat(500)}`)],
    [".env", plain("A=".repeat(TEXT_LENGTH) + version)],
    ["link", ["120000", "/etc/passwd"]],
    ["loop", ["120000", "loop"]],
  ]);
}

function plain(text: string): readonly [string, string] {
  return ["100644", text];
}

/** Resolves to the ids of the commits. */
async function makeRepository(folder: string, versions: readonly Files[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  await git(folder, "init", "--quiet", "--initial-branch=main");
  await fastImport(folder, versions.map(commandsOf).join(""));
  const log = await git(folder, "log", "--reverse", "--format=%H", "main");
  return log.trim().split("\n");
}

function commandsOf(files: Files, place: number): string {
  const message = `feat!: ${"#1 @all ".repeat(50)}${place}`;
  const parent = place === 0 ? "" : `from :${place}\n`;
  const changes = [...files].map(
    ([name, [mode, text]]) =>
      `M ${mode} inline ${JSON.stringify(name)}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
  );
  return `commit refs/heads/main
mark :${place + 1}
committer Mallory <m@example.org> ${1_700_000_000 + place} +0000
data ${Buffer.byteLength(message)}
${message}
${parent}${changes.join("")}`;
}

async function git(folder: string, ...words: readonly string[]): Promise<string> {
  return (await run("git", ["-C", folder, ...words])).stdout;
}

async function fastImport(folder: string, commands: string): Promise<void> {
  const child = spawn("git", ["-C", folder, "fast-import", "--quiet"], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  child.stdin.end(commands);
  const [code] = await once(child, "exit");
  if (code !== 0) {
    throw new Error(`git fast-import ended with ${code}`);
  }
}
