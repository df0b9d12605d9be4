import { createHash } from "node:crypto";
import { type Dirent, readdirSync, realpathSync } from "node:fs";
import { join, posix } from "node:path";
import {
  isCode,
  isComponent,
  isData,
  isDockerfile,
  isEnvFile,
  isLockfile,
  isScript,
  isShell,
  isTsconfig,
} from "../facts/file-kinds.ts";
import { LIMITS } from "../facts/limits.ts";
import { Fence } from "../reading/fence.ts";
import { jsonObjectIn, textsOf } from "./settings-values.ts";

/** A file of the consumer and its text; the path is relative to the root, with slashes. */
export type ConsumerFile = { readonly path: string; readonly text: string };

/** What a consumer says about a package that it uses. Lists are sorted by path. */
export type ConsumerTree = {
  readonly root: string;
  /** JavaScript and TypeScript, also that of components (`.vue`, `.svelte` and the like). */
  readonly sources: readonly ConsumerFile[];
  /** package.json files. */
  readonly manifests: readonly ConsumerFile[];
  /** tsconfig.json files, jsconfig.json files, and those like `tsconfig.app.json`. */
  readonly tsconfigs: readonly ConsumerFile[];
  /** What else can name a package: settings of tools, shell scripts, workflows, style sheets. */
  readonly settings: readonly ConsumerFile[];
  /** sha256 over paths and contents of all of them. */
  readonly sha: string;
  readonly capsHit: readonly string[];
};

const SKIPPED_FOLDERS = new Set(["node_modules", "dist", "coverage"]);

/** Hidden folders that tools write. All others may hold settings: `.github`, `.husky`, `.storybook`. */
const WRITTEN_BY_TOOLS = new Set(
  (
    ".git .hg .svn .next .nuxt .output .svelte-kit .astro .angular .docusaurus .cache .parcel-cache " +
    ".turbo .nx .yarn .pnpm-store .pnpm .vercel .netlify .serverless .nyc_output .idea .vs .venv"
  ).split(" "),
);

/**
 * Read a consumer's tree, without what is installed or built. Symbolic links are not
 * followed: they may lead out of the tree or round in circles.
 */
export function readConsumerTree(root: string): ConsumerTree {
  const reader = new TreeReader(root);
  const choice = { enters: mayHoldSettings, takes: canNamePackage };
  for (const path of walk(root, "", choice)) {
    if (reader.isFull) break;
    reader.read(path);
  }
  const { files, sha, capsHit } = reader.result();
  const named = new Set(files.flatMap(projectsNamedIn));
  const isProject = ({ path }: ConsumerFile): boolean =>
    isTsconfig(path) || (named.has(path) && path.endsWith(".json") && !isManifest(path));
  return {
    root,
    sources: files.filter(({ path }) => isSource(path)),
    manifests: files.filter(({ path }) => isManifest(path)),
    tsconfigs: files.filter(isProject),
    settings: files.filter(
      (file) => !isSource(file.path) && !isManifest(file.path) && !isProject(file),
    ),
    sha,
    capsHit,
  };
}

/**
 * `config/build.json` of `tsc -p config/build.json`: as scripts of a manifest name it from their own
 * folder, and commands of workflows, Makefiles, images and shells from theirs, from the root, or
 * from a folder that the file goes to.
 */
