import type ts from "typescript";
import { declarationKey } from "../compiler/declaration.ts";
import { type Breaking, finding } from "../finding.ts";
import { type Candidate, type Comparison, fits, placeIn, subjectOf, textOf } from "./comparison.ts";
import { type Member, membersOf } from "./members.ts";
import type { Directions } from "./type-references.ts";

/** An exported type or object in both versions. */
export type Compared = {
  readonly name: string;
  readonly before: ts.Symbol;
  readonly after: ts.Symbol;
  readonly types: { readonly before: ts.Type; readonly after: ts.Type };
  readonly directions: Directions;
};

/** What became of each member of a type. */
export function compareMembers(comparison: Comparison, compared: Compared): Candidate[] {
  const { checker, program } = comparison;
  const before = membersOf(checker, compared.types.before, program);
  const after = membersOf(checker, compared.types.after, program);
  const candidates: Candidate[] = [];
  for (const [name, old] of before) {
    const next = after.get(name);
    if (next === undefined) candidates.push(removed(comparison, compared, old));
    else if (breaks(comparison, compared, old, next)) {
      candidates.push(changed(comparison, compared, old, next));
    }
  }
  // A type without members of its own (a union of strings, a function) gains none either.
  if (before.size === 0) return candidates;
  for (const [name, next] of after) {
    if (!before.has(name)) candidates.push(added(comparison, compared, next));
  }
  return candidates;
}

function breaks(
  comparison: Comparison,
  { directions }: Compared,
  old: Member,
  next: Member,
): boolean {
  if (comparison.isUnchanged(old.declarations, next.declarations)) return false;
  if (directions.has("input") && old.optional && !next.optional) return true;
  return !fits(comparison, { before: old.types, after: next.types }, directions);
}

function removed(comparison: Comparison, compared: Compared, old: Member): Candidate {
  return candidate(comparison, compared, { rule: "ts.member_removed", breaking: "yes", old });
}

function changed(comparison: Comparison, compared: Compared, old: Member, next: Member): Candidate {
  return candidate(comparison, compared, { rule: "ts.signature", breaking: "yes", old, next });
}

/**
 * A member that consumers must supply is one that their code lacks; maybe so where the
 * package hands the type out as well, and consumers only pass on what they got.
 */
function added(comparison: Comparison, compared: Compared, next: Member): Candidate {
  const { directions } = compared;
  if (directions.has("input") && !next.optional) {
    const breaking = directions.has("output") ? "maybe" : "yes";
    return candidate(comparison, compared, { rule: "ts.signature", breaking, next });
  }
  const rule = next.optional ? "ts.optional_added" : "ts.added";
  return candidate(comparison, compared, { rule, breaking: "no", next });
}

type Change = { rule: string; breaking: Breaking; old?: Member; next?: Member };

function candidate(
  comparison: Comparison,
  { name, before, after }: Compared,
  { rule, breaking, old, next }: Change,
): Candidate {
  const member = old ?? next;
  const declarations = old?.declarations ?? [];
  const there = next === undefined ? [] : [...next.declarations, ...(after.declarations ?? [])];
  const gone = [...declarations, ...(before.declarations ?? [])];
  return {
    before: declarations,
    after: next?.declarations ?? [],
    found: {
      finding: finding({
        rule,
        breaking,
        subject: subjectOf(comparison, `${name}.${member?.name ?? ""}`),
        provider:
          next === undefined ? placeIn(comparison, "from", gone) : placeIn(comparison, "to", there),
        before: textOf(declarations),
        after: textOf(next?.declarations ?? []),
      }),
      match: {
        by: "symbol",
        subpath: comparison.subpath,
        name: null,
        // A member that is demanded but missing has no use to find: whoever names the type is hit.
        declarations: (old === undefined ? (before.declarations ?? []) : declarations).map(
          declarationKey,
        ),
      },
    },
  };
}
