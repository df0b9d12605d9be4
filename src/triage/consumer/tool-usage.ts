import { posix } from "node:path";
import ts from "typescript";
import { isComponent, isData, isDockerfile, isShell, isTest } from "../facts/file-kinds.ts";
import type { Location } from "../facts/finding.ts";
import { manifestLine } from "../sources/npm/manifest.ts";
import { type ConsumerFile, type ConsumerTree, isOtherCode } from "./consumer-files.ts";
import { afterInstalled, type ImportUse } from "./imports.ts";
import { jsonObjectIn, objectIn, stringsIn, textsOf } from "./settings-values.ts";
import type { Specifiers } from "./specifiers.ts";
import { isSettingsOf, type ShortName, settingsKeysOf, shortNamesOf } from "./tool-names.ts";

/**
 * Use of a package that is no import: commands in scripts, names in settings, style sheets. Read
 * line by line and word by word, because each tool has a format of its own, and a line is what is
 * told.
 */

type ToolFiles = Pick<ConsumerTree, "manifests" | "settings" | "sources" | "tsconfigs">;

/** Where settings name the package, or are the package's own. */
export function settingUses(
  tree: ToolFiles,
  specifiers: Specifiers,
  packageName: string,
): ImportUse[] {
  const reader = new SettingsReader(specifiers, packageName);
  return [
    ...tree.manifests.flatMap((file) => reader.manifest(file)),
    ...tree.tsconfigs.flatMap((file) => reader.tsconfig(file)),
    ...tree.settings.flatMap((file) => reader.settings(file)),
    ...tree.sources.flatMap((file) => reader.source(file)),
  ];
}

/** Parts of package.json that use nothing: what it is, what it needs, what is in it. */
const NO_USE = new Set(
  (
    "name version description keywords homepage bugs license licenses author contributors funding " +
    "maintainers files main module browser types typings exports imports man directories repository " +
    "scripts dependencies devDependencies peerDependencies peerDependenciesMeta optionalDependencies " +
    "bundleDependencies bundledDependencies overrides resolutions engines os cpu private workspaces " +
    "publishConfig packageManager pnpm catalog catalogs trustedDependencies dependenciesMeta volta " +
    "devEngines type sideEffects bin config"
  ).split(" "),
);

/** Keys of a tsconfig that are the compiler's own. */
const OF_COMPILER = new Set(
  "$schema extends compilerOptions files include exclude references watchOptions".split(" "),
);

/** Settings of what installs, updates and counts packages: to be named there is no use. */
const ABOUT_PACKAGES = new Set(
  (
    "pnpm-workspace dependabot renovate renovaterc npmrc yarnrc ncurc knip depcheckrc syncpackrc " +
    "npmpackagejsonlintrc lerna"
  ).split(" "),
);

function isAboutPackages(path: string): boolean {
  const name = posix.basename(path);
  return ABOUT_PACKAGES.has((name.startsWith(".") ? name.slice(1) : name).split(".", 1)[0] ?? "");
}

