import { readCompatState, whyWithoutCompat } from "../database/schema/compat.ts";
import { type Drift, readDisabledTriggers, readDrift } from "../database/schema/drift.ts";
import { refuseUnmigrated, type SchemaState } from "../database/schema/state.ts";
import { type PublicationFacts, readPublicationFacts } from "../database/server-facts.ts";
import { EnvironmentError } from "../model/errors.ts";
import { counted } from "../model/text.ts";
import { type DoctorFinding, type DoctorProbe, error, ok, warning } from "./probe.ts";

/** Judge the migrations: without the right ones there is nothing else to look at. */
export function judgeSchema(state: SchemaState): DoctorFinding {
  try {
    refuseUnmigrated(state);
  } catch (err) {
    if (err instanceof EnvironmentError) {
      return error("schema", err.message, err.hint);
    }
    throw err;
  }
  return state.repeatablesCurrent
    ? ok("schema", `${state.schema}, ${counted(state.applied.length, "migration")}`)
    : warning(
        "schema",
        "functions and views are those of another version",
        "run `triaged migrate`",
      );
}

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
export const driftProbe: DoctorProbe = {
  subject: "drift",
  isOfLogin: true,
  async look({ db }) {
    const state = await readCompatState(db);
    return [
      ...judgeDrift(await readDrift(db), await readDisabledTriggers(db)),
      ...(state === "ours" ? [] : [warning("drift", ...whyWithoutCompat(db.schema, state))]),
    ];
  },
};

function judgeDrift(drifts: readonly Drift[], disabled: readonly string[]): DoctorFinding[] {
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

function judgeChapter({ chapter, missing, changed, extra }: Drift): DoctorFinding[] {
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

const TABLES_SHOWN_MAX = 5;

/**
 * Whether what is published can be: the server refuses updates and deletes of a table whose rows
 * the subscriber could not find.
 */
export const publicationsProbe: DoctorProbe = {
  subject: "publications",
  async look({ db }) {
    return judgePublications(await readPublicationFacts(db, { limit: TABLES_SHOWN_MAX }));
  },
};

function judgePublications(facts: PublicationFacts): DoctorFinding[] {
  const { publications, is_decoded, refused, whole } = facts;
  const findings = [
    ...(refused.length > 0
      ? [
          error(
            "publications",
            `updates and deletes are refused of ${refused.join(", ")}`,
            "publish it whole, or inserts alone (publish = 'insert'), or filter by the columns " +
              "of its primary key; alter table … replica identity as in sql/migrations",
          ),
        ]
      : []),
    ...(is_decoded && whole.length > 0
      ? [
          warning(
            "publications",
            `${whole.join(", ")} publishes all tables: old partitions are not merged`,
            "publish live_tasks, final_tasks and task_history by name, with " +
              "publish_via_partition_root = true",
          ),
        ]
      : []),
  ];
  const found = publications.length === 0 ? "none of ours" : publications.join(", ");
  return findings.length > 0 ? findings : [ok("publications", found)];
}
