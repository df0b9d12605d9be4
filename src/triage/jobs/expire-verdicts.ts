import { deleteInRounds, type MaintenanceJob } from "../../index.ts";
import { expireVerdicts } from "../store.ts";

/** Delete cached verdicts whose time is over. */
export const expireVerdictsJob: MaintenanceJob = {
  name: "expire-verdicts",
  cron: "*/5 * * * *",
  run: ({ db, signal }) =>
    deleteInRounds(signal, async (limit) => ({
      triageResultsDeleted: await expireVerdicts(db, limit),
    })),
};
