import { posix } from "node:path";

/** What tools call themselves and their plugins: their settings name few packages in full. */

/** Files that are the settings of a package that is not called like them. */
const OWN_FILES: Readonly<Record<string, RegExp>> = {
  "@babel/core": /^(?:\.babelrc(?:\..+)?|babel\.config\..+)$/,
  "@biomejs/biome": /^biome\.jsonc?$/,
  "@changesets/cli": /^\.changeset\/config\.json$/,
  "@commitlint/cli": /^(?:\.commitlintrc(?:\..+)?|commitlint\.config\..+)$/,
  "@cspell/cspell": /^\.?cspell(?:\.config)?\..+$/,
  "@playwright/test": /^playwright\.config\..+$/,
  "@sveltejs/kit": /^svelte\.config\..+$/,
  "@swc/core": /^\.swcrc$/,
  husky: /^\.husky\/[\w-]+$/,
  "lint-staged": /^(?:\.lintstagedrc(?:\..+)?|lint-staged\.config\..+)$/,
  next: /^next\.config\..+$/,
  pm2: /^ecosystem\.config\..+$/,
  sass: /\.s[ac]ss$/,
  "sass-embedded": /\.s[ac]ss$/,
  "node-sass": /\.s[ac]ss$/,
  less: /\.less$/,
  stylus: /\.styl$/,
  "semantic-release": /^(?:\.releaserc(?:\..+)?|release\.config\..+)$/,
  "simple-git-hooks": /^\.?simple-git-hooks\..+$/,
  tailwindcss: /^tailwind\.config\..+$/,
  typescript: /^tsconfig(?:[.-].+)?\.json$/,
};

/** Keys of package.json that are the settings of a package that is not called like them. */
const OWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  "@babel/core": ["babel"],
  "@commitlint/cli": ["commitlint"],
  "semantic-release": ["release"],
};

/** Whether a file is the settings of a package: by where it lies and what it is called. */
export function isSettingsOf(name: string, path: string): boolean {
  const own = OWN_FILES[name];
  const file = posix.basename(path);
  const inFolder = `${posix.basename(posix.dirname(path))}/${file}`;
  if (own !== undefined) return own.test(file) || own.test(inFolder);
  const bare = name.startsWith("@") ? null : name;
  if (bare === null) return false;
  const rest = file.startsWith(".") ? file.slice(1) : file;
  if (!rest.startsWith(bare)) return false;
  const end = rest.slice(bare.length);
  return /^(?:rc(?:\..+)?|\.(?:config|conf|workspace|setup)\..+|ignore)$/.test(end)
    ? true
    : /^\.(?:jsonc?|ya?ml|toml)$/.test(end) && ROOT_SETTINGS.has(bare);
}

/** Tools whose settings are a data file of their name. */
const ROOT_SETTINGS = new Set(
  "angular cspell knip lefthook lerna nodemon nx renovate turbo typedoc vercel".split(" "),
);

/** Keys of package.json that hold the settings of a package. */
export function settingsKeysOf(name: string): readonly string[] {
  return OWN_KEYS[name] ?? [name, `${name}Config`];
}

/** What a tool calls one of its plugins in its settings. */
export type ShortName = {
  /** Whether settings, by the name of their file or their key in package.json, are of the tool. */
  readonly isFor: (settings: string) => boolean;
  readonly short: string;
};

/** Words in names of packages that a tool leaves out, and how its settings are called. */
const LEFT_OUT: readonly (readonly [words: string, tool: string])[] = [
  ["eslint-plugin", "eslint"],
  ["eslint-config", "eslint"],
  ["eslint-import-resolver", "eslint"],
  ["eslint-formatter", "eslint"],
  ["babel-plugin", "babel"],
  ["babel-preset", "babel"],
  ["stylelint-config", "stylelint"],
  ["stylelint-plugin", "stylelint"],
  ["stylelint", "stylelint"],
  ["prettier-plugin", "prettier"],
  ["prettier-config", "prettier"],
  ["commitlint-config", "commitlint"],
  ["commitlint-plugin", "commitlint"],
  ["jest-environment", "jest"],
  ["jest-runner", "jest"],
  ["jest-watch", "jest"],
  ["jest-preset", "jest"],
  ["vitest-environment", "vite"],
  ["karma", "karma"],
  ["remark", "remark"],
  ["rollup-plugin", "rollup"],
  ["rehype", "rehype"],
  ["retext", "retext"],
  ["textlint-rule", "textlint"],
  ["textlint-plugin", "textlint"],
  ["tslint-config", "tslint"],
  ["renovate-config", "renovate"],
  ["semantic-release", "release"],
  ["postcss", "postcss"],
  ["docusaurus-plugin", "docusaurus"],
  ["gulp", "gulp"],
];

/** The same within the scope that belongs to a tool: `@babel/preset-env` is `@babel/env`. */
const SCOPED: readonly (readonly [start: string, short: string, tool: string])[] = [
  ["@babel/plugin-", "@babel/", "babel"],
  ["@babel/preset-", "@babel/", "babel"],
  ["@vitest/coverage-", "", "vite"],
  ["@docusaurus/preset-", "", "docusaurus"],
  ["@docusaurus/plugin-", "", "docusaurus"],
  ["@semantic-release/", "", "release"],
  ["@rollup/plugin-", "", "rollup"],
];

/** The names that tools know a package by beside its own. */
export function shortNamesOf(name: string): ShortName[] {
  const slash = name.startsWith("@") ? name.indexOf("/") : -1;
  const scope = slash === -1 ? "" : name.slice(0, slash);
  const bare = name.slice(slash + 1);
  const found: ShortName[] = [];
  const add = (short: string, tool: string): void => {
    found.push({ short, isFor: (settings) => settings.toLowerCase().includes(tool) });
  };
  for (const [words, tool] of LEFT_OUT) {
    if (bare === words && scope !== "") add(scope, tool);
    if (bare.startsWith(`${words}-`)) {
      const rest = bare.slice(words.length + 1);
      add(scope === "" ? rest : `${scope}/${rest}`, tool);
    }
  }
  for (const [start, short, tool] of SCOPED) {
    if (name.startsWith(start)) add(short + name.slice(start.length), tool);
  }
  return found;
}
