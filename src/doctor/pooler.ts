import type { DatabaseUrl } from "../database-url.ts";
import { clientConfig } from "../postgres/pool.ts";
import { isPooled } from "../postgres/pooler.ts";
import { error, type Finding, ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

const CONNECT_MS_MAX = 3_000;

/** Whether a pooler stands between, and whether there is a way around it. */
export const poolerProbe: Probe = {
  subject: "pooler",
  async look({ database, config }) {
    const direct = config.directConnection;
    return [
      judgePooler({
        isPooled: await asks(database),
        direct: direct === null ? "none" : (await asks(direct)) ? "pooled" : "direct",
      }),
    ];
  },
};

export function judgePooler(way: {
  isPooled: boolean;
  direct: "none" | "pooled" | "direct";
}): Finding {
  if (way.direct === "pooled") {
    return error(
      "pooler",
      "DATABASE_DIRECT_URL leads to a pooler",
      "name the server itself: session locks and LISTEN do not last behind a pooler",
    );
  }
  if (!way.isPooled) {
    return ok("pooler", "none between here and the server");
  }
  return way.direct === "direct"
    ? ok("pooler", "one in between, with DATABASE_DIRECT_URL beside it")
    : warning(
        "pooler",
        "one in between: workers poll, and a crash is noticed by the lease alone",
        "set DATABASE_DIRECT_URL to the server itself",
      );
}

async function asks(database: DatabaseUrl): Promise<boolean> {
  return await isPooled({
    ...clientConfig(database, "doctor"),
    connectionTimeoutMillis: CONNECT_MS_MAX,
  });
}
