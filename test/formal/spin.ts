import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { Bounds } from "./runs.ts";

const execute = promisify(execFile);
const MODEL = path.join(import.meta.dirname, "protocol.pml");
const RUN_MS_MAX = 300_000;
/** Steps of one path; a search that is cut off there is no proof, and an error. */
const DEPTH_MAX = 1_000_000;
const MEMORY_MB_MAX = 4_000;

export type Check = {
  readonly bounds: Bounds;
  /** Mechanisms that are taken out, by the name of their macro. */
  readonly without?: string;
  /** The one property to check; else all. */
  readonly only?: number;
  /** The claim of liveness to check instead, under weak fairness. */
  readonly claim?: string;
};

export type Found = { readonly holds: boolean; readonly states: number; readonly ms: number };

/** Whether what it takes is there. */
export async function hasSpin(): Promise<boolean> {
  try {
    await execute("spin", ["-V"]);
    await execute("gcc", ["--version"]);
    return true;
  } catch {
    return false;
  }
}

/** Search all states. Throws when the search did not come to an end. */
export async function check({ bounds, without, only = 0, claim }: Check): Promise<Found> {
  const folder = await mkdtemp(path.join(tmpdir(), "triaged-formal-"));
  const options = { cwd: folder, timeout: RUN_MS_MAX, maxBuffer: 64 * 1024 * 1024 };
  const macros = { ...bounds, ONLY: only };
  try {
    await execute(
      "spin",
      [
        ...Object.entries(macros).map(([name, value]) => `-D${name}=${value}`),
        ...(without === undefined ? [] : [`-D${without}`]),
        ...(claim === undefined ? [] : ["-DLIVENESS"]),
        "-a",
        MODEL,
      ],
      options,
    );
    // As many processes as the fairness of the search counts at most.
    const search = claim === undefined ? ["-DSAFETY"] : ["-DNFAIR=6"];
    await execute(
      "gcc",
      ["-O2", "-w", `-DMEMLIM=${MEMORY_MB_MAX}`, ...search, "-o", "pan", "pan.c"],
      options,
    );
    const began = performance.now();
    const { stdout } = await execute(
      path.join(folder, "pan"),
      [`-m${DEPTH_MAX}`, ...(claim === undefined ? [] : ["-a", "-f", "-N", claim])],
      options,
    );
    return readFound(stdout, performance.now() - began);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readFound(printed: string, ms: number): Found {
  const errors = /errors: (\d+)/.exec(printed)?.[1];
  const states = /(\d+) states, stored/.exec(printed)?.[1];
  // It also stops at an error, which is a result: the path that breaks the property.
  const isCut = /max search depth too small|out of memory|reached -DMEMLIM/.test(printed);
  if (errors === undefined || states === undefined || (isCut && errors === "0")) {
    throw new Error(`the search did not come to an end:\n${printed}`);
  }
  if (errors !== "0" && !/assertion violated|acceptance cycle/.test(printed)) {
    throw new Error(`expected a broken property, got another error:\n${printed}`);
  }
  return { holds: errors === "0", states: Number(states), ms };
}
