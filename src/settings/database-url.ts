/**
 * A PostgreSQL connection string, with its TLS settings taken apart.
 *
 * The driver reads `sslmode` in a way of its own (it verifies under `require` and warns
 * about it), so these parameters are taken out of the URL and given the meaning that libpq
 * documents, with two differences, both on the safe side: a remote host without `sslmode`
 * is verified in full, and `prefer` and `allow` never fall back to plain text on a remote
 * host. On this machine (loopback, Unix socket) they mean no TLS.
 */
export type DatabaseUrl = {
  /** Without any ssl parameter. Contains the password: never log it. */
  readonly url: string;
  /** The same for each host. */
  readonly tls: Tls;
  /** Null: the server of the URL, whatever it is. Else the driver needs help: its URL has one. */
  readonly servers: Servers | null;
};

export type Tls = {
  readonly mode: TlsMode;
  /** PEM files; null = the certificates that Node trusts, and no client certificate. */
  readonly rootCertificateFile: string | null;
  readonly certificateFile: string | null;
  readonly keyFile: string | null;
};

/** disable: plain text. require: encrypted, unverified. verify-ca, verify-full: as in libpq. */
type TlsMode = "disable" | "require" | "verify-ca" | "verify-full";

export const SSL_MODES = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
  "no-verify",
] as const;
type SslMode = (typeof SSL_MODES)[number];

