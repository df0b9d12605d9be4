import { type LookupAddress, lookup as resolve } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { PermanentError } from "../model/outcome.ts";

/**
 * Addresses that no stranger's URL may lead to: this host, private and link-local networks
 * (where clouds keep the credentials of a machine), carrier networks, multicast, what is
 * reserved. An IPv4 address within IPv6 counts as the IPv4 address.
 */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  // Unspecified, loopback, and the obsolete form of IPv4 within IPv6.
  ["::", 96],
  // Translated to IPv4 by the network: what they lead to cannot be seen here.
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv6");
}

/** Whether a numeric address is private; what is no address at all counts as one. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  return family === 0 || PRIVATE.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** Throws a PermanentError for a URL whose host is written as a private address. */
export function refusePrivateLiteral({ hostname }: URL): void {
  const literal = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal) !== 0 && isPrivateAddress(literal)) {
    throw refusal(literal);
  }
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
