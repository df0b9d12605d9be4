import picomatch from "picomatch";
import { wordsOf } from "../change/words.ts";
import type { ChangedFile } from "../change-set.ts";
import { CONCERNS, USUAL_DIVERGENT, USUAL_SHARED } from "./concern-words.ts";
import type { TemplateConfig } from "./payload.ts";
import { TEMPLATE_LIMITS } from "./template-limits.ts";

/** What a file is about, and whether the derivative wants to go along in that. */
export type FileConcern = {
  /** The one it is counted under; null: none that the relationship speaks of. */
  readonly name: string | null;
  readonly kind: "shared" | "divergent" | "other";
  /** All shared concerns that the file or its changed lines speak of, sorted. */
  readonly shared: readonly string[];
};

export type ConcernRules = (file: ChangedFile) => FileConcern;

type Matcher = (file: Seen) => boolean;
type Seen = {
  readonly path: string;
  readonly pathWords: ReadonlySet<string>;
  readonly lineWords: ReadonlySet<string>;
};
type Rule = {
  readonly name: string;
  readonly isDivergent: boolean;
  /** From the strongest evidence to the weakest: its place, its name, its changed lines. */
  readonly matchers: readonly [Matcher, Matcher, Matcher];
};

/**
 * The rules of a relationship. `concern_globs` decide first, in their order. Else the
 * strongest kind of evidence decides that there is any of; within it divergent beats shared,
 * and the more telling concern the more general one. Words count as a whole.
 */
export function concernRules(
  config: Pick<TemplateConfig, "shared_concerns" | "divergent_concerns" | "concern_globs">,
): ConcernRules {
  const divergent = new Set(config.divergent_concerns ?? USUAL_DIVERGENT);
  const shared = (config.shared_concerns ?? USUAL_SHARED).filter((name) => !divergent.has(name));
  const named = new Set([...divergent, ...shared]);
  const overrides = Object.entries(config.concern_globs).map(
    ([name, globs]) => [name, globMatcher(globs)] as const,
  );
  const order = [...CONCERNS.keys(), ...[...named].toSorted()];
  const rules = [...new Set(order)]
    .filter((name) => named.has(name))
    .map((name) => ruleFor(name, divergent.has(name)));
  const kindOf = (name: string): FileConcern["kind"] =>
    divergent.has(name) ? "divergent" : named.has(name) ? "shared" : "other";

  return (file) => {
    const seen = seenIn(file);
    const spoken = rules
      .filter(({ isDivergent, matchers }) => !isDivergent && matchers.some((fits) => fits(seen)))
      .map(({ name }) => name)
      .toSorted();
    const override = overrides.find(([, fits]) => fits(seen.path))?.[0];
    if (override !== undefined) return { name: override, kind: kindOf(override), shared: spoken };
    const found = strongest(rules, seen);
    if (found === undefined) return { name: null, kind: "other", shared: [] };
    return {
      name: found.name,
      kind: found.isDivergent ? "divergent" : "shared",
      shared: spoken,
    };
  };
}

function strongest(rules: readonly Rule[], seen: Seen): Rule | undefined {
  for (const strength of [0, 1, 2] as const) {
    const fitting = rules.filter(({ matchers }) => matchers[strength](seen));
    const first = fitting.find(({ isDivergent }) => isDivergent) ?? fitting[0];
    if (first !== undefined) return first;
  }
  return undefined;
}

function ruleFor(name: string, isDivergent: boolean): Rule {
  // A concern of the relationship's own is known by the words of its name.
  const { globs, words } = CONCERNS.get(name) ?? { globs: [], words: [wordsOf(name).join(" ")] };
  const fits = globMatcher(globs);
  const holds = (found: ReadonlySet<string>) =>
    words.some((word) => word !== "" && word.split(" ").every((part) => found.has(part)));
  return {
    name,
    isDivergent,
    matchers: [
      ({ path }) => fits(path),
      ({ pathWords }) => holds(pathWords),
      ({ lineWords }) => holds(lineWords),
    ],
  };
}

function seenIn({ path, added, removed }: ChangedFile): Seen {
  const text = [...added, ...removed].map((line) => line.text).join("\n");
  return {
    path,
    pathWords: new Set(wordsOf(path)),
    lineWords: new Set(wordsOf(text.slice(0, TEMPLATE_LIMITS.searchedTextMax))),
  };
}

/** No extended globs: their nesting can take a matcher for ever. */
function globMatcher(globs: readonly string[]): (path: string) => boolean {
  return globs.length === 0
    ? () => false
    : picomatch([...globs], { dot: true, noextglob: true, maxLength: 1_000 });
}
