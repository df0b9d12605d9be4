import { z } from "zod";
import { error, type Finding, ok, warning } from "./finding.ts";
import { Count, type Probe } from "./probe.ts";

/** The longest single step of ours, the copy of a piece of a partition, takes a third of that. */
const STATEMENT_MS_MIN = 1_000;
/** Of `verify`, and of a merge of large partitions. */
const TRANSACTION_MS_MIN = 60_000;

/** In milliseconds; 0 is without a limit. */
const SettingFacts = z.object({
  default_transaction_read_only: z.boolean(),
  statement_timeout: Count,
  lock_timeout: Count,
  idle_in_transaction_session_timeout: Count,
  transaction_timeout: Count,
});
export type SettingFacts = z.output<typeof SettingFacts>;

/**
 * What `alter database … set` and `alter role … set` can do that the queue does not undo: a freeze
 * is meant, and so is a limit. The rest is fixed by our sessions and functions.
 */
export const settingsProbe: Probe = {
  subject: "settings",
  async look({ db }) {
    const [row] = await db.query({ text: SETTING_FACTS });
    return judgeSettings(SettingFacts.parse(row));
  },
};

export function judgeSettings(facts: SettingFacts): Finding[] {
  const short = (
    [
      ["statement_timeout", STATEMENT_MS_MIN],
      ["lock_timeout", STATEMENT_MS_MIN],
      ["idle_in_transaction_session_timeout", STATEMENT_MS_MIN],
      ["transaction_timeout", TRANSACTION_MS_MIN],
    ] as const
  ).filter(([name, least]) => facts[name] > 0 && facts[name] < least);
  const findings = short.map(([name, least]) =>
    warning(
      "settings",
      `${name} is ${facts[name]} ms: work of the queue is cut off, and tried again`,
      `raise it to ${least} ms or more for this user: alter role … set ${name}`,
    ),
  );
  if (facts.default_transaction_read_only) {
    findings.unshift(
      error(
        "settings",
        "default_transaction_read_only is on: nobody can enqueue, and no worker can claim",
        "when writes may go on: alter database … reset default_transaction_read_only " +
          "(or alter role …)",
      ),
    );
  }
  return findings.length > 0 ? findings : [ok("settings", "let the queue write, and finish")];
}

/** As the session began: this look around has timeouts of its own. */
const SETTING_FACTS = `
  select
    coalesce(bool_or(reset_val = 'on') filter (where name = 'default_transaction_read_only'), false)
      as default_transaction_read_only,
    coalesce(max(reset_val) filter (where name = 'statement_timeout'), '0') as statement_timeout,
    coalesce(max(reset_val) filter (where name = 'lock_timeout'), '0') as lock_timeout,
    coalesce(max(reset_val) filter (where name = 'idle_in_transaction_session_timeout'), '0')
      as idle_in_transaction_session_timeout,
    -- Since 17.
    coalesce(max(reset_val) filter (where name = 'transaction_timeout'), '0')
      as transaction_timeout
  from pg_settings`;
