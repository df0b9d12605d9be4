import {
  type EffectFacts,
  readEffectFacts,
  readTellingFacts,
  type TellingFacts,
} from "../database/queue-facts.ts";
import { type DoctorFinding, type DoctorProbe, ok, warning } from "./probe.ts";

/** Longer than a start of the jobs, or a transaction that writes history, ought to take. */
const LATE_MS_MAX = 600_000;
/** More effects than that are not looked at. */
const EFFECTS_MAX = 10_000;

/** Whether alerts, pushes and other effects arrive. */
export const effectsProbe: DoctorProbe = {
  subject: "effects",
  async look({ db }) {
    const facts = await readEffectFacts(db, { rowsMax: EFFECTS_MAX, lateMs: LATE_MS_MAX });
    const found = facts.flatMap(judgeEffects);
    return found.length > 0 ? found : [ok("effects", "delivered when due")];
  },
};

/** Whether whoever wants to be told of history is told. */
export const tellingProbe: DoctorProbe = {
  subject: "alerts",
  async look({ db, config }) {
    const facts = await readTellingFacts(db, { lateMs: LATE_MS_MAX });
    return [judgeTelling(facts, { areWanted: config.effects.alerts.url !== null })];
  },
};

function judgeEffects({ kind, ...facts }: EffectFacts): DoctorFinding[] {
  const { failed, skipped, failing, overdue } = facts;
  const reason = facts.last_error === null ? "" : `: ${facts.last_error}`;
  const findings: DoctorFinding[] = [];
  if (overdue > 0) {
    findings.push(
      warning(
        "effects",
        `${kind}: ${overdue} due for over 10 min, and not delivered`,
        "is `triaged jobs` running? For now: triaged jobs --once",
      ),
    );
  }
  if (failed + failing > 0) {
    findings.push(
      warning(
        "effects",
        `${kind}: ${failing} ${failing === 1 ? "fails" : "fail"} and will be tried again, ${failed} failed within a day${reason}`,
        `triaged effects list --kind ${kind}; correct the cause, then: triaged effects retry --kind ${kind} --status failed`,
      ),
    );
  }
  if (skipped > 0) {
    findings.push(
      warning(
        "effects",
        `${kind}: ${skipped} skipped within a day${failed + failing > 0 ? "" : reason}`,
        `set what is missing for \`triaged jobs\`, then: triaged effects retry --kind ${kind} --status skipped`,
      ),
    );
  }
  return findings;
}

function judgeTelling(
  { is_on, is_late }: TellingFacts,
  { areWanted }: { readonly areWanted: boolean },
): DoctorFinding {
  if (areWanted && !is_on) {
    return warning(
      "alerts",
      "ALERT_URL is set, and the jobs do not tell of anything",
      "run `triaged jobs` with the same ALERT_URL; without one it makes no alerts",
    );
  }
  if (is_on && is_late) {
    return warning(
      "alerts",
      "nobody was told of what happened more than 10 min ago",
      "is `triaged jobs` running, or a transaction open that writes history? For now: triaged jobs --once",
    );
  }
  return ok("alerts", is_on ? "told when due" : "nobody wants to be told");
}
