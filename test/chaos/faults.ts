import { setTimeout as delay } from "node:timers/promises";
import type { FaultKind } from "./plan/fault-kinds.ts";
import type { Fault } from "./plan/schedule.ts";
import type { Host } from "./system/network.ts";
import { signal } from "./system/processes.ts";
import type { Stage } from "./system/stage.ts";
import type { Workers } from "./system/workers.ts";

/** A worker that was killed, for the time until its tasks were rescued. */
export type Kill = { readonly pid: number; readonly at: Date };

/** Brings faults about, notes them, and undoes those that last. */
export class Faults {
  /** How many of each kind happened. */
  readonly counts = new Map<FaultKind, number>();
  readonly kills: Kill[] = [];
  readonly #stage: Stage;
  readonly #healing: AbortSignal;
  /** The server and its pooler fall one after the other, not while they come up. */
  #falls: Promise<unknown> = Promise.resolve();

  constructor(stage: Stage, { healing }: { healing: AbortSignal }) {
    this.#stage = stage;
    this.#healing = healing;
  }

  /** Resolves when the fault is over; `healing` ends one that lasts. */
  async inject(fault: Fault): Promise<void> {
    if (await this.#bringAbout(fault)) {
      this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
    }
  }

  /** Whether there was something to do it to. */
  async #bringAbout(fault: Fault): Promise<boolean> {
    const { server, pooler } = this.#stage;
    const host = pickOf(this.#stage.hosts, fault.pick);
    switch (fault.kind) {
      case "worker: kill -9":
        return this.#kill(await this.#pickWorker(fault.pick));
      case "host: kill -9 of its workers":
        return this.#kill(await host.pids());
      case "worker: SIGSTOP, SIGCONT":
        return await this.#freeze(await this.#pickWorker(fault.pick), fault);
      case "server: one backend terminated":
        return await this.#fall(async () => (await server.terminate(fault.pick, 1)) > 0);
      case "server: all backends terminated":
        return await this.#fall(async () => (await server.terminate(0, 1_000)) > 0);
      case "server: fast restart":
        return await this.#fall(() => server.restart("SIGINT"));
      case "server: immediate restart":
        return await this.#fall(() => server.restart("SIGQUIT"));
      case "server: kill -9 of the postmaster":
        return await this.#fall(() => server.restart("SIGKILL"));
      case "host: packets vanish":
        return await this.#cut(host, fault, (each) => each.vanish());
      case "host: cable pulled":
        return await this.#cut(host, fault, (each) => each.unplug());
      case "pooler: kill -9, restart":
        return await this.#fall(() => pooler.restart());
    }
  }

  async #pickWorker(pick: number): Promise<number[]> {
    const pids = (await Promise.all(this.#stage.hosts.map((host) => host.pids()))).flat();
    return pids.length === 0 ? [] : [pickOf(pids, pick)];
  }

  #kill(pids: readonly number[]): boolean {
    const at = new Date();
    const killed = pids.filter((pid) => signal(pid, "SIGKILL"));
    this.kills.push(...killed.map((pid) => ({ pid, at })));
    return killed.length > 0;
  }

  async #freeze(pids: readonly number[], { durationMs }: Fault): Promise<boolean> {
    const frozen = pids.filter((pid) => signal(pid, "SIGSTOP"));
    await this.#last(durationMs);
    for (const pid of frozen) {
      signal(pid, "SIGCONT");
    }
    return frozen.length > 0;
  }

  async #cut(
    { host }: Workers,
    { durationMs }: Fault,
    how: (host: Host) => Promise<void>,
  ): Promise<boolean> {
    await how(host);
    await this.#last(durationMs);
    await host.heal();
    return true;
  }

  #last(durationMs: number): Promise<void> {
    return delay(durationMs, undefined, { signal: this.#healing }).catch(() => undefined);
  }

  async #fall(make: () => Promise<unknown>): Promise<boolean> {
    const made = this.#falls.then(make);
    this.#falls = made.catch(() => undefined);
    return (await made) !== false;
  }
}

function pickOf<Value>(values: readonly Value[], pick: number): Value {
  const value = values[Math.floor(pick * values.length)];
  if (value === undefined) {
    throw new Error("expected something to pick from, got nothing");
  }
  return value;
}
