import type { Client } from "pg";
import { type Running, startCli } from "./cli.ts";
import { waitFor } from "./db.ts";
import { readEffects } from "./effects.ts";
import type { StubServer } from "./stub-server.ts";

/** A `triaged jobs` that talks to the stub; killed when the scope ends. */
export function startJobs(
  url: string,
  stub: StubServer,
  env: Record<string, string> = {},
): Running & AsyncDisposable & { readonly started: () => Promise<unknown> } {
  const jobs = startCli(["jobs"], {
    env: { DATABASE_URL: url, GITHUB_TOKEN: "gh-s3cret", GITHUB_API_URL: stub.url, ...env },
  });
  return {
    ...jobs,
    started: () =>
      waitFor(() => jobs.output.stderr.includes("jobs started"), { deadlineMs: 20_000 }),
    [Symbol.asyncDispose]: async () => {
      jobs.signal("SIGKILL");
      await jobs.ended;
    },
  };
}

/** Wait until there are effects, and all of them are delivered. */
export async function waitUntilDelivered(client: Client): Promise<void> {
  await waitFor(
    async () => {
      const effects = await readEffects(client);
      return effects.length > 0 && effects.every((row) => row["status"] === "delivered");
    },
    { deadlineMs: 20_000 },
  );
}

/** Have what is due handed to the jobs, as the sweep does a minute later. */
export async function sweep(client: Client): Promise<void> {
  await client.query(
    `select triaged.add_effect_job(effect_id, effect_key, null) from triaged.effects
     where status = 'pending' and kind <> 'digest'`,
  );
}
