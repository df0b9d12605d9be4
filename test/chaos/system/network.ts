import { cannotMakeNamespaces, openNamespaces } from "./namespaces.ts";
import { openProxies } from "./stalling-proxy.ts";

/** A host of workers, as far as its network goes. */
export type Host = {
  readonly name: string;
  /** The words that start a program there. */
  readonly within: (words: readonly string[]) => string[];
  /** The address there of what listens on this machine, given its address here. */
  readonly addressOf: (url: string) => Promise<string>;
  /** Let nothing through any more, and tell neither side. */
  readonly vanish: () => Promise<void>;
  /** Take the network away, so that the host notices. */
  readonly unplug: () => Promise<void>;
  /** Undo both. */
  readonly heal: () => Promise<void>;
};

export type Network = AsyncDisposable & {
  readonly hosts: readonly Host[];
  /** Addresses of this machine on which servers for the hosts must listen too. */
  readonly listen: readonly string[];
  /** What the cuts are made with. */
  readonly means: string;
};

/** A network of hosts by these names: of namespaces where that is allowed, else of proxies. */
export async function openNetwork(names: readonly string[]): Promise<Network> {
  const reason = await cannotMakeNamespaces();
  return reason === null ? await openNamespaces(names) : openProxies(names, reason);
}
