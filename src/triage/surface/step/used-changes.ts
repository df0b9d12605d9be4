import { EventEmitter } from "node:events";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import ts from "typescript";
import {
  type Finding,
  type Found,
  finding,
  type Location,
  sortedLocations,
} from "../../facts/finding.ts";
import type { ModuleLoad } from "../../facts/module-load.ts";
import type { PackageUse } from "../../facts/package-use.ts";
import type { PackagePair } from "../../sources/npm/installed.ts";
import { manifestLine, type PackageTree } from "../../sources/npm/manifest.ts";
import { type LoadedFile, resolveLoad } from "../../sources/npm/node-loading.ts";
import { announcedChanges } from "../../sources/npm/release-notes.ts";
import { type ExportedValue, exportedValues } from "../defaults/exported-values.ts";
import { ModuleFiles } from "../defaults/module-files.ts";
import { type ModuleShape, ModuleShapes } from "../loading/module-shape.ts";
import { codeBehind } from "../loading/runtime-code.ts";
import {
  announcements,
  type BareCalls,
  callbacksRequired,
  olderWays,
  plainAnnouncements,
  refusals,
} from "./announcements.ts";
import { type CodeWords, codeWords } from "./code-words.ts";
import { changedOptions, type DefaultOptions, defaultOptions } from "./default-options.ts";
import { leadsTo, onlyChanges } from "./only-change.ts";
import { type Callable, changeForCall, changeForNew } from "./parameters.ts";

/** What of a major, for which nothing gives a reason, is seen at what a consumer uses. */
export type UsedChanges = {
  readonly found: readonly Found[];
  /** What cannot be told from the files of both versions, for people; empty for nothing. */
  readonly unknown: readonly string[];
  /** The uses that it cannot be told of. */
  readonly unknownAt: readonly Location[];
  /** What the consumer calls it at the first of them; null where that is no name of its own. */
  readonly unknownAs: string | null;
  /** Whether the notes of the release give reasons, of Node, formats and types alone. */
  readonly isOfPlatformAlone: boolean;
};

/** How the consumer uses the package. */
type Using = {
  readonly loads: readonly ModuleLoad[];
  readonly uses: readonly PackageUse[];
  readonly node: string | null;
  readonly bareCalls: BareCalls;
  /** Whether the compiler compared what both versions declare, and the consumer with it. */
  readonly isTyped: boolean;
  /** Whether the major has a reason already. */
  readonly isExplained: boolean;
};

/**
 * Compare two versions by all that their files show of what a consumer uses: members, parameters,
 * options, and what notes and errors say of them. Null where the files are too many to tell.
 */
export function usedChanges(pair: PackagePair, using: Using): UsedChanges | null {
  const before = Version.read(pair.from, using);
  const after = Version.read(pair.to, using);
  if (before === null || after === null) return null;
  const comparison = new UseComparison(pair, { before, after });
  const uses = using.uses.filter((use) => before.loadOf(use) !== null);
  // What the compiler sees it has compared, with the types of the consumer's own values.
  const changes = using.isTyped ? [] : uses.flatMap((use) => comparison.changesOf(use));
  const announced = announcedChanges(pair);
  const unknown = using.isTyped ? [] : uses.filter((use) => comparison.unknownOf(use).length > 0);
  const calls = unknown.filter(({ call }) => call !== null);
  const found = [
    ...changes.map((change) => foundOf(pair, change)),
    ...comparison.said(uses, announced, using),
    ...comparison.defaults(uses),
  ];
  const isOpen = found.length === 0 && !using.isExplained;
  return {
    found: merged(isOpen ? comparison.onlyChange(uses) : found),
    unknown: [...new Set(unknown.flatMap((use) => comparison.unknownOf(use)))],
    unknownAt: sortedLocations(calls.length > 0 ? calls : unknown),
    unknownAs: calls[0] === undefined ? null : before.writtenAt(calls[0]),
    isOfPlatformAlone: announced?.isOfPlatformAlone ?? false,
  };
}

