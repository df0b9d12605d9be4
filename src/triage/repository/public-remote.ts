import { promises as dns, type LookupAddress } from "node:dns";
import { isIP } from "node:net";
import { PermanentError, RetryableError } from "../../outcome.ts";
import { isPrivateAddress } from "../../private-address.ts";
import type { Remote } from "./remote.ts";

/** Resolves a name to all of its addresses. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * The remote, where it is guarded, with public addresses for git to connect to, and to no
 * others: a second answer of the name server changes nothing, and no redirect is followed.
 * Through a proxy of the worker's environment the proxy resolves the name by itself.
 *
 * Throws a PermanentError for a private address, a RetryableError for a name without any.
 */
export async function toPublicAddress(
  remote: Remote,
  repo: string,
  resolve: Resolve = (hostname) => dns.lookup(hostname, { all: true }),
): Promise<Remote> {
  if (!remote.isGuarded) return remote;
  const { hostname, port } = new URL(remote.url);
  const literal = hostname.replace(/^\[(.*)\]$/, "$1");
  const isLiteral = isIP(literal) !== 0;
  const addresses = isLiteral ? [literal] : await addressesOf(hostname, repo, resolve);
  if (addresses.some(isPrivateAddress)) {
    throw new PermanentError(
      `cannot clone ${JSON.stringify(repo.slice(0, 200))}: its event names ${hostname}, which is ` +
        "a private address; hint: register where it is (triaged relationships add … " +
        "--source-url URL), or set ALLOW_PRIVATE_WEBHOOKS=true",
    );
  }
  const config = new Map([...remote.config, ["http.followRedirects", "false"]]);
  if (!isLiteral) {
    const bracketed = addresses.map((one) => (one.includes(":") ? `[${one}]` : one));
    config.set("http.curloptResolve", `${hostname}:${port || "443"}:${bracketed.join(",")}`);
  }
  return { ...remote, config };
}

async function addressesOf(hostname: string, repo: string, resolve: Resolve): Promise<string[]> {
  try {
    return (await resolve(hostname)).map(({ address }) => address);
  } catch (error) {
    throw new RetryableError(`${repo} cannot be reached: ${hostname} has no address`, {
      cause: error,
    });
  }
}