/** What separates words in a line of a shell, of JSON, YAML or TOML. */
const BETWEEN_WORDS = /[\s"'`,;:=|&()[\]{}<>]+/;

class SettingsReader {
  readonly #specifiers: Specifiers;
  readonly #package: string;
  readonly #shorts: readonly ShortName[];

  constructor(specifiers: Specifiers, packageName: string) {
    this.#specifiers = specifiers;
    this.#package = packageName;
    this.#shorts = shortNamesOf(packageName);
  }

  manifest({ path, text }: ConsumerFile): ImportUse[] {
    const fields = jsonObjectIn(text) ?? {};
    const own = settingsKeysOf(this.#package);
    const uses: ImportUse[] = [];
    for (const [key, value] of Object.entries(fields)) {
      if (NO_USE.has(key)) continue;
      const { line: keyLine } = manifestLine(text, key);
      const at = startOfLine(text, keyLine);
      if (own.includes(key)) uses.push(useAt({ path, line: keyLine }, "."));
      for (const found of stringsIn(value, { keys: true })) {
        const line = lineOf(text, text.indexOf(JSON.stringify(found), at));
        uses.push(...this.#wordsIn(found, { path, line }, key));
      }
    }
    for (const [name, script] of textsOf(fields["scripts"])) {
      const place = scriptPlace({ path, text }, name);
      uses.push(...this.#wordsIn(script, place, "scripts"), ...this.#optionsIn(script, place));
    }
    return uses;
  }

  /** `extends`, and what is seen without an import: `types`, `jsxImportSource`. */
  tsconfig({ path, text }: ConsumerFile): ImportUse[] {
    const config = objectIn(ts.parseConfigFileTextToJson(path, text).config);
    const options = objectIn(config?.["compilerOptions"]);
    const locate = (value: string): Location => ({
      path,
      line: lineOf(text, text.indexOf(JSON.stringify(value))),
    });
    const ambient = stringsIn([options?.["types"], options?.["jsxImportSource"]]);
    const named = stringsIn([config?.["extends"], options?.["plugins"]]);
    const uses = [...ambient, ...named].flatMap((value): ImportUse[] => {
      const subpath = this.#specifiers.subpathIn(path, afterInstalled(value));
      if (subpath === null) return [];
      const use = useAt(locate(value), subpath);
      return [ambient.includes(value) ? { ...use, loadedBy: "types", isAmbient: true } : use];
    });
    // What others than the compiler keep in the same file: ts-node, TypeDoc.
    const others = Object.entries(config ?? {}).flatMap(([key, value]) =>
      OF_COMPILER.has(key)
        ? []
        : stringsIn(value).flatMap((other) => this.#wordsIn(other, locate(other), key)),
    );
    const found = [...uses, ...others];
    return isSettingsOf(this.#package, path) ? [...found, useAt({ path, line: 1 }, ".")] : found;
  }

  settings(file: ConsumerFile): ImportUse[] {
    const { path, text } = file;
    const own = isSettingsOf(this.#package, path) ? [useAt({ path, line: 1 }, ".")] : [];
    if (path.endsWith("ignore")) return own;
    if (isAboutPackages(path)) return [...own, ...this.#shortNames(file)];
    if (!isForTools(path) || !this.#mayBeIn(text)) return own;
    if (STYLE.test(path)) return [...own, ...this.#styleUses(file)];
    if (isOtherCode(path)) return [...own, ...this.#loadedLines(file)];
    const found = linesOf(text).flatMap(({ line, text: words }) =>
      this.#wordsIn(words, { path, line }, path),
    );
    return [...own, ...found];
  }

  /** Of scripts the compiler tells what they load; what a page loads is in its tags. */
  source(file: ConsumerFile): ImportUse[] {
    const { path, text } = file;
    const own = isSettingsOf(this.#package, path) ? [useAt({ path, line: 1 }, ".")] : [];
    const short = isSettingsFile(path) ? this.#shortNames(file) : [];
    const told = TELLS_RUNNER.test(text) ? this.#runnerUses(file) : [];
    if (!isComponent(path) || !this.#mayBeIn(text)) return [...own, ...short, ...told];
    return [...own, ...this.#loadedLines(file), ...this.#styleUses(file)];
  }

  /** What a page loads is in its tags; other languages name it beside a word for loading. */
  #loadedLines({ path, text }: ConsumerFile): ImportUse[] {
    const isOther = isOtherCode(path);
    return linesOf(text)
      .filter((line) => line.text.includes("node_modules/") || (isOther && LOADS.test(line.text)))
      .flatMap(({ line, text: words }) => this.#wordsIn(words, { path, line }, path));
  }

  /** `@jest-environment jsdom` in a comment of a test, as its settings would say it. */
  #runnerUses({ path, text }: ConsumerFile): ImportUse[] {
    return text.split("\n").flatMap((line, index) => {
      const told = TELLS_RUNNER.exec(line);
      return told === null
        ? []
        : this.#wordsIn(line.slice(told.index + 1), { path, line: index + 1 }, ".jestrc");
    });
  }

  #mayBeIn(text: string): boolean {
    const shorts = this.#shorts.map(({ short }) => short);
    return [...this.#specifiers.names, ...shorts].some((name) => text.includes(name));
  }

  #shortNames({ path, text }: ConsumerFile): ImportUse[] {
    if (!this.#shorts.some(({ isFor }) => isFor(path))) return [];
    return linesOf(text).flatMap(({ line, text: words }) =>
      this.#wordsIn(words, { path, line }, path),
    );
  }

  /** What an option of a tool's command is given, as the tool calls it: `eslint -f pretty`. */
  #optionsIn(script: string, location: Location): ImportUse[] {
    return script.split(/&&|\|\||[;|]/).flatMap((command) => {
      const words = command.split(/[\s=]+/);
      const given = new Set(words.filter((_, index) => words[index - 1]?.startsWith("-") === true));
      return this.#shorts.some(({ short, isFor }) => given.has(short) && isFor(command))
        ? [useAt(location, ".")]
        : [];
    });
  }

  /** The package by its name, or by what the tool calls it whose settings these are. */
  #wordsIn(text: string, location: Location, settings: string): ImportUse[] {
    const words = text.split(BETWEEN_WORDS);
    const isOther = isOtherCode(location.path);
    const shorts = this.#shorts.filter(({ isFor }) => isFor(settings));
    return words.flatMap((word, index): ImportUse[] => {
      const plain = afterInstalled(word.replace(/^[~!]+/, ""));
      const bare = withoutVersion(plain);
      const subpath = this.#specifiers.subpathIn(location.path, bare);
      const isTelling = /[@/-]/.test(bare) || plain !== word || isSettingsFile(settings);
      const before = words[index - 1] ?? "";
      const isOption =
        before.startsWith("-") || before === "npm" || (isOther && LOADS.test(before));
      if (subpath !== null && (isTelling || isOption)) return [useAt(location, subpath)];
      const isShort = shorts.some(({ short }) => bare === short || bare.startsWith(`${short}/`));
      return isShort ? [useAt(location, ".")] : [];
    });
  }

  /** `@import "p/a.css"`, `@use`, `@plugin` and the like, and `url(~p/a.png)`. */
  #styleUses({ path, text }: ConsumerFile): ImportUse[] {
    return linesOf(text)
      .filter((line) =>
        /@(?:import|use|forward|plugin|config|reference|require)\b|url\(/.test(line.text),
      )
      .flatMap(({ line, text: words }) =>
        words.split(/[\s"'()]+/).flatMap((word): ImportUse[] => {
          const bare = afterInstalled(word.replace(/^~/, "").replace(/;$/, ""));
          const subpath = this.#specifiers.subpathIn(path, bare);
          return subpath === null ? [] : [useAt({ path, line }, subpath)];
        }),
      );
  }
}

const TELLS_RUNNER = /@(?:jest|vitest)-environment\s/;
const LOADS = /\b(?:require|import|from|module)\b/;
const STYLE = /\.(?:css|pcss|postcss|scss|sass|less|styl)$/i;

/** Data files of tools that are called like the tool, or like what it works on. */
const TOOL_DATA = new Set(
  (
    "angular api-extractor app biome cspell deno expo firebase jasmine jsdoc karma lefthook nest-cli " +
    "ng-package nodemon nx project serverless tslint tsup turbo typedoc vercel wdio"
  ).split(" "),
);

/** Whether a file is written for tools: to be named in other data is no use. */
function isForTools(path: string): boolean {
  if (isTest(path)) return false;
  const isHidden = path.split("/").some((part) => part.startsWith("."));
  if (isHidden || isSettingsFile(path) || !isData(path)) return true;
  return /\.ya?ml$/i.test(path) || TOOL_DATA.has(posix.basename(path).split(".", 1)[0] ?? "");
}

/** Whether each word of a file, or of a key of package.json, is said to a tool. */
function isSettingsFile(settings: string): boolean {
  const name = posix.basename(settings);
  return (
    name.startsWith(".") ||
    /(?:rc|bunfig|[.-](?:config|conf))(?:\.[cm]?[jt]s|\.json[5c]?|\.ya?ml|\.toml)?$/i.test(name) ||
    // A key of package.json: there is no other reason for one.
    (!settings.includes("/") && !name.includes(".") && !isShell(name) && !isDockerfile(name))
  );
}

/** `p@1.2.3` and `p@latest`, as npx and npm install take them. */
function withoutVersion(word: string): string {
  const at = word.lastIndexOf("@");
  return at > 0 ? word.slice(0, at) : word;
}

function useAt({ path, line }: Location, subpath: string): ImportUse {
  return { path, line, subpath, name: "", loadedBy: "setting" };
}

/** A command that the consumer runs. */
type CommandUse = Location & { readonly command: string };

/**
 * Where a command is run: as a whole word of a script in package.json, so that `retry` is not found in
 * `retry-all`; elsewhere as the first word of a command, or behind `npx` and the like.
 */
export function commandUses(
  { manifests, settings, sources }: Pick<ConsumerTree, "manifests" | "settings" | "sources">,
  commands: readonly string[],
): CommandUse[] {
  if (commands.length === 0) return [];
  const wanted = new Set(commands);
  const inScripts = manifests.flatMap((file) =>
    textsOf(jsonObjectIn(file.text)?.["scripts"]).flatMap(([name, script]) =>
      script
        .split(/[\s;&|()"'`]+/)
        .map(commandName)
        .filter((word) => wanted.has(word))
        .map((command) => ({ command, ...scriptPlace(file, name) })),
    ),
  );
  const inKeys = manifests.flatMap(({ path, text }) =>
    Object.entries(jsonObjectIn(text) ?? {})
      .filter(([key]) => !NO_USE.has(key))
      .flatMap(([key, values]) => {
        const at = startOfLine(text, manifestLine(text, key).line);
        return stringsIn(values).flatMap((value) =>
          startedIn(value)
            .filter((word) => wanted.has(word))
            .map((command) => ({
              path,
              line: lineOf(text, text.indexOf(JSON.stringify(value), at)),
              command,
            })),
        );
      }),
  );
  const inFiles = settings
    .filter(({ path }) => isForTools(path) && !STYLE.test(path) && !isAboutPackages(path))
    .filter(({ text }) => commands.some((command) => text.includes(command)))
    .flatMap(({ path, text }) =>
      linesOf(text).flatMap(({ line, text: words }) =>
        startedIn(words)
          .filter((word) => wanted.has(word))
          .map((command) => ({ path, line, command })),
      ),
    );
  const inCode = sources
    .filter(({ text }) => commands.some((command) => text.includes(command)))
    .flatMap(({ path, text }) =>
      linesOf(text)
        .filter((line) => STARTS_COMMANDS.test(line.text) || IS_FOR_HOOKS.test(path))
        .flatMap(({ line, text: words }) =>
          startedIn(words)
            .filter((word) => wanted.has(word))
            .map((command) => ({ path, line, command })),
        ),
    );
  return [...inScripts, ...inKeys, ...inFiles, ...inCode];
}

/** Calls of code that start a command: of Node, execa, zx and shelljs. */
const STARTS_COMMANDS =
  /\b(?:exec|execSync|execFile|execFileSync|spawn|spawnSync|execa|execaSync|execaCommand)\(|\$`/;
/** Settings as code whose texts are commands. */
const IS_FOR_HOOKS =
  /(?:^|\/)\.?(?:lint-?staged|nano-staged|simple-git-hooks)(?:rc)?(?:\.config)?\.[cm]?[jt]s$/;

/** What stands before a command, and is none. */
const BEFORE_COMMAND =
  /^(?:-+|@|run:|RUN|CMD|ENTRYPOINT|entry:|command:|script:|exec|dlx|npx|bunx|pnpx|yarn|pnpm|bun|npm|x|run|sudo|time|env|cross-env|then|do|if|!|--?\w[\w-]*|\w+=\S*|\S+:)$/;

/** The commands that a line starts: also in each of its quoted texts that is no key. */
function startedIn(line: string): string[] {
  const quoted = [...line.matchAll(/"([^"]*)"(\s*:)?|'([^']*)'(\s*:)?|`([^`]*)`/g)].flatMap(
    ([, double, isKey, single, isKeyToo, back]) =>
      isKey === undefined && isKeyToo === undefined ? [double ?? single ?? back ?? ""] : [],
  );
  return [line, ...quoted].flatMap((text) =>
    text.split(/&&|\|\||[;|]|\$\(/).flatMap((part) => {
      const words = part.split(/[\s,[\]{}()]+/);
      const first = words.find((word) => word !== "" && !BEFORE_COMMAND.test(word));
      return first === undefined ? [] : [commandName(first)];
    }),
  );
}

/** A command without the path to where npm installs it, and without a version. */
function commandName(word: string): string {
  const folder = "node_modules/.bin/";
  const at = word.lastIndexOf(folder);
  return withoutVersion(at === -1 ? word : word.slice(at + folder.length));
}

function scriptPlace({ path, text }: ConsumerFile, name: string): Location {
  const scripts = Math.max(text.indexOf('"scripts"'), 0);
  return { path, line: lineOf(text, text.indexOf(JSON.stringify(name), scripts)) };
}

function lineOf(text: string, at: number): number {
  return text.slice(0, Math.max(at, 0)).split("\n").length;
}

function startOfLine(text: string, line: number): number {
  let at = 0;
  for (let left = line - 1; left > 0; left--) at = text.indexOf("\n", at) + 1;
  return at;
}

/** Characters of a line that are looked at. */
const LINE_CHARS_MAX = 2_000;

const COMMENTS = ["#", "//", "*", "/*", "<!--"];

/** The lines of a file that are no comments, numbered from 1. */
function linesOf(text: string): { readonly line: number; readonly text: string }[] {
  return text
    .split("\n")
    .map((line, index) => ({ line: index + 1, text: line.slice(0, LINE_CHARS_MAX) }))
    .filter((line) => !COMMENTS.some((mark) => line.text.trimStart().startsWith(mark)));
}
