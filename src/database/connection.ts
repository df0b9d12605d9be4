/** One connection: which server it finds, its TLS, and the settings that each session gets. */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { type ClientConfig, Client as DriverClient } from "pg";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import type { Host, Servers, Tls } from "../settings/database-url.ts";
import { isTransient } from "./sqlstate.ts";

/** The settings of the driver, and more. Plain data, which can be sent to threads. */
export type ConnectionConfig = ClientConfig & {
  /** Where to look for the server, if the URL does not say it all. */
  readonly servers?: Servers;
  /** Whether the certificate must be for the host that was named. @default true */
  readonly checkHostName?: boolean;
  /** For the statements of handlers, which may rest on what their database sets. @default false */
  readonly isForHandlers?: boolean;
};

/** The time that one host has to answer, so that a silent one does not use up that of all. */
const HOST_MS_MAX = 3_000;

type Callback = (err: Error | null, client?: DriverClient) => void;

/**
 * What each session has from its first packet, whatever was set for its database or role. The
 * driver reads dates in ISO alone. These two are parameters that every pooler passes on, and gives
 * back to a client with each server that it gets; others are refused by PgBouncer.
 */
const AT_START = { DateStyle: "ISO, MDY", standard_conforming_strings: "on" };

/**
 * What is set where no pooler stands between: for a session of a pooler it would be somebody
 * else's a moment later. There the key that came with the connection is not the server's pid.
 *
 * Statements of the queue are made for read committed; at other levels they fail more often, and
 * are tried again. They name their schema, and what they leave bare is PostgreSQL's own. Floating
 * point is to be written in full. All of them are short: to compile one takes longer than it does.
 */
const WHERE_DIRECT = `
  select
    pg_catalog.set_config('default_transaction_isolation', 'read committed', false),
    pg_catalog.set_config('default_transaction_deferrable', 'off', false),
    pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
    pg_catalog.set_config('extra_float_digits', '1', false),
    pg_catalog.set_config('jit', 'off', false)
  where pg_catalog.pg_backend_pid() operator(pg_catalog.=) `;

/**
 * The driver's client, with a session that means the same whatever was set for the database or
 * the role. It knows one host, for several and for target_session_attrs: it
 * looks with a short connection which host fits, in order, and connects to that one. So
 * each new connection finds the new primary after a failover, without help from outside.
 *
 * Throws an AggregateError, which counts as a lost connection, when none fits; at once the
 * error that another host would not mend, such as a wrong password.
 */
export class DatabaseClient extends DriverClient {
  readonly #config: ConnectionConfig;

  constructor(config: ConnectionConfig = {}) {
    const forDriver = { ...config, ...tlsOf(config) };
    super(forDriver);
    this.#config = forDriver;
  }

  override connect(): Promise<this>;
  override connect(callback: Callback): void;
  override connect(callback?: Callback): Promise<this> | void {
    if (callback === undefined) {
      return this.#connect();
    }
    void this.#connectAndCall(callback);
  }

  /** The driver's own, which says what the first packet of a connection holds. */
  getStartupConf(): Record<string, string> {
    // @ts-expect-error -- The driver has it, and its types do not.
    const conf: Record<string, string> = super.getStartupConf();
    return { ...conf, ...AT_START };
  }

  async #connect(): Promise<this> {
    await this.#choose();
    await super.connect();
    await this.#settle();
    return this;
  }

  /** For a pool, which must get the error, and hear of the connection without a delay. */
  async #connectAndCall(callback: Callback): Promise<void> {
    try {
      await this.#choose();
    } catch (err) {
      process.nextTick(callback, err);
      return;
    }
    super.connect((err: Error | null) => {
      if (err) {
        callback(err);
      } else {
        void this.#settleAndCall(callback);
      }
    });
  }

  async #settleAndCall(callback: Callback): Promise<void> {
    // A pool listens for errors once it is called.
    this.on("error", ignore);
    try {
      await this.#settle();
    } catch (err) {
      void this.end().catch(ignore);
      process.nextTick(callback, err);
      return;
    }
    process.nextTick(() => {
      callback(null, this);
      this.off("error", ignore);
    });
  }

  async #settle(): Promise<void> {
    const pid: unknown = Reflect.get(this, "processID");
    if (this.#config.isForHandlers !== true && typeof pid === "number") {
      await this.query(`${WHERE_DIRECT}${pid}`);
    }
  }

  async #choose(): Promise<void> {
    const { servers } = this.#config;
    if (servers !== undefined) {
      const own = { host: this.host, port: this.port };
      const { hosts, wants } = servers;
      const chosen = await firstThatFits(this.#config, hosts.length === 0 ? [own] : hosts, wants);
      this.host = chosen.host;
      this.port = chosen.port;
    }
  }
}