/** What the POSTGRES_* variables say, for who has no URL. */
type DatabaseParts = {
  /** A host name, an address, or the folder of a Unix socket; or several, with commas between. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
};

const SSL_PARAMETERS = [
  "ssl",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "sslnegotiation",
  "uselibpqcompat",
];

/**
 * Parse a `postgres://` URL. `sslMode` counts where the URL names none. `of` says which servers
 * several hosts are looked through for: the primary, or standbys. Throws a TypeError
 * that says what was expected and quotes nothing, because the text holds a password.
 */
export function parseDatabaseUrl(
  text: string,
  sslMode?: SslMode,
  { of = "primary" }: { readonly of?: "primary" | "standby" } = {},
): DatabaseUrl {
  if (!/^postgres(ql)?:\/\//i.test(text)) {
    throw new TypeError("expected a URL like postgres://user:password@host:5432/database");
  }
  const several = splitHosts(text);
  const url = asUrl(several?.first ?? text);
  const host = url.searchParams.get("host") ?? decodeURIComponent(url.hostname);
  if (host.includes(",")) {
    throw new TypeError("expected several hosts before the database: a:5432,b:5433/database");
  }
  const wants = targetSessionAttrsOf(url.searchParams, {
    isSeveral: several !== null,
    ...WANTED[of],
  });
  const hosts = several?.hosts ?? [];
  const servers = several === null && wants === "any" ? null : { hosts, wants };

  const local = isLocal(host) && hosts.every((each) => isLocal(each.host));
  const mode = sslModeOf(url.searchParams) ?? sslMode ?? (local ? "disable" : "verify-full");
  const file = (name: string) => url.searchParams.get(name);
  const rootCertificateFile = file("sslrootcert") === "system" ? null : file("sslrootcert");
  const tls: Tls = {
    mode: tlsMode(mode, { host, local, hasRootCertificate: rootCertificateFile !== null }),
    rootCertificateFile,
    certificateFile: file("sslcert"),
    keyFile: file("sslkey"),
  };

  for (const name of SSL_PARAMETERS) {
    url.searchParams.delete(name);
  }
  if (host === "" || host === NO_HOST) {
    url.searchParams.set("host", "localhost");
  }
  if (several !== null) {
    // Said aloud for whoever else reads the URL: libpq would take any server.
    url.searchParams.set("target_session_attrs", wants);
    return { url: several.withHosts(url.href), tls, servers };
  }
  return { url: url.href.replace(`@${NO_HOST}`, "@"), tls, servers };
}

/** The URL that the parts stand for. */
export function databaseUrlOf(parts: DatabaseParts): string {
  const socket = parts.host.startsWith("/");
  const password = parts.password === undefined ? "" : `:${encodeURIComponent(parts.password)}`;
  const user = `${encodeURIComponent(parts.user)}${password}`;
  const addresses = parts.host
    .split(",")
    .map((host) => `${host.includes(":") ? `[${host}]` : host}:${parts.port}`);
  const database = encodeURIComponent(parts.database);
  return socket
    ? `postgres://${user}@/${database}?host=${encodeURIComponent(parts.host)}&port=${parts.port}`
    : `postgres://${user}@${addresses.join(",")}/${database}`;
}

/** Stands for the host that `postgres://user@/database` lacks; URL insists on one. */
const NO_HOST = "no-host";

function asUrl(text: string): URL {
  for (const candidate of [text, text.replace("@/", `@${NO_HOST}/`)]) {
    const url = URL.parse(candidate);
    // A bare #, ? or / in a password ends the address early and leaves the @ behind it.
    if (url !== null && url.hash === "" && !(url.username === "" && text.includes("@"))) {
      return url;
    }
  }
  throw new TypeError(
    "expected a URL like postgres://user:password@host:5432/database; " +
      "percent-encode special characters in the password",
  );
}

/** Nothing to protect on the way: loopback, or a Unix socket. */
function isLocal(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1");
  return (
    ["", NO_HOST, "localhost", "::1"].includes(name) ||
    name.startsWith("/") ||
    /^127\.\d+\.\d+\.\d+$/.test(name)
  );
}

function sslModeOf(parameters: URLSearchParams): SslMode | undefined {
  const given = parameters.get("sslmode") ?? parameters.get("ssl");
  if (given === null) {
    return undefined;
  }
  const known = SSL_MODES.find((name) => name === given) ?? SSL_ALIASES.get(given);
  if (known === undefined) {
    throw new TypeError(`expected sslmode to be one of ${SSL_MODES.join(", ")}`);
  }
  return known;
}

/** What `ssl=…` of the driver says in terms of sslmode. */
const SSL_ALIASES: ReadonlyMap<string, SslMode> = new Map([
  ["true", "verify-full"],
  ["1", "verify-full"],
  ["false", "disable"],
  ["0", "disable"],
]);

function tlsMode(
  mode: SslMode,
  where: { host: string; local: boolean; hasRootCertificate: boolean },
): TlsMode {
  if (where.host.startsWith("/")) {
    return "disable"; // libpq, too, ignores sslmode on a Unix socket.
  }
  if (mode === "allow" || mode === "prefer") {
    return where.local ? "disable" : "require";
  }
  if (mode === "require") {
    return where.hasRootCertificate ? "verify-ca" : "require";
  }
  return mode === "no-verify" ? "require" : mode;
}

/** Where a connection looks for its server. Plain data: it goes to threads. */
export type Servers = {
  /** Tried in this order; the first that fits is taken. */
  readonly hosts: readonly Host[];
  readonly wants: TargetSessionAttrs;
};

export type Host = { readonly host: string; readonly port: number };

/** target_session_attrs, as far as a queue has a use for it. */
type TargetSessionAttrs = "any" | "read-write" | "primary" | "standby";

/** What a URL may ask for, and what several hosts are for where it does not say. */
type Wanted = {
  readonly known: readonly TargetSessionAttrs[];
  readonly ofSeveral: TargetSessionAttrs;
};
const WANTED: Readonly<Record<"primary" | "standby", Wanted>> = {
  primary: { known: ["any", "read-write", "primary"], ofSeveral: "read-write" },
  standby: { known: ["any", "standby"], ofSeveral: "standby" },
};

const DEFAULT_PORT = 5432;

/** Scheme and login, the addresses, and the rest; the password may hold a comma. */
const PARTS = /^(\w+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s;

/** As Node reads a URL, which takes no list of hosts: with another one in their place. */
export function withoutHosts({ url }: Pick<DatabaseUrl, "url">): URL {
  return new URL(url.replace(PARTS, "$1host$3"));
}

/**
 * Take `postgres://user@a:5432,b:5433/db` apart, which the URL of the standard cannot: null
 * where it names one host. `withHosts` of a URL for the first host makes it whole again.
 * Throws a TypeError that quotes nothing, because the text may hold a password.
 */
export function splitHosts(
  text: string,
): { first: string; hosts: Host[]; withHosts: (url: string) => string } | null {
  const [, start = "", addresses = "", rest = ""] = PARTS.exec(text) ?? [];
  const [first = "", ...others] = addresses.split(",");
  if (others.length === 0) {
    return null;
  }
  return {
    first: start + first + rest,
    hosts: [first, ...others].map(hostOf),
    withHosts: (url) => url.replace(PARTS, (_, login, __, end) => `${login}${addresses}${end}`),
  };
}

/** What the URL asks for; several hosts are there to find one that fits. */
function targetSessionAttrsOf(
  parameters: URLSearchParams,
  { isSeveral, known, ofSeveral }: Wanted & { readonly isSeveral: boolean },
): TargetSessionAttrs {
  const given = parameters.get("target_session_attrs");
  if (given === null) {
    return isSeveral ? ofSeveral : "any";
  }
  const asked = known.find((name) => name === given);
  if (asked === undefined) {
    throw new TypeError(`expected target_session_attrs to be one of ${known.join(", ")}`);
  }
  return asked;
}

function hostOf(address: string): Host {
  const url = URL.parse(`postgres://${address}/`);
  if (url === null || url.hostname === "" || url.username !== "" || url.password !== "") {
    throw new TypeError("expected each of several hosts to be a name or an address: a:5432,b:5433");
  }
  const host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1");
  if (host.startsWith("/")) {
    throw new TypeError("expected several hosts to be names or addresses, got a socket's folder");
  }
  return { host, port: url.port === "" ? DEFAULT_PORT : Number(url.port) };
}