/** One version, as far as the consumer's loads reach it. */
class Version {
  readonly words: CodeWords;
  readonly defaults: DefaultOptions;
  readonly code: ReadonlyMap<string, string>;
  readonly #tree: PackageTree;
  readonly #using: Using;
  readonly #shapes: ModuleShapes;
  readonly #files: ModuleFiles;
  readonly #values = new Map<string, ReadonlyMap<string, ExportedValue>>();

  private constructor(tree: PackageTree, using: Using, code: ReadonlyMap<string, string>) {
    this.#tree = tree;
    this.#using = using;
    this.code = code;
    this.words = codeWords(code.values());
    this.defaults = defaultOptions(code);
    this.#shapes = new ModuleShapes(tree);
    this.#files = new ModuleFiles(tree);
  }

  static read(tree: PackageTree, using: Using): Version | null {
    const code = codeBehind(tree, using.loads);
    return code === null ? null : new Version(tree, using, code);
  }

  loadOf({ path, subpath }: PackageUse): ModuleLoad | null {
    return this.#using.loads.find((load) => load.path === path && load.subpath === subpath) ?? null;
  }

  /** What the consumer calls it where it uses it; null where it loads no value by a name. */
  writtenAt({ path, line }: PackageUse): string | null {
    const here = this.#using.loads.filter((load) => load.path === path && load.line === line);
    return here.find(({ written }) => written !== undefined)?.written ?? null;
  }

  shapeFor(use: PackageUse): ModuleShape | null {
    const file = this.#fileFor(use);
    return file === null ? null : this.#shapes.shapeOf(file);
  }

  /** The function or class that a use calls, where the files show it. */
  valueFor(use: PackageUse): Callable | null {
    const { name, isResult, member } = use;
    const file = this.#fileFor(use);
    if (file === null) return null;
    const values = this.#valuesOf(file.path);
    const isOfModule = isWhole(use);
    if (!isResult && isOfModule) return values.get(member ?? "default") ?? null;
    // `Cookie.parse()` calls no `Cookie`.
    if (!isResult) return member === null ? (values.get(name) ?? null) : null;
    const owner = values.get(name === "*" ? "default" : name);
    return owner === undefined || member === null ? null : methodOf(owner, member);
  }

  #fileFor(use: PackageUse): LoadedFile | null {
    const load = this.loadOf(use);
    if (load === null) return null;
    return resolveLoad(this.#tree, load.subpath, { by: load.by, node: this.#using.node }).file;
  }

  #valuesOf(path: string): ReadonlyMap<string, ExportedValue> {
    const known = this.#values.get(path);
    if (known !== undefined) return known;
    const entry = this.#files.resolve(join(this.#tree.directory, "package.json"), `./${path}`);
    const values = entry === null ? new Map() : exportedValues(this.#files, entry);
    this.#values.set(path, values);
    return values;
  }
}

/** A method of a class; other values show none. */
function methodOf(owner: ExportedValue, name: string): Callable | null {
  if (!ts.isClassLike(owner)) return null;
  const methods = owner.members.filter((one) => ts.isMethodDeclaration(one));
  return methods.find((one) => ts.isIdentifier(one.name) && one.name.text === name) ?? null;
}

type Change = Pick<Finding, "rule" | "subject" | "before" | "after"> & {
  readonly own?: string | null;
  readonly uses: readonly Location[];
};

class UseComparison {
  readonly #pair: PackagePair;
  readonly #before: Version;
  readonly #after: Version;

  constructor(pair: PackagePair, versions: { readonly before: Version; readonly after: Version }) {
    this.#pair = pair;
    this.#before = versions.before;
    this.#after = versions.after;
  }

  changesOf(use: PackageUse): Change[] {
    return [this.#member(use), this.#parameters(use), ...this.#options(use)].filter(
      (change) => change !== null,
    );
  }