function projectsNamedIn(file: ConsumerFile): string[] {
  const { path, text } = file;
  const isSettled = isManifest(path);
  if (!isSettled && !(holdsCommands(path) && COMPILES.test(text))) return [];
  const lines = isSettled
    ? textsOf(jsonObjectIn(text)?.["scripts"]).map(([, script]) => script)
    : text.split("\n");
  const named = lines
    .flatMap((line) => line.split(/[&|;]+/))
    .filter((command) => COMPILES.test(command))
    .flatMap((command) => {
      const words = command.trim().split(/[\s='"]+/);
      return words.filter((_, index) => PROJECT_FLAGS.has(words[index - 1] ?? ""));
    });
  if (named.length === 0) return [];
  const own = posix.dirname(path);
  const folders = [...text.matchAll(GOES_TO)].map(([, folder = ""]) => folder);
  const starts = new Set([own, ...(isSettled ? [] : ["."])]);
  const reached = [...starts].flatMap((from) => [
    from,
    ...folders.slice(0, FOLDERS_MAX).map((folder) => posix.join(from, folder)),
  ]);
  return named.flatMap((name) => reached.map((folder) => posix.join(folder, name)));
}

function holdsCommands(path: string): boolean {
  const isWorkflow = /(?:^|\/)\.(?:github|gitlab|circleci|forgejo|gitea)[/-]|azure-pipelines/.test(
    path,
  );
  return (
    isWorkflow || isShell(path) || isDockerfile(path) || COMMANDS.test(path) || HOOK.test(path)
  );
}

const HOOK = /(?:^|\/)\.husky\//;
/** `cd web`, `working-directory: web`, `make -C web`. */
const GOES_TO =
  /(?:\bcd\s|\bworking-directory:|\s-C\s|\bWORKDIR\s)\s{0,8}["']?([\w.][\w./-]{0,200})/g;
const FOLDERS_MAX = 50;
const COMPILES = /\b(?:tsc|vue-tsc|svelte-check|tspc|tsd|ts-node|typedoc|tsc-watch|tsup|rollup)\b/;
const PROJECT_FLAGS = new Set(["-p", "--project", "-b", "--build", "-P", "--tsconfig"]);

function isSource(path: string): boolean {
  return isScript(path) || isComponent(path);
}

function isManifest(path: string): boolean {
  return posix.basename(path) === "package.json";
}

function mayHoldSettings({ name }: Dirent): boolean {
  return !SKIPPED_FOLDERS.has(name) && !WRITTEN_BY_TOOLS.has(name);
}

const STYLE = /\.(?:css|pcss|postcss|scss|sass|less|styl)$/i;
/** Pages that a server fills in, and languages that become JavaScript. */
const OTHER_CODE =
  /\.(?:ejs|pug|hbs|handlebars|njk|liquid|twig|erb|gypi?|coffee|litcoffee|civet|res|ls)$/i;

export function isOtherCode(path: string): boolean {
  return OTHER_CODE.test(path);
}

const COMMANDS =
  /(?:^|\/)(?:GNUmakefile|Taskfile|Earthfile|Jenkinsfile|[\w.-]+\.(?:mk|fish|bat|cmd))$/;

function canNamePackage(path: string): boolean {
  const isNamedForTool = posix.basename(path).startsWith(".") || /(?:^|\/)\.husky\//.test(path);
  return (
    isScript(path) ||
    isComponent(path) ||
    (isData(path) || /\.json[5c]$/.test(path)
      ? !isLockfile(path)
      : isShell(path) ||
        isDockerfile(path) ||
        STYLE.test(path) ||
        isOtherCode(path) ||
        COMMANDS.test(path) ||
        (isNamedForTool && !isEnvFile(path)))
  );
}

/** What a consumer says about a service that it uses: code, settings and how it is deployed. */
export type TextTree = {
  /** Sorted by path; paths are relative to the root, with slashes. */
  readonly files: readonly ConsumerFile[];
  /** Of the files that the relationship names, those that are there. */
  readonly interfaceFiles: readonly string[];
  /** sha256 over paths and contents of all of them. */
  readonly sha: string;
  readonly capsHit: readonly string[];
};

/** What is installed, built or recorded by tools. */
const UNSEARCHED_FOLDERS = new Set(
  "node_modules dist build coverage vendor target venv site-packages __pycache__".split(" "),
);

/** Hidden folders that say how a repository is built and deployed. */
const SHOWN = new Set([".github", ".gitlab", ".circleci", ".devcontainer", ".docker"]);

/**
 * Read the texts of a consumer's tree, those that the relationship names first, so that caps
 * cut off others. Symbolic links are not followed: they may lead out of the tree.
 */
export function readTextTree(root: string, interfaceFiles: readonly string[]): TextTree {
  const real = realpathSync(root);
  const reader = new TreeReader(real);
  const named = interfaceFiles.map((path) => posix.normalize(path));
  const present = named.filter((path) => reader.read(path));
  const choice = { enters: mayBeDeployed, takes: canNameService };
  for (const path of walk(real, "", choice)) {
    if (reader.isFull) break;
    reader.read(path);
  }
  return { ...reader.result(), interfaceFiles: [...new Set(present)].toSorted() };
}

function mayBeDeployed({ name }: Dirent): boolean {
  return SHOWN.has(name) || (!UNSEARCHED_FOLDERS.has(name) && !name.startsWith("."));
}

/** Prose is left out: that a README names a service is no use of it. */
function canNameService(path: string): boolean {
  return isCode(path) || isData(path) || isEnvFile(path) || isDockerfile(path) || isShell(path);
}

type Choice = {
  enters(folder: Dirent): boolean;
  takes(path: string): boolean;
};

function* walk(root: string, folder: string, choice: Choice): Generator<string> {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (choice.enters(entry)) yield* walk(root, path, choice);
    } else if (entry.isFile() && choice.takes(path)) {
      yield path;
    }
  }
}

/** Reads texts of one tree, within the caps of one analysis. */
class TreeReader {
  readonly #root: string;
  readonly #fence: Fence;
  readonly #files = new Map<string, ConsumerFile>();
  readonly #capsHit = new Set<string>();
  #bytes = 0;

  constructor(root: string) {
    this.#root = root;
    this.#fence = new Fence([root], { bytesMax: LIMITS.fileBytesMax });
  }

  get isFull(): boolean {
    return this.#capsHit.has("files") || this.#capsHit.has("tree_bytes");
  }

  /** Whether the file is a text, and part of the tree's texts from here on. */
  read(path: string): boolean {
    if (this.#files.has(path)) return true;
    const size = this.#fence.sizeOf(join(this.#root, path));
    if (size === undefined) return false;
    if (size > LIMITS.fileBytesMax) {
      this.#capsHit.add("file_bytes");
      return false;
    }
    if (this.#files.size >= LIMITS.filesMax) this.#capsHit.add("files");
    if (this.#bytes + size > LIMITS.treeBytesMax) this.#capsHit.add("tree_bytes");
    if (this.isFull) return false;
    const text = this.#fence.readFile(join(this.#root, path));
    if (text === undefined || text.includes("\0")) return false;
    this.#bytes += size;
    this.#files.set(path, { path, text });
    return true;
  }

  result(): Pick<TextTree, "files" | "sha" | "capsHit"> {
    const files = [...this.#files.values()].toSorted((left, right) =>
      left.path < right.path ? -1 : 1,
    );
    const hash = createHash("sha256");
    for (const { path, text } of files) hash.update(`${path}\0${text.length}\0${text}\0`);
    return {
      files,
      sha: `sha256:${hash.digest("hex")}`,
      capsHit: [...this.#capsHit].toSorted(),
    };
  }
}
