/**
 * "Breaks" needs proof: gives each finding that breaks the fact that it breaks by, and takes the
 * word from those that have none. Values in, values out.
 */
import {
  COMPILER_ERROR,
  type Diagnostic,
  finding,
  type Hit,
  lineKey,
  type NewError,
  type Proof,
  sortedLocations,
} from "../facts/finding.ts";
import { LIMITS } from "../facts/limits.ts";

/** What an analysis has met, before it is known what of it is proven. */
type Met = { readonly hits: readonly Hit[]; readonly errors: readonly NewError[] };

/**
 * The hits, each that breaks with its proof: an error of the compiler at one of its places, or the
 * fact of loading or running that it was found by. One that the consumer meets and that neither
 * proves may break, and no more. An error of the compiler that no finding accounts for, at its
 * place or where the name is imported, is a finding of its own, called as the person wrote it.
 */
export function provenHits({ hits, errors }: Met): Hit[] {
  const byPlace = errorsByPlace(hits, errors);
  const explaining = explainers(hits, byPlace, calledAround(errors));
  const judged = hits.map((hit) => {
    const own = withErrorPlaces(hit, byPlace, explaining);
    return judgedHit(own, errorFor(hit, byPlace, explaining));
  });
  return [...judged, ...unexplained(byPlace, explaining)];
}

type ErrorsByPlace = ReadonlyMap<string, readonly Diagnostic[]>;

/** By place, the findings that account for its errors. */
type Explaining = ReadonlyMap<string, ReadonlySet<Hit>>;

/** An error counts where it stands, if a finding does as well; else where its name is imported. */
function errorsByPlace(hits: readonly Hit[], errors: readonly NewError[]): ErrorsByPlace {
  const met = new Set(hits.filter(isMetBreak).flatMap((hit) => hit.hits.map(lineKey)));
  const byPlace = new Map<string, Diagnostic[]>();
  for (const { diagnostic, importedAt } of errors) {
    const own = lineKey(diagnostic);
    const imported = importedAt === null ? own : lineKey(importedAt);
    const key = !met.has(own) && met.has(imported) ? imported : own;
    byPlace.set(key, [...(byPlace.get(key) ?? []), diagnostic]);
  }
  return byPlace;
}

/** By place, the names of what is called with the arguments that the compiler objects to. */
function calledAround(errors: readonly NewError[]): ReadonlyMap<string, ReadonlySet<string>> {
  const byPlace = Map.groupBy(errors, ({ diagnostic }) => lineKey(diagnostic));
  return new Map(
    [...byPlace].map(([key, there]) => [key, new Set(there.flatMap(({ within }) => within ?? []))]),
  );
}

/**
 * Of several findings at the place of an error, those that it names, else those on what is called
 * there with what it objects to: the others only stand on the same line. Where there are neither,
 * all of them may be its cause.
 */
function explainers(
  hits: readonly Hit[],
  errors: ErrorsByPlace,
  called: ReadonlyMap<string, ReadonlySet<string>>,
): Explaining {
  const byPlace = new Map<string, Hit[]>();
  for (const hit of hits.filter(isMetBreak)) {
    for (const place of hit.hits) {
      const key = lineKey(place);
      if (errors.has(key)) byPlace.set(key, [...(byPlace.get(key) ?? []), hit]);
    }
  }
  return new Map(
    [...byPlace].map(([key, there]) => {
      const named = there.filter((hit) => (errors.get(key) ?? []).some((one) => names(one, hit)));
      const around = there.filter((hit) => called.get(key)?.has(lastNameOf(hit)) === true);
      return [key, new Set([named, around, there].find((some) => some.length > 0))];
    }),
  );
}

function isMetBreak({ finding: { breaking }, usage }: Hit): boolean {
  return breaking === "yes" && usage === "confirmed";
}

/**
 * Whether an error speaks of the last part of a finding's subject: `errors` of `ZodError.errors`.
 */
function names({ message, subject = "" }: Diagnostic, hit: Hit): boolean {
  const last = lastNameOf(hit);
  // What stands in double quotes is the name of a module.
  const words = `${message.replaceAll(/"[^"]*"/g, "")} ${subject}`.split(/[^\w$]+/);
  return last !== "" && words.includes(last);
}

function lastNameOf({ finding: { subject } }: Hit): string {
  const [name = ""] = subject.split(" (", 1);
  return name.split(".").at(-1) ?? "";
}

function errorFor(hit: Hit, errors: ErrorsByPlace, explaining: Explaining): Diagnostic | null {
  for (const key of hit.hits.map(lineKey)) {
    const there = errors.get(key) ?? [];
    if (explaining.get(key)?.has(hit) === true) {
      return there.find((one) => names(one, hit)) ?? there[0] ?? null;
    }
  }
  return null;
}

/**
 * A name that is imported breaks where the compiler objects to it, as well as at its import; a
 * load that fails breaks where it is.
 */
function withErrorPlaces(hit: Hit, errors: ErrorsByPlace, explaining: Explaining): Hit {
  const places = hit.hits.map(lineKey).flatMap((key) => {
    return explaining.get(key)?.has(hit) === true ? (errors.get(key) ?? []) : [];
  });
  if (places.length === 0 || !hit.finding.rule.startsWith("ts.")) return hit;
  return { ...hit, hits: sortedLocations([...hit.hits, ...places]).slice(0, LIMITS.hitsMax) };
}

function judgedHit(hit: Hit, error: Diagnostic | null): Hit {
  if (hit.finding.breaking !== "yes") return hit;
  if (error !== null) return withProof(hit, compilerProof(error));
  if (hit.finding.proof !== null) return hit;
  if (hit.usage === "none") return withProof(hit, declaredProof(hit));
  return { ...hit, finding: { ...hit.finding, breaking: "maybe" } };
}

function withProof(hit: Hit, proof: Proof): Hit {
  return { ...hit, finding: { ...hit.finding, proof } };
}

function compilerProof({ path, line, code, message }: Diagnostic): Proof {
  return { by: "compiler", text: `${path}:${line} ${code}: ${message}` };
}

function declaredProof({ finding: { after } }: Hit): Proof {
  const what = after === null ? "the new version does not declare it" : "its declarations differ";
  return { by: "declarations", text: `${what}; the consumer does not use it` };
}

/** One finding for all errors at what is written alike. */
function unexplained(errors: ErrorsByPlace, explaining: Explaining): Hit[] {
  const open = [...errors].flatMap(([key, there]) => (explaining.has(key) ? [] : there));
  return [...Map.groupBy(open, ({ subject, code }) => subject ?? code)].flatMap(
    ([subject, [first, ...others]]): Hit[] =>
      first === undefined
        ? []
        : [
            {
              finding: finding({
                rule: COMPILER_ERROR,
                subject,
                breaking: "yes",
                after: `${first.code}: ${first.message}`,
                proof: compilerProof(first),
              }),
              usage: "confirmed",
              hits: [first, ...others].map(({ path, line }) => ({ path, line })),
            },
          ],
  );
}