  /** What cannot be told of a use, in words. */
  unknownOf(use: PackageUse): string[] {
    if (use.isResult) return [];
    const shapes = [this.#before.shapeFor(use), this.#after.shapeFor(use)];
    if (isWhole(use) && use.member === null) {
      return shapes.some((shape) => shape?.whole === "unknown") ? ["what it exports"] : [];
    }
    const name = isWhole(use) ? (use.member ?? "") : use.name;
    const isKnown = shapes.every((shape) => shape?.names?.has(name) || shape?.members?.has(name));
    const isNamed = this.#before.words.named.has(name) || this.#after.words.named.has(name);
    return isKnown || isNamed || name === "" || name in Function.prototype
      ? []
      : [`what \`${name}\` is`];
  }

  /** A member that the old code gave its name, and that is nowhere in the new one. */
  #member(use: PackageUse): Change | null {
    const { member, isResult } = use;
    if (member === null) return null;
    if (member === "") return isResult || !isWhole(use) ? null : this.#anyMember(use);
    const isOfLanguage = isResult ? LANGUAGE.has(member) : member in Function.prototype;
    const { members } = this.#before.words;
    const kept = isResult ? this.#after.words.named : this.#after.words.members;
    const isGone = members.has(member) && !kept.has(member);
    if (!isGone || isOfLanguage) return null;
    const owner = isResult || isWhole(use) ? "" : `${use.name}.`;
    return {
      rule: "js.member_removed",
      subject: owner + member,
      before: member,
      after: null,
      uses: [use],
    };
  }

  /** A member by a key that is worked out: any that is gone may be the one. */
  #anyMember(use: PackageUse): Change | null {
    const [before, after] = [this.#before.shapeFor(use), this.#after.shapeFor(use)];
    const [old, now] = [before?.members ?? null, after?.members ?? null];
    if (old !== null && now !== null && [...old].every((name) => now.has(name))) return null;
    const subject = this.#pair.to.manifest.name;
    return { rule: "js.member_unknown", subject, before: null, after: null, uses: [use] };
  }

  #parameters(use: PackageUse): Change | null {
    if (use.call === null) return null;
    const before = this.#before.valueFor(use);
    const after = this.#after.valueFor(use);
    if (before === null || after === null) return null;
    const subject = nameOf(this.#pair, use);
    const byNew = changeForNew(before, after, use.call);
    if (byNew !== null) {
      const own = this.#before.writtenAt(use);
      return { rule: "js.new_changed", subject, own, ...byNew, uses: [use] };
    }
    const changed = changeForCall(before, after, use.call);
    if (changed === null) return null;
    return { rule: "js.parameters_changed", subject, ...changed, uses: [use] };
  }

