/**
 * "Breaks" needs proof: gives each finding that breaks the fact that it breaks by, and takes the
 * word from those that have none. Values in, values out.
 */
import { type Diagnostic, finding, type Hit, type Location, type Proof } from "../facts/finding.ts";

/** What an analysis has met, before it is known what of it is proven. */
type Met = {
  readonly hits: readonly Hit[];
  readonly diagnostics: readonly Diagnostic[];
  /** What an error is called where nothing at its place has a name. */
  readonly packageName: string;
};

/**
 * The hits, each that breaks with its proof: an error of the compiler at one of its places, or the
 * fact of loading or running that it was found by. One that the consumer meets and that neither
 * proves may break, and no more. An error of the compiler at a place that no finding accounts for
 * is a finding of its own, called as the person wrote it there.
 */
export function provenHits({ hits, diagnostics, packageName }: Met): Hit[] {
  const errors = Map.groupBy(diagnostics, placeKey);
  const explaining = explainers(hits, errors);
  const judged = hits.map((hit) => judgedHit(hit, errorFor(hit, errors, explaining)));
  return [...judged, ...unexplained({ errors, explaining, packageName })];
}

type ErrorsByPlace = ReadonlyMap<string, readonly Diagnostic[]>;

/** By place, the findings that account for its errors. */
type Explaining = ReadonlyMap<string, ReadonlySet<Hit>>;

/**
 * Of several findings at the place of an error, those that it names: the others only stand on the
 * same line. Where it names none, all of them may be its cause.
 */
function explainers(hits: readonly Hit[], errors: ErrorsByPlace): Explaining {
  const byPlace = new Map<string, Hit[]>();
  for (const hit of hits.filter(isMetBreak)) {
    for (const place of hit.hits) {
      const key = placeKey(place);
      if (errors.has(key)) byPlace.set(key, [...(byPlace.get(key) ?? []), hit]);
    }
  }
  return new Map(
    [...byPlace].map(([key, there]) => {
      const named = there.filter((hit) => (errors.get(key) ?? []).some((one) => names(one, hit)));
      return [key, new Set(named.length > 0 ? named : there)];
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
  const [name = ""] = hit.finding.subject.split(" (", 1);
  const last = name.split(".").at(-1) ?? "";
  return last !== "" && new Set(`${message} ${subject}`.split(/[^\w$]+/)).has(last);
}

function errorFor(hit: Hit, errors: ErrorsByPlace, explaining: Explaining): Diagnostic | null {
  for (const key of hit.hits.map(placeKey)) {
    const there = errors.get(key) ?? [];
    if (explaining.get(key)?.has(hit) === true) {
      return there.find((one) => names(one, hit)) ?? there[0] ?? null;
    }
  }
  return null;
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

type Unexplained = Pick<Met, "packageName"> & {
  readonly errors: ErrorsByPlace;
  readonly explaining: Explaining;
};

/** One finding for all errors at what is written alike. */
function unexplained({ errors, explaining, packageName }: Unexplained): Hit[] {
  const open = [...errors].flatMap(([key, there]) => (explaining.has(key) ? [] : there));
  return [...Map.groupBy(open, ({ subject }) => subject ?? packageName)].map(([subject, alike]) => {
    const [first] = alike;
    return {
      finding: finding({
        rule: "ts.signature",
        subject,
        breaking: "yes",
        proof: first === undefined ? null : compilerProof(first),
      }),
      usage: "confirmed",
      hits: alike.map(({ path, line }) => ({ path, line })),
    };
  });
}

function placeKey({ path, line }: Location): string {
  return `${path}:${line}`;
}
