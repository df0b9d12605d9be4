import { existsSync } from "node:fs";
import path from "node:path";
import { type Child, startChild } from "../frame/child.ts";

/** Where its package.json and, once installed, its node_modules are. */
export const PEERS_FOLDER = path.join(import.meta.dirname, "..");

/** What a process of a peer is told to do. All but `work` end by themselves. */
export type Order =
  | { readonly do: "install" }
  /** Put `count` no-ops in. Not measured. */
  | { readonly do: "fill"; readonly count: number }
  /** Work off what comes: `fetchers` that each fetch `batch` at a time. */
  | { readonly do: "work"; readonly fetchers: number; readonly batch: number }
  /** Put `count` in, timed: by `clients` that each insert `batch` in one call. */
  | ({ readonly do: "produce" } & Production);

export type Production = {
  readonly count: number;
  readonly clients: number;
  readonly batch: number;
};

export const PEERS = ["pg-boss", "bullmq"] as const;
export type Peer = (typeof PEERS)[number];

/** A process of a peer, of the packages that bench/package.json names. */
export function startPeer(peer: Peer, url: string, order: Order): Child {
  return startChild([path.join(PEERS_FOLDER, "peers", `${peer}-process.ts`)], {
    PEER_URL: url,
    PEER_ORDER: JSON.stringify(order),
  });
}

/** What must be typed for the peers to take part. */
export const INSTALL_PEERS = "npm ci --prefix bench";

export function isInstalled(peer: Peer): boolean {
  return existsSync(path.join(PEERS_FOLDER, "node_modules", peer, "package.json"));
}