  /** Options that the old code named, and that are nowhere in the new one. */
  #options(use: PackageUse): Change[] {
    return (use.call?.options ?? [])
      .filter((option) => option.length >= OPTION_MIN)
      .filter(
        (option) => this.#before.words.named.has(option) && !this.#after.words.named.has(option),
      )
      .map((option) => ({
        rule: "js.option_removed",
        subject: option,
        before: option,
        after: null,
        uses: [use],
      }));
  }

  /** Options that nobody here sets, and that start otherwise, for all who call the package. */
  defaults(uses: readonly PackageUse[]): Found[] {
    const set = new Set(uses.flatMap(({ call }) => call?.options ?? []));
    const calls = uses.filter(({ call, isResult }) => call !== null && !isResult);
    if (calls.length === 0) return [];
    const isNamed = (name: string) => this.#after.words.named.has(name);
    const members = new Set(
      uses.flatMap(({ call, member }) => (call === null ? [] : (member ?? []))),
    );
    const changed = changedOptions(this.#before.defaults, this.#after.defaults, {
      isNamed,
      isUsed: (name) => [...members].some((member) => isOptionOf(name, member)),
    });
    return [
      ...changed
        .filter(({ name }) => !set.has(name))
        .map(({ name, before, after }) => ({ subject: name, before, after, uses: calls })),
      ...calls.flatMap((use) => this.#switches(use)),
    ].map((change) =>
      foundOf(this.#pair, {
        rule: "js.default_changed",
        own: this.#calledAt(change.uses),
        ...change,
      }),
    );
  }

  /** Parameters that the old code does not know, and that are on where nothing is given. */
  #switches(use: PackageUse) {
    const { count } = use.call ?? { count: null };
    const called = use.member ?? use.name;
    return this.#after.words.switches
      .filter(({ name, of }) => of === called && !this.#before.words.named.has(name))
      .filter(({ index }) => count !== null && count <= index)
      .map(({ name }) => ({ subject: name, before: null, after: "true", uses: [use] }));
  }

  /** The one thing that differs in all of the code, where what is called leads to it. */
  onlyChange(uses: readonly PackageUse[]): Found[] {
    const changes = onlyChanges(this.#before.code, this.#after.code);
    if (changes.length === 0) return [];
    return uses.flatMap((use) => {
      if (use.call === null || use.isResult) return [];
      const value = this.#after.valueFor(use);
      const own = nameOf(this.#pair, use);
      const met = changes.find(
        ({ name }) => name === own || (value !== null && leadsTo(value, name, this.#after.code)),
      );
      if (met === undefined) return [];
      const { name, before, after } = met;
      return [
        foundOf(this.#pair, {
          rule: "js.only_change",
          subject: name,
          own,
          before,
          after,
          uses: [use],
        }),
      ];
    });
  }

  #calledAt([first]: readonly PackageUse[]): string | null {
    return first === undefined ? null : nameOf(this.#pair, first);
  }

  /** What the new version says of what is used. */
  said(
    uses: readonly PackageUse[],
    announced: ReturnType<typeof announcedChanges>,
    { bareCalls, isExplained }: Pick<Using, "bareCalls" | "isExplained">,
  ): Found[] {
    const packageName = this.#pair.to.manifest.name;
    const facts = { packageName, before: this.#before.words, after: this.#after.words };
    const refused = [...refusals(uses, facts), ...callbacksRequired(facts, bareCalls)];
    const read = isExplained ? plainAnnouncements : announcements;
    const told = read(announced?.lines ?? [], uses, facts);
    return [
      ...refused.map(({ text, ...one }) =>
        foundOf(this.#pair, { ...one, rule: "js.use_refused", before: null, after: text }),
      ),
      ...(refused.length > 0 ? [] : olderWays(uses, facts)).map(({ text, calls = [], ...one }) =>
        foundOf(this.#pair, {
          ...one,
          own: this.#calledAt(calls),
          rule: "js.older_way",
          before: null,
          after: text,
        }),
      ),
      ...told.map(({ text, calls = [], ...one }) =>
        foundOf(this.#pair, {
          ...one,
          own: this.#calledAt(calls),
          rule: "js.use_announced",
          before: null,
          after: `${announced?.file ?? ""}: ${text}`,
        }),
      ),
    ];
  }
}

const OPTION_MIN = 3;

/** `formatWithSymbol` says how `format` works. */
function isOptionOf(option: string, member: string): boolean {
  const rest = option.slice(member.length);
  return member.length >= OPTION_MIN && option.startsWith(member) && /^[A-Z]/.test(rest);
}

function isWhole({ name }: PackageUse): boolean {
  return name === "*" || name === "default";
}

function nameOf({ to }: PackagePair, use: PackageUse): string {
  return use.member ?? (isWhole(use) ? to.manifest.name : use.name);
}

/** Members that values of the language and of Node have, whatever a package gives. */
const LANGUAGE: ReadonlySet<string> = new Set(
  [Array, String, Promise, Function, Object, Map, Set, RegExp, Number, Date, Error, Buffer]
    .flatMap((made) => Object.getOwnPropertyNames(made.prototype))
    .concat(
      [EventEmitter, Readable, Writable].flatMap(({ prototype }) =>
        Object.getOwnPropertyNames(prototype),
      ),
    ),
);

function foundOf({ to }: PackagePair, { uses, ...parts }: Change): Found {
  return {
    finding: finding({
      ...parts,
      breaking: "maybe",
      provider: manifestLine(to.text, "version"),
    }),
    match: { by: "places", places: sortedLocations(uses) },
  };
}

/** One finding for what is said of the same thing, with all places. */
function merged(found: readonly Found[]): Found[] {
  return [...Map.groupBy(found, (one) => one.finding.id).values()].flatMap((alike) => {
    const [first] = alike;
    const places = alike.flatMap(({ match }) => (match.by === "places" ? match.places : []));
    return first === undefined
      ? []
      : [{ ...first, match: { by: "places" as const, places: sortedLocations(places) } }];
  });
}
