import { readCompatState, whyWithoutCompat } from "../postgres/compat-schema.ts";
import { type Drift, readDisabledTriggers, readDrift } from "../postgres/schema-drift.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

const NAMES_MAX = 5;

const APPLY_AGAIN = "triaged migrate";

const ADVICE: Readonly<Record<Drift["chapter"], string>> = {
  columns: "restore it as in sql/migrations: alter table …",
  constraints: "restore it as in sql/migrations: alter table … add constraint …",
  indexes: "create it as in sql/migrations: create index concurrently …",
  storage: "alter table … set (…) as in sql/migrations, if nobody chose it so",
  triggers: APPLY_AGAIN,
  functions: APPLY_AGAIN,
  views: APPLY_AGAIN,
};

/** Whether the schema is what this version ships: not altered by hand, not half restored. */
export const driftProbe: Probe = {
  subject: "drift",
  async look({ db }) {
    const state = await readCompatState(db);
    return [
      ...judgeDrift(await readDrift(db), await readDisabledTriggers(db)),
      ...(state === "ours" ? [] : [warning("drift", ...whyWithoutCompat(db.schema, state))]),
    ];
  },
};

export function judgeDrift(drifts: readonly Drift[], disabled: readonly string[]): Finding[] {
  const findings = [
    ...drifts.flatMap(judgeChapter),
    ...disabled.map((name) =>
      error(
        "drift",
        `trigger ${name} is disabled: what it guards or records is not`,
        `alter table ${name.split(" on ")[1]} enable trigger ${name.split(" on ")[0]}`,
      ),
    ),
  ];
  return findings.length > 0 ? findings : [ok("drift", "none: the schema is the shipped one")];
}

function judgeChapter({ chapter, missing, changed, extra }: Drift): Finding[] {
  const differs = [listed("missing", missing), listed("changed", changed)].filter(
    (part) => part !== "",
  );
  const judge = chapter === "storage" ? warning : error;
  return [
    ...(differs.length > 0
      ? [judge("drift", `${chapter} ${differs.join("; ")}`, ADVICE[chapter])]
      : []),
    ...(extra.length > 0
      ? [
          warning(
            "drift",
            `${chapter} ${listed("not ours", extra)}`,
            "move it to another schema: an index or a trigger here can change what the queue does",
          ),
        ]
      : []),
  ];
}

function listed(what: string, names: readonly string[]): string {
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  return names.length === 0 ? "" : `${what}: ${names.slice(0, NAMES_MAX).join(", ")}${more}`;
}
