import { LRUCache } from "lru-cache";
import type { TaskRow } from "../database/rows.ts";
import { toJson } from "../model/json.ts";
import type { HistoryTail } from "./history-tail.ts";

export type CacheLimits = {
  /** Tasks, and bytes of them as JSON. */
  readonly tasksMax: number;
  readonly bytesMax: number;
  /** A task that nothing happened to is read again after so long. */
  readonly ttlMs: number;
  /** The same of one that runs: its progress is not in history. */
  readonly startedMs: number;
  /** While history is not told for longer, nothing is answered from here. */
  readonly behindMax: number;
  /** Nobody has asked for so long: forget all, and follow history no more. */
  readonly idleMs: number;
};

export const CACHE_LIMITS: CacheLimits = {
  tasksMax: 10_000,
  bytesMax: 134_217_728,
  ttlMs: 300_000,
  startedMs: 1_000,
  behindMax: 1_000,
  idleMs: 60_000,
};

/**
 * Tasks that were read lately. History tells of each transition, by whatever host, and the task is
 * read again then: within some tenths of a second. Where history cannot be told, because the
 * database is away or a transaction holds it up, every read asks the database. For looks, never
 * for decisions.
 */
export class TaskCache {
  readonly #tail: HistoryTail;
  readonly #read: (taskId: string) => Promise<TaskRow | null>;
  readonly #limits: CacheLimits;
  readonly #tasks: LRUCache<string, TaskRow>;
  /** Reads under way. One that a transition came in between is gone from here: it is not kept. */
  readonly #reading = new Map<string, object>();
  #following: { readonly over: AbortController; isLive: boolean } | null = null;
  #idle: NodeJS.Timeout | null = null;
  #hits = 0;
  #misses = 0;

  constructor(options: {
    readonly tail: HistoryTail;
    /** Asks the database. */
    readonly read: (taskId: string) => Promise<TaskRow | null>;
    readonly limits?: Partial<CacheLimits>;
  }) {
    this.#tail = options.tail;
    this.#read = options.read;
    this.#limits = { ...CACHE_LIMITS, ...options.limits };
    const { tasksMax, bytesMax, ttlMs } = this.#limits;
    this.#tasks = new LRUCache({
      max: tasksMax,
      maxSize: bytesMax,
      ttl: ttlMs,
      sizeCalculation: (task) => toJson(task).length,
    });
  }

  /** Reads that were answered from here, and by the database, since the start. */
  get counts(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses };
  }

  /** A task as it was some tenths of a second ago, or null. Do not change it: others get it too. */
  async get(taskId: string): Promise<TaskRow | null> {
    this.#follow();
    const known = this.#isCurrent() ? this.#tasks.get(taskId) : undefined;
    if (known !== undefined) {
      this.#hits += 1;
      return known;
    }
    this.#misses += 1;
    return await this.#readAndKeep(taskId);
  }

  /** Read it anew next time: this process has changed it. */
  drop(taskId: string): void {
    this.#reading.delete(taskId);
    this.#tasks.delete(taskId);
  }

  /** Forget all, and follow history no more. */
  close(): void {
    this.#following?.over.abort();
    this.#following = null;
    this.#forget();
    if (this.#idle !== null) {
      clearTimeout(this.#idle);
      this.#idle = null;
    }
  }

  async #readAndKeep(taskId: string): Promise<TaskRow | null> {
    const isFollowed = this.#isCurrent();
    const own = {};
    this.#reading.set(taskId, own);
    try {
      const task = await this.#read(taskId);
      if (task !== null && isFollowed && this.#reading.get(taskId) === own && this.#isCurrent()) {
        const { ttlMs, startedMs } = this.#limits;
        this.#tasks.set(taskId, task, { ttl: task.status === "started" ? startedMs : ttlMs });
      }
      return task;
    } finally {
      if (this.#reading.get(taskId) === own) {
        this.#reading.delete(taskId);
      }
    }
  }

  /** Whether every transition was told that is older than a moment. */
  #isCurrent(): boolean {
    return this.#following?.isLive === true && this.#tail.behindMs <= this.#limits.behindMax;
  }

  #follow(): void {
    this.#idle ??= this.#endWhenIdle();
    this.#idle.refresh();
    if (this.#following === null) {
      const following = { over: new AbortController(), isLive: false };
      this.#following = following;
      void this.#dropTold(following);
    }
  }

  #endWhenIdle(): NodeJS.Timeout {
    return setTimeout(() => this.close(), this.#limits.idleMs).unref();
  }

  /** Drop each task that something happened to. Never rejects. */
  async #dropTold(following: { readonly over: AbortController; isLive: boolean }): Promise<void> {
    try {
      const follower = await this.#tail.begin({}, following.over.signal);
      following.isLive = true;
      for await (const { task_id } of follower) {
        this.drop(task_id);
      }
    } catch {
      // Too slow, or the database is away: the next read begins anew.
    } finally {
      if (this.#following === following) {
        this.#following = null;
        this.#forget();
      }
    }
  }

  #forget(): void {
    this.#reading.clear();
    this.#tasks.clear();
  }
}
