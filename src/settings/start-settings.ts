/** What the audit log compares between two starts of a process, of whatever kind. */
import { type Config, describeConfig } from "./config.ts";
import { SECRETS } from "./variables.ts";

/** Another one in each process, and no setting of a person. */
const OF_ONE_PROCESS: readonly string[] = ["WORKER_ID"];
/** Described without their passwords. */
const ADDRESSES: readonly string[] = ["DATABASE_URL", "DATABASE_DIRECT_URL"];
const COVERED = "****";

/** By the names of variables; of a secret only that it is set. */
export function startSettings(config: Config): Record<string, string> {
  const secrets: readonly string[] = SECRETS.filter((name) => !ADDRESSES.includes(name));
  return Object.fromEntries(
    Object.entries(describeConfig(config))
      .filter(([name]) => !OF_ONE_PROCESS.includes(name))
      .map(([name, value]) => [name, secrets.includes(name) ? COVERED : value]),
  );
}
