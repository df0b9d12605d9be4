/** A host of git that means no good, and which processes of git run for a process. */

import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type HttpServer, serve } from "./http-servers.ts";

const HEAD = "a".repeat(40);

/** What a host says that speaks git's protocol and means no good. */
export type Hostile = {
  /** Lines of the list of refs; none: no more of them. @default one branch */
  readonly refs?: (at: number) => readonly string[];
  /** Bytes of the pack behind its header; false: no more of them. @default none */
  readonly pack?: (at: number) => Buffer | false;
  /** Milliseconds between two pieces. @default 0 */
  readonly everyMs?: number;
};

/** Serve one repository by protocol 2, at any path. */
export async function serveHostile(hostile: Hostile): Promise<HttpServer> {
  return await serve((request, response) => {
    void answer(request, response, hostile).catch(() => response.destroy());
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { refs = oneBranch, pack = () => false, everyMs = 0 }: Hostile,
): Promise<void> {
  const isAdvertisement = request.method === "GET";
  const kind = isAdvertisement ? "advertisement" : "result";
  response.setHeader("content-type", `application/x-git-upload-pack-${kind}`);
  if (isAdvertisement) {
    const capabilities = ["version 2\n", "agent=x\n", "ls-refs\n", "fetch=shallow\n"];
    response.end(
      `${packet("# service=git-upload-pack\n")}0000${capabilities.map(packet).join("")}0000`,
    );
    return;
  }
  const asked = Buffer.concat(await request.toArray()).toString("latin1");
  if (asked.includes("command=ls-refs")) {
    await send(response, everyMs, (at) => {
      const told = refs(at);
      return told.length === 0 ? false : Buffer.from(told.map(packet).join(""));
    });
    response.end("0000");
    return;
  }
  response.write(packet("packfile\n"));
  await send(response, everyMs, (at) => {
    const told = pack(at);
    return told === false ? false : band(told);
  });
  response.end("0000");
}

export function oneBranch(at: number): string[] {
  if (at > 0) return [];
  return [`${HEAD} HEAD symref-target:refs/heads/main\n`, `${HEAD} refs/heads/main\n`];
}

/** Branches for ever. */
export function endlessBranches(at: number): string[] {
  return [...oneBranch(at), ...branches(at * 1_000, 1_000)];
}

export function branches(from: number, count: number): string[] {
  const name = (at: number) => `refs/heads/branch-${String(from + at).padStart(40, "0")}`;
  return Array.from({ length: count }, (_, at) => `${HEAD} ${name(at)}\n`);
}

/** A pack of one file that has no end. */
export function endlessPack(at: number): Buffer {
  if (at > 0) {
    const size = 60_000;
    const head = Buffer.from([0, size & 255, size >> 8, ~size & 255, (~size >> 8) & 255]);
    return Buffer.concat([head, Buffer.alloc(size, at)]);
  }
  const header = Buffer.alloc(12);
  header.write("PACK");
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(1, 8);
  // A blob of 2^39 - 1 bytes, and the head of its stream, whose blocks are stored as they are.
  const blob = [0xbf, ...Array.from({ length: 4 }, () => 0xff), 0x7f, 0x78, 0x01];
  return Buffer.concat([header, Buffer.from(blob)]);
}

function packet(text: string): string {
  return (text.length + 4).toString(16).padStart(4, "0") + text;
}

function band(bytes: Buffer): Buffer {
  const length = (bytes.length + 5).toString(16).padStart(4, "0");
  return Buffer.concat([Buffer.from(`${length}\u0001`, "latin1"), bytes]);
}

/** As fast as the other side takes it, and until that goes. */
async function send(
  response: ServerResponse,
  everyMs: number,
  next: (at: number) => Buffer | false,
): Promise<void> {
  for (let at = 0; !response.destroyed; at++) {
    const told = next(at);
    if (told === false) return;
    const isFull = !response.write(told);
    if (!isFull && everyMs === 0 && at % 100 !== 0) continue;
    await new Promise<void>((resolve) => {
      const go = () => {
        response.off("drain", go);
        response.off("close", go);
        resolve();
      };
      response.once("close", go);
      if (isFull) response.once("drain", go);
      else setTimeout(go, everyMs);
    });
  }
}

type Process = { readonly pid: number; readonly parent: number; readonly group: number };

/** The process groups that a process has started and that are not its own. Linux alone. */
export async function groupsBelow(pid: number): Promise<number[]> {
  const all = await processes();
  const own = all.find((one) => one.pid === pid)?.group;
  const groups = all.filter(({ parent }) => parent === pid).map(({ group }) => group);
  return [...new Set(groups)].filter((group) => group !== own);
}

/** What runs in a group, by the names of the programs. */
export async function namesIn(group: number): Promise<string[]> {
  const members = (await processes()).filter((one) => one.group === group);
  const names = members.map(({ pid }) =>
    readFile(`/proc/${pid}/comm`, "utf8").then(
      (name) => [name.trim()],
      () => [],
    ),
  );
  return (await Promise.all(names)).flat().toSorted();
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = pids.map(async (pid): Promise<Process[]> => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (stat === "") return [];
    const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z"
      ? []
      : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }];
  });
  return (await Promise.all(read)).flat();
}
