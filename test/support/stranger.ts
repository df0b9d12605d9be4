import { Client } from "pg";

/** A session of a role that may connect, and nothing else. */
export type Stranger = AsyncDisposable & {
  readonly role: string;
  readonly client: Client;
  /** The process that serves it. */
  readonly pid: number;
  /** End the session; the role goes with the scope. */
  readonly leave: () => Promise<void>;
};

/** The role is this call's own, and is gone with the scope: `await using`. `name` is its program. */
export async function openStranger(url: string, { name = "stranger" } = {}): Promise<Stranger> {
  const admin = new Client({ connectionString: url });
  admin.on("error", () => undefined);
  await admin.connect();
  const role = `${name.replaceAll(/\W/g, "_")}_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  await admin.query(`create role ${role} login password 'stranger'`);
  const own = new URL(url);
  own.username = role;
  own.password = "stranger";
  const client = new Client({ connectionString: own.href, application_name: name });
  // A test may have the server end the session.
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const leave = () => client.end().catch(() => undefined);
  return {
    role,
    client,
    pid: rows[0]?.pid ?? 0,
    leave,
    [Symbol.asyncDispose]: async () => {
      await leave();
      await admin.query(`drop owned by ${role}`);
      await admin.query(`drop role ${role}`);
      await admin.end();
    },
  };
}

/** Take the advisory lock of a key of lock_key, as one who computes the key by himself. */
export async function squat(
  { client }: Stranger,
  [kind, id]: readonly [kind: string, id: string | number],
  how: "pg_advisory_lock" | "pg_advisory_lock_shared" = "pg_advisory_lock",
): Promise<void> {
  await client.query(`select ${how}(hashtextextended('triaged.' || $1, $2))`, [kind, id]);
}
