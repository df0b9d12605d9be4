import { type LookupAddress, lookup as resolve } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { PermanentError } from "../outcome.ts";
import { isPrivateAddress } from "../private-address.ts";

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
