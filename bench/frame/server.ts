import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startEmbedded } from "../../src/database/embedded/server.ts";
import { withClient } from "./databases.ts";
import { COUNTING_NOTHING } from "./statements.ts";

/** The one server of a run, for all contestants. */
export type BenchServer = {
  readonly url: string;
  /** Whether it was given, or started for this run. */
  readonly isOwn: boolean;
  /** "18.1, fsync on, …": what a reader must know to compare. */
  readonly describe: () => Promise<string>;
  readonly stop: () => Promise<void>;
};

/**
 * As somebody would set a small server up: durable, with the memory and the log size that
 * keep a bench from measuring checkpoints. All else is PostgreSQL's default.
 */
const SETTINGS = {
  shared_buffers: "512MB",
  max_wal_size: "4GB",
  max_connections: 500,
  ...COUNTING_NOTHING,
};

const TOLD = [
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "shared_buffers",
  "max_wal_size",
  "wal_level",
];

/** The server of `givenUrl`, else an embedded one in a temporary folder. */
export async function openServer(givenUrl: string | null): Promise<BenchServer> {
  if (givenUrl !== null) {
    return {
      url: givenUrl,
      isOwn: false,
      describe: () => describeServer(givenUrl),
      stop: () => Promise.resolve(),
    };
  }
  const folder = await mkdtemp(path.join(tmpdir(), "triaged-bench-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    // The server runs as another user when this process is root.
    await chmod(folder, 0o755);
    const server = await startEmbedded({ folder: `${folder}/pg`, settings: SETTINGS });
    return {
      url: server.url,
      isOwn: true,
      describe: () => describeServer(server.url),
      stop: async () => {
        await server.stop();
        await rm(server.home, { recursive: true, force: true });
        await remove();
      },
    };
  } catch (err) {
    await remove();
    throw err;
  }
}

async function describeServer(url: string): Promise<string> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ version: string; told: string }>(
      `select
         current_setting('server_version') as version,
         string_agg(name || ' ' || current_setting(name), ', ' order by place) as told
       from unnest($1::text[]) with ordinality as setting (name, place)`,
      [TOLD],
    );
    return `PostgreSQL ${rows[0]?.version}, ${rows[0]?.told}`;
  });
}