function ignore(): void {}

/** A copy for the driver, which hides the key in what it gets: a thread would not receive it. */
function tlsOf({ ssl, checkHostName = true }: ConnectionConfig): Pick<ClientConfig, "ssl"> {
  if (typeof ssl !== "object") {
    return {};
  }
  const own = Object.defineProperties({}, Object.getOwnPropertyDescriptors(ssl));
  return { ssl: checkHostName ? own : withoutNameCheck(own) };
}

async function firstThatFits(
  config: ConnectionConfig,
  hosts: readonly Host[],
  wants: Servers["wants"],
): Promise<Host> {
  const { connectionTimeoutMillis: limit = 0 } = config;
  const mostMs = Math.min(HOST_MS_MAX, limit === 0 ? Infinity : limit / hosts.length);
  const errors: Error[] = [];
  for (const host of hosts) {
    try {
      await tryHost(
        { ...config, connectionTimeoutMillis: mostMs, query_timeout: mostMs },
        host,
        wants,
      );
      return host;
    } catch (err) {
      if (!(err instanceof Error && isTransient(err))) {
        throw err;
      }
      errors.push(err);
    }
  }
  const told = hosts.map(
    ({ host, port }, place) => `${host}:${port}: ${hostErrorText(errors[place])}`,
  );
  throw new AggregateError(errors, `no server can be used: ${told.join("; ")}`);
}

/** Throws why the host does not fit. */
async function tryHost(config: ClientConfig, { host, port }: Host, wants: Servers["wants"]) {
  const client = new DriverClient(config);
  client.on("error", () => undefined);
  client.host = host;
  client.port = port;
  try {
    await client.connect();
    if (wants === "any") {
      return;
    }
    const { rows } = await client.query<{ standby: boolean; readOnly: string }>(
      `select pg_is_in_recovery() as standby,
         current_setting('transaction_read_only') as "readOnly"`,
    );
    const { standby = true, readOnly } = rows[0] ?? {};
    if (wants === "standby") {
      if (!standby) {
        // Transient: it is one again after the next switchover.
        throw Object.assign(new Error("the server is no standby"), { code: "25006" });
      }
      return;
    }
    if (standby || (wants === "read-write" && readOnly === "on")) {
      throw Object.assign(new Error("the server is read-only"), { code: "25006" });
    }
  } finally {
    // A server that went away does not say goodbye.
    void client.end().catch(() => undefined);
  }
}

/** The error of a name with several addresses has its text inside. */
function hostErrorText(err: Error | undefined): string {
  const inner = err instanceof AggregateError && err.message === "" ? err.errors[0] : err;
  return inner instanceof Error ? inner.message : "";
}

/**
 * What the driver needs to do as the TLS settings say, but for `withoutNameCheck`: plain data,
 * which goes to threads. Reads the certificate files; throws
 * an EnvironmentError that names the one it cannot read.
 */
export function tlsOptions(tls: Tls): false | ConnectionOptions {
  if (tls.mode === "disable") {
    return false;
  }
  const options: ConnectionOptions = { rejectUnauthorized: tls.mode !== "require" };
  if (tls.rootCertificateFile !== null) {
    options.ca = readCertificate("sslrootcert", tls.rootCertificateFile);
  }
  if (tls.certificateFile !== null) {
    options.cert = readCertificate("sslcert", tls.certificateFile);
  }
  if (tls.keyFile !== null) {
    options.key = readCertificate("sslkey", tls.keyFile);
  }
  return options;
}

/** For verify-ca: the chain counts, the host's name does not. undefined means "no objection". */
function withoutNameCheck(options: ConnectionOptions): ConnectionOptions {
  return Object.assign(options, { checkServerIdentity: () => undefined });
}

function readCertificate(parameter: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (err) {
    throw new EnvironmentError(`cannot read the file of ${parameter}, ${file}`, {
      hint: "name a PEM file that this user can read, or leave the parameter out",
      exitCode: EXIT_CODES.config,
      cause: err,
    });
  }
}
