import type { EffectFilter } from "../../database/arguments.ts";
import { listEffects, retryEffect } from "../../database/outbox.ts";
import { EFFECT_KINDS, EFFECT_STATUSES } from "../../model/effect.ts";
import { counted } from "../../model/text.ts";
import { choice, integer } from "../../settings/variables.ts";
import { defineCommand } from "../terminal/command.ts";
import { UsageError } from "../terminal/errors.ts";
import {
  formatTime,
  numericId,
  print,
  printJson,
  renderTable,
  withNumericIds,
} from "../terminal/output.ts";
import { effectId, taskId } from "../terminal/parsing.ts";
import { type Opened, withDatabase } from "../terminal/with-database.ts";

/** Of one call of the database. */
const LIMIT_MAX = 100;

export const effectsCommand = defineCommand({
  name: "effects",
  summary: "list what tasks want done outside of the database, or have it tried again",
  description:
    "`effects list`: the newest first. `effects retry EFFECT_ID`, or `effects retry` with a filter:\n" +
    "what failed or was skipped is delivered after all, by `triaged jobs`. A skipped one says what\n" +
    "was not set. Where it went is `external_ref`: the address of an issue, or the name of a file.",
  args: [
    { name: "ACTION", schema: choice(["list", "retry"]) },
    { name: "EFFECT_ID", schema: effectId(), optional: true },
  ],
  options: {
    task: { value: "TASK_ID", about: "only of this task", schema: taskId() },
    kind: {
      short: "k",
      value: "KIND",
      about: `only of this kind: ${EFFECT_KINDS.join(", ")}`,
      schema: choice(EFFECT_KINDS),
    },
    status: {
      short: "s",
      value: "STATUS",
      about: `only in this status: ${EFFECT_STATUSES.join(", ")}`,
      schema: choice(EFFECT_STATUSES),
    },
    limit: {
      short: "n",
      value: "N",
      about: "how many, 1 to 100; default for list 20, for retry all",
      schema: integer({ min: 1, max: LIMIT_MAX }),
    },
    json: { about: "list: print a JSON array; retry: one JSON object, retried" },
  },
  examples: [
    ["effects list", "the newest twenty"],
    ["effects list --status failed --json", "what was not delivered, and why"],
    ["effects retry 7", "once the cause is gone"],
    ["effects retry --status skipped --kind github_issue", "once GITHUB_TOKEN is set"],
  ],
  run: ({ flags, args: [action, id] }) => {
    const filter: EffectFilter = {
      effectId: id,
      taskId: flags.task,
      kind: flags.kind,
      status: flags.status,
      limit: flags.limit ?? (action === "list" ? 20 : LIMIT_MAX),
    };
    if (action === "retry" && id === undefined && flags.status === undefined) {
      throw new UsageError("expected EFFECT_ID, or --status failed or --status skipped", {
        hint: "triaged effects --help",
      });
    }
    return withDatabase(async (opened) => {
      if (action === "list") await list(opened, filter, { asJson: flags.json });
      else await retry(opened, filter, { asJson: flags.json, all: flags.limit === undefined });
      return 0;
    });
  },
});

type Printing = { asJson: boolean };

async function list({ db }: Opened, filter: EffectFilter, { asJson }: Printing): Promise<void> {
  const rows = await listEffects(db, filter);
  if (asJson) {
    printJson(rows.map(withNumericIds));
    return;
  }
  const headings = ["effect", "task", "kind", "status", "attempts", "target", "created", "detail"];
  print(
    renderTable(
      headings,
      rows.map((row) => [
        Number(row.effect_id),
        Number(row.task_id),
        row.kind,
        row.status,
        row.attempts,
        row.target_repo,
        formatTime(row.created_at),
        row.external_ref ?? row.last_error,
      ]),
    ),
  );
}

async function retry(
  opened: Opened,
  filter: EffectFilter,
  { asJson, all }: Printing & { all: boolean },
): Promise<void> {
  const found = await listEffects(opened.db, filter);
  if (filter.effectId !== undefined && found.length === 0) {
    throw new UsageError(`there is no effect ${filter.effectId}`, { hint: "triaged effects list" });
  }
  const retried: string[] = [];
  let page = await retryEach(opened, found);
  while (page.length > 0) {
    retried.push(...page);
    if (!all || page.length < LIMIT_MAX) break;
    // What is tried again has left the status that was asked for.
    page = await retryEach(opened, await listEffects(opened.db, filter));
  }
  if (asJson) {
    printJson({ retried: retried.map(numericId) });
  } else if (filter.effectId !== undefined && retried.length === 0) {
    print(`effect ${filter.effectId} stays as it is: it is ${found[0]?.status}`);
  } else {
    print(`${counted(retried.length, "effect")} will be tried again`);
  }
}

/** Resolves to the ids of those that will be tried again. */
async function retryEach(
  { asOperator }: Opened,
  found: readonly { readonly effect_id: string }[],
): Promise<string[]> {
  const retried: string[] = [];
  for (const { effect_id } of found) {
    if (await asOperator((operator) => retryEffect(operator, effect_id))) {
      retried.push(effect_id);
    }
  }
  return retried;
}
