import { type LookupAddress, lookup as resolve } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { PermanentError } from "../model/outcome.ts";

/** Addresses of IPv6 that anybody may have; the rest is special, or nobody has it yet. */
const PUBLIC_IPV6 = ipaddr.parseCIDR("2000::/3");

/**
 * Whether a numeric address is one that no stranger's URL may lead to: this host, private and
 * link-local networks (where clouds keep the credentials of a machine), carrier networks, networks
 * that translate to IPv4 (where they lead cannot be seen here), multicast, what is reserved. An
 * IPv4 address within IPv6 counts as the IPv4 address; what Node takes for no address, such as one
 * with octal or hexadecimal parts, counts as private, and so does one with a zone.
 */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  const url = family === 6 ? `http://[${address}]/` : `http://${address}/`;
  if (family === 0 || !URL.canParse(url)) {
    return true;
  }
  // As a URL spells it: ipaddr.js would take ::1.2.3.4, which is no public address, for 1.2.3.4.
  const parsed = ipaddr.process(literalOf(new URL(url)));
  return parsed.range() !== "unicast" || (parsed.kind() === "ipv6" && !parsed.match(PUBLIC_IPV6));
}

/** Throws a PermanentError for a URL whose host is written as a private address. */
export function refusePrivateLiteral(url: URL): void {
  const literal = literalOf(url);
  if (isIP(literal) !== 0 && isPrivateAddress(literal)) {
    throw refusal(literal);
  }
}

/**
 * Look whether a URL leads to a private address, before it is kept; whoever uses it looks again.
 * Rejects with a PermanentError where it does. A name that cannot be resolved now may be later.
 */
export async function refusePrivateHost(url: URL): Promise<void> {
  refusePrivateLiteral(url);
  const host = literalOf(url);
  const addresses = isIP(host) === 0 ? await lookup(host, { all: true }).catch(() => []) : [];
  if (addresses.some(({ address }) => isPrivateAddress(address))) {
    throw refusal(host);
  }
}

function literalOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * Resolves names for a socket, and refuses those with a private address among theirs. It is
 * what the socket connects to, so that a second answer of the name server changes nothing.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (err, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    if (err !== null || first === undefined) {
      callback(err ?? new Error(`${hostname} has no address`), "");
    } else if (addresses.some(({ address }) => isPrivateAddress(address))) {
      callback(refusal(hostname), "");
    } else if (options.all === true) {
      callback(null, addresses);
    } else {
      callback(null, first.address, first.family);
    }
  });
};

function refusal(host: string): PermanentError {
  return new PermanentError(
    `${host} is a private address; ALLOW_PRIVATE_WEBHOOKS=true would allow it`,
  );
}
