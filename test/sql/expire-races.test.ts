import { expect } from "vitest";
import { test } from "../support/connections.ts";
import { call } from "../support/tasks.ts";

test("the sweep does not wait for a verdict that is being read", async ({ connect }) => {
  const [reader, sweeper] = [await connect(), await connect()];
  await reader.query(
    `insert into triaged.triage_results_cache (
       cache_key, source_repo, target_repo, commit_sha, relationship_type, analyzer_version,
       config_hash, requires_action, urgency, impact_summary, confidence, result_data, created_at,
       expires_at
     )
     select key, 'a/b', 'c/d', '1', 'api_consumer', '1', 'x', false, 'low', '', 1, '{}', now(), now()
     from unnest('{read,unread}'::text[]) as key`,
  );
  await reader.query("begin");
  await reader.query(
    "update triaged.triage_results_cache set hit_count = hit_count + 1 where cache_key = 'read'",
  );
  await sweeper.query("set lock_timeout to '2s'");

  expect(await call(sweeper, "expire_verdicts")).toEqual([{ expire_verdicts: 1 }]);

  await reader.query("commit");
  expect(await call(sweeper, "expire_verdicts")).toEqual([{ expire_verdicts: 1 }]);
});
