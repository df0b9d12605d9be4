import { randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { hasCode } from "../model/errors.ts";
import { isAlive, processStartTime } from "./processes.ts";

const Holder = z.object({ pid: z.int().positive(), start: z.string() });
type Holder = z.infer<typeof Holder>;

/** The lock with the function that releases it, or the pid of the living process that has it. */
type FileLock =
  | { readonly holder: null; readonly release: () => Promise<void> }
  | { readonly holder: number };

/**
 * Try to lock a file path for this process. A lock left by a dead process is taken over.
 *
 * It protects processes of one machine from each other, and callers within this one: nobody
 * gets a lock twice. Node offers no kernel lock on files, and containers that share the
 * folder do not see each other's pids.
 */
export async function tryFileLock(path: string): Promise<FileLock> {
  const holder = await acquire(path, {
    pid: process.pid,
    start: await processStartTime(process.pid),
  });
  return holder === null
    ? { holder, release: () => rm(path, { force: true }) }
    : { holder: holder.pid };
}

/** Null when the lock is ours, else who holds it. */
async function acquire(path: string, self: Holder): Promise<Holder | null> {
  for (;;) {
    if (await create(path, self)) {
      return null;
    }
    const found = await read(path);
    if (found === "absent") {
      continue;
    }
    if (found !== null && (await lives(found))) {
      return found;
    }
    const rival = await removeDead(path, self);
    if (rival !== null) {
      return rival;
    }
  }
}

/**
 * Remove the lock of a dead process. Done under a lock of its own, taken in the same way:
 * otherwise, of two starters that both saw the dead holder, the second could remove the
 * lock that the first has just made. Null when done, else who is doing it.
 */
async function removeDead(path: string, self: Holder): Promise<Holder | null> {
  const takeover = `${path}.takeover`;
  const rival = await acquire(takeover, self);
  if (rival !== null) {
    return rival;
  }
  try {
    const found = await read(path);
    if (found === null || (found !== "absent" && !(await lives(found)))) {
      await rm(path, { force: true });
    }
    return null;
  } finally {
    await rm(takeover, { force: true });
  }
}

/** Written aside and linked, so that nobody reads a lock that has no holder in it yet. */
async function create(path: string, self: Holder): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(self));
  try {
    await link(draft, path);
    return true;
  } catch (err) {
    if (hasCode(err, "EEXIST")) {
      return false;
    }
    throw err;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Null for a file that holds no holder: nobody of us wrote it, so nobody lives who did. */
async function read(path: string): Promise<Holder | null | "absent"> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (err) {
    if (hasCode(err, "ENOENT")) {
      return "absent";
    }
    throw err;
  }
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function lives(holder: Holder): Promise<boolean> {
  return isAlive(holder.pid) && (await processStartTime(holder.pid)) === holder.start;
}
