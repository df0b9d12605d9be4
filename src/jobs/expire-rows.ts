import { expireEffects } from "../postgres/effect-store.ts";
import { type Expired, expireRows } from "../postgres/retention-store.ts";
import type { Job } from "./job.ts";

/** Of each table in one transaction. */
const ROWS_MAX = 10_000;
/** What is left then waits for the next run. */
const ROUNDS_MAX = 100;

/** Delete dedupe keys, cached verdicts, ended workers and effects whose time is over. */
export const expireRowsJob: Job = {
  name: "expire-rows",
  cron: "*/5 * * * *",
  async run({ db, signal }) {
    const total: Expired = { dedupe_keys: 0, triage_results: 0, workers: 0 };
    let effectsDeleted = 0;
    for (let round = 0; round < ROUNDS_MAX && !signal.aborted; round++) {
      const expired = await expireRows(db, { rowsMax: ROWS_MAX });
      const effects = await expireEffects(db, { rowsMax: ROWS_MAX });
      effectsDeleted += effects;
      total.dedupe_keys += expired.dedupe_keys;
      total.triage_results += expired.triage_results;
      total.workers += expired.workers;
      if (Math.max(effects, ...Object.values(expired)) < ROWS_MAX) {
        break;
      }
    }
    return {
      changes: total.dedupe_keys + total.triage_results + total.workers + effectsDeleted,
      detail: {
        dedupeKeysDeleted: total.dedupe_keys,
        triageResultsDeleted: total.triage_results,
        workersDeleted: total.workers,
        effectsDeleted,
      },
    };
  },
};
