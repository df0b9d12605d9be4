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
