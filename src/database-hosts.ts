/** Where a connection looks for its server. Plain data: it goes to threads. */
export type Servers = {
  /** Tried in this order; the first that fits is taken. */
  readonly hosts: readonly Host[];
  readonly wants: Wanted;
};

export type Host = { readonly host: string; readonly port: number };

/** target_session_attrs, as far as a queue has a use for it. */
export const WANTED = ["any", "read-write", "primary"] as const;
export type Wanted = (typeof WANTED)[number];

const DEFAULT_PORT = 5432;

/** Scheme and login, the addresses, and the rest; the password may hold a comma. */
const PARTS = /^(\w+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s;

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

/** What the URL asks for; several hosts are there to find the one that can be written to. */
export function wantedOf(parameters: URLSearchParams, hosts: number): Wanted {
  const given = parameters.get("target_session_attrs");
  if (given === null) {
    return hosts > 1 ? "read-write" : "any";
  }
  const known = WANTED.find((name) => name === given);
  if (known === undefined) {
    throw new TypeError(`expected target_session_attrs to be one of ${WANTED.join(", ")}`);
  }
  return known;
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
