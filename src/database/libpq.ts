/** How the programs of PostgreSQL are told where the database is: by variables of libpq. */
import { existsSync } from "node:fs";
import { type DatabaseUrl, type Host, withoutHosts } from "../settings/database-url.ts";

/** Authorities of the system, for a libpq of before 16, which does not find them by itself. */
const AUTHORITIES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
const LIBPQ_WITH_SYSTEM = 16;

/** Parameters of a URL that have a variable of their own. */
const FROM_URL = [
  ["options", "PGOPTIONS"],
  ["connect_timeout", "PGCONNECT_TIMEOUT"],
  ["channel_binding", "PGCHANNELBINDING"],
] as const;

/** What somebody's shell may have set, and would lead to another server or session. */
const NOT_OURS = [
  "PGHOST",
  "PGHOSTADDR",
  "PGPORT",
  "PGDATABASE",
  "PGUSER",
  "PGSERVICE",
  "PGSERVICEFILE",
  "PGOPTIONS",
  "PGTARGETSESSIONATTRS",
  "PGSSLMODE",
  "PGSSLROOTCERT",
  "PGSSLCERT",
  "PGSSLKEY",
];

/**
 * The environment of a program of PostgreSQL, of version `major`, that is to connect to `at`, one
 * of the hosts of `database`. A command line is public on its machine, so the password is here.
 * Where the URL has none, PGPASSWORD and ~/.pgpass count, as for the driver.
 */
export function libpqEnvironment(
  database: DatabaseUrl,
  { at, major }: { at: Host; major: number },
): Record<string, string | undefined> {
  const url = withoutHosts(database);
  const { mode, rootCertificateFile, certificateFile, keyFile } = database.tls;
  const own = NOT_OURS.map((name): [string, undefined] => [name, undefined]);
  const more = FROM_URL.map(([parameter, name]) => [name, url.searchParams.get(parameter)]);
  return {
    ...Object.fromEntries(own),
    ...Object.fromEntries(more.filter(([, value]) => value !== null)),
    PGHOST: at.host,
    PGPORT: String(at.port),
    PGDATABASE: databaseNameOf(database),
    ...(url.username === "" ? {} : { PGUSER: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { PGPASSWORD: decodeURIComponent(url.password) }),
    PGSSLMODE: mode,
    PGSSLROOTCERT:
      rootCertificateFile ?? (mode.startsWith("verify") ? systemAuthorities(major) : undefined),
    PGSSLCERT: certificateFile ?? undefined,
    PGSSLKEY: keyFile ?? undefined,
    PGAPPNAME: "triaged backup",
    LC_ALL: "C",
  };
}

/** What `sslrootcert` says of a verified connection that names no authority, for libpq of `major`. */
export function systemAuthorities(major: number): string | undefined {
  return major >= LIBPQ_WITH_SYSTEM ? "system" : AUTHORITIES.find((file) => existsSync(file));
}

/** The path of the URL; without one, libpq takes the name of the user. */
export function databaseNameOf(database: DatabaseUrl): string {
  return decodeURIComponent(withoutHosts(database).pathname.slice(1));
}

/** The same server, and another database of it. */
export function withDatabaseName(database: DatabaseUrl, name: string): DatabaseUrl {
  const url = database.url.replace(
    /^(\w+:\/\/[^/?#]*)(?:\/[^?#]*)?/,
    (_, server: string) => `${server}/${encodeURIComponent(name)}`,
  );
  return { ...database, url };
}

/** A connection string that names the database alone, whatever signs its name has. */
export function conninfoOf(name: string): string {
  return `dbname='${name.replaceAll(/(['\\])/g, "\\$1")}'`;
}
