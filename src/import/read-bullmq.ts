/**
 * Jobs of BullMQ, read as records of `readForeignTask` by its own client, which knows how its keys
 * are laid out in each version. It is an optional peer: whoever has jobs there has it installed.
 */
import type { Job, Queue } from "bullmq";
import type { Redis } from "ioredis";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import { parseExactly } from "../model/json.ts";
import { crontabLines, type ForeignSchedule } from "./crontab-lines.ts";
import { type ForeignRecord, ForeignTaskError, readForeignTask } from "./foreign-task.ts";
import type { Source } from "./source.ts";

/** Of one import: they are in memory at a time. */
const JOBS_MAX = 1_000_000;
/** Read at a time, in one pipeline. */
const PAGE = 500;
const CONNECT_MS_MAX = 10_000;
const ATTEMPTS_MAX = 100;
/** Delayed jobs are sorted by their time in milliseconds times this, and a number. */
const SCORES_PER_MS = 0x1000;

/** In which the jobs of a queue are, and the order in which they would run. */
const STATES = [
  ["wait", "queued"],
  ["paused", "queued"],
  ["prioritized", "queued"],
  ["delayed", "queued"],
  ["active", "running"],
  ["waiting-children", "blocked"],
  ["completed", "finished"],
  ["failed", "failed"],
] as const;
type State = (typeof STATES)[number][0];

export type BullmqOptions = {
  /** Of its keys. */
  readonly prefix: string;
  /** Undefined: all of the prefix. */
  readonly queue: string | undefined;
  /** Begin ids with the names of queues, for queues that gave the same id to different jobs. */
  readonly qualifyIds: boolean;
  /** Take what moved while it was read as it was: nothing comes of it. */
  readonly mayMove: boolean;
};

/** Read all jobs at `url` of Redis. Throws a ForeignTaskError where jobs move meanwhile. */
export async function readBullmq(url: string, options: BullmqOptions): Promise<Source> {
  const { bullmq, ioredis } = await loadClient();
  const redis = new ioredis.Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS_MAX,
    // As BullMQ wants it; without a second try to connect, a command fails at once.
    maxRetriesPerRequest: null,
    retryStrategy: () => null,
  });
  let lost: unknown;
  redis.on("error", (err: unknown) => void (lost = err));
  try {
    await redis.connect();
    const names = await queuesOf(redis, options);
    const read: ReadQueue[] = [];
    for (const name of names) {
      // Its constructor would write what it is into the queue.
      const queue = new bullmq.Queue(name, {
        connection: redis,
        prefix: options.prefix,
        skipMetasUpdate: true,
      });
      queue.on("error", (err) => void (lost = err));
      read.push(await readQueueOf(queue, redis, options));
    }
    return toSource(read);
  } catch (err) {
    if (err instanceof ForeignTaskError || err instanceof EnvironmentError) throw err;
    throw unreachable(redis, lost ?? err);
  } finally {
    redis.disconnect();
  }
}

async function loadClient() {
  try {
    const [bullmq, ioredis] = await Promise.all([import("bullmq"), import("ioredis")]);
    return { bullmq, ioredis };
  } catch (err) {
    throw new EnvironmentError(
      "jobs of BullMQ are read by its own client, which is not installed",
      {
        hint: "beside triaged: npm install bullmq ioredis",
        exitCode: EXIT_CODES.config,
        cause: err,
      },
    );
  }
}

/** Says the host, and never the URL: it may hold a password. */
function unreachable(redis: Redis, err: unknown): EnvironmentError {
  const { host = "localhost", port = 6379 } = redis.options;
  const reason = err instanceof Error ? err.message : String(err);
  return new EnvironmentError(`cannot read Redis at ${host}:${port}: ${reason}`, {
    hint: "write redis://user:password@host:6379/0, or rediss:// for TLS",
    exitCode: EXIT_CODES.databaseUnreachable,
    cause: err,
  });
}

/** The names of queues, in their order. A queue has a key `meta` from its first job on. */
async function queuesOf(redis: Redis, { prefix, queue }: BullmqOptions): Promise<string[]> {
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, keys] = await redis.scan(cursor, "MATCH", "*:meta", "COUNT", 1_000);
    for (const key of keys) found.add(key.slice(0, -":meta".length));
    cursor = next;
  } while (cursor !== "0");
  const begin = `${prefix}:`;
  const names = [...found]
    .filter((key) => key.startsWith(begin))
    .map((key) => key.slice(begin.length))
    .toSorted();
  if (queue !== undefined && names.includes(queue)) return [queue];
  if (queue === undefined && names.length > 0) return names;
  const others = [...found].filter((key) => key.includes(":")).toSorted();
  const there =
    names.length > 0
      ? `, but ${names.join(", ")}`
      : others.length > 0
        ? `, but ${others.join(", ")}; --prefix says what stands before the colon`
        : "";
  throw new ForeignTaskError(
    `no queue${queue === undefined ? "" : ` ${queue}`} of BullMQ with the prefix ${prefix} is there${there}`,
  );
}

type ReadQueue = {
  readonly name: string;
  readonly tasks: Source["tasks"];
  readonly schedules: readonly ForeignSchedule[];
  /** Repeatable jobs of a form that this version of BullMQ does not read. */
  readonly hasOldSchedules: boolean;
  /** Jobs that wait for the next time of a schedule. */
  readonly upcoming: number;
  /** Ids in lists, without a job: Redis or somebody has deleted it. */
  readonly gone: number;
  readonly hasMoved: boolean;
};

async function readQueueOf(queue: Queue, redis: Redis, options: BullmqOptions): Promise<ReadQueue> {
  const places = await placesOf(queue, redis);
  const ids = [...places.keys()];
  if (ids.length > JOBS_MAX) {
    throw new ForeignTaskError(
      `${queue.name} has more than ${JOBS_MAX} jobs, the limit of one import`,
    );
  }
  const dueAt = await dueTimes(queue, redis);
  const tasks: Source["tasks"][number][] = [];
  let [gone, upcoming] = [0, 0];
  for (let from = 0; from < ids.length; from += PAGE) {
    const page = ids.slice(from, from + PAGE);
    const jobs = await Promise.all(page.map((id) => readJob(queue, redis, id)));
    for (const [at, read] of jobs.entries()) {
      const id = page[at] ?? "";
      const state = places.get(id);
      if (read === null || state === undefined) gone += 1;
      else if (state === "delayed" && read.job.repeatJobKey !== undefined) upcoming += 1;
      else {
        const runAt = state === "delayed" ? dueAt.get(id) : undefined;
        tasks.push(() => readTask(queue, { ...read, id, state, runAt }, options));
      }
    }
  }
  const after = await placesOf(queue, redis);
  const hasMoved = after.size !== places.size || ids.some((id) => after.get(id) !== places.get(id));
  if (hasMoved && !options.mayMove) {
    throw new ForeignTaskError(
      `jobs of ${queue.name} moved while they were read: stop its workers and producers, ` +
        "since what waits there would run in both places",
    );
  }
  const schedules = await schedulesOf(queue);
  return {
    name: queue.name,
    tasks,
    schedules: schedules ?? [],
    hasOldSchedules: schedules === null,
    upcoming,
    gone,
    hasMoved,
  };
}

/** Each job and its state, in the order in which they would run. */
async function placesOf(queue: Queue, redis: Redis): Promise<ReadonlyMap<string, State>> {
  const places = new Map<string, State>();
  for (const [state] of STATES) {
    const ids =
      state === "paused"
        ? // Where versions before 6 put the jobs of a queue that is paused; the oldest is the last.
          (await redis.lrange(queue.toKey(state), 0, -1)).toReversed()
        : await queue.getRanges([state], 0, -1, true);
    // Beside ids, the lists of some versions hold a marker for workers.
    for (const id of ids) {
      if (!/^0:\d+$/.test(id)) places.set(id, state);
    }
  }
  return places;
}

/** When delayed jobs are due: of one that failed, `delay` counts from another time. */
async function dueTimes(queue: Queue, redis: Redis): Promise<ReadonlyMap<string, number>> {
  const words = await redis.zrange(queue.toKey("delayed"), 0, -1, "WITHSCORES");
  const times = new Map<string, number>();
  for (let at = 0; at + 1 < words.length; at += 2) {
    times.set(words[at] ?? "", Math.floor(Number(words[at + 1]) / SCORES_PER_MS));
  }
  return times;
}

type ReadJob = {
  readonly job: Job;
  /** As they were written: BullMQ parses them, and rounds long numbers. */
  readonly data: string | null;
  readonly returnValue: string | null;
};

async function readJob(queue: Queue, redis: Redis, id: string): Promise<ReadJob | null> {
  const [job, [data = null, returnValue = null]] = await Promise.all([
    queue.getJob(id),
    redis.hmget(queue.toKey(id), "data", "returnvalue"),
  ]);
  return job === undefined ? null : { job, data, returnValue };
}

type PlacedJob = ReadJob & {
  readonly id: string;
  readonly state: State;
  readonly runAt: number | undefined;
};

function readTask(queue: Queue, placed: PlacedJob, options: BullmqOptions) {
  const { job, id, state, data, returnValue, runAt } = placed;
  const status = STATES.find(([name]) => name === state)?.[1] ?? state;
  const { repeat: _, jobId: _id, parent: _parent, timestamp: _at, ...opts } = withRepeat(job.opts);
  const hasEnded = status === "finished" || status === "failed";
  const record: ForeignRecord = {
    id: idHere(queue.name, id, options),
    parent_id: parentOf(job, options),
    // A job without a name of its own is called so, or not at all.
    task_type: ["", "__default__"].includes(job.name) ? queue.name : job.name,
    queue: queue.name,
    status,
    payload: parsed(data) ?? {},
    // Those without a priority run first; the order among the others is that of the import.
    priority: (job.priority ?? 0) === 0 ? 2 : 3,
    its_priority: (job.priority ?? 0) === 0 ? undefined : job.priority,
    created_at: job.timestamp,
    run_at: runAt,
    started_at: job.processedOn,
    ended_at: hasEnded ? job.finishedOn : undefined,
    worker_id: job.processedBy,
    result: parsed(returnValue),
    error: job.failedReason,
    attempts: job.attemptsMade,
    max_attempts: Math.min(ATTEMPTS_MAX, Math.max(1, job.opts.attempts ?? 1)),
    progress: job.progress === 0 ? undefined : job.progress,
    job_id: id,
    opts,
    stacktrace: job.stacktrace === null || job.stacktrace.length === 0 ? undefined : job.stacktrace,
    deduplication_id: job.deduplicationId,
    repeat_job_key: job.repeatJobKey,
  };
  return readForeignTask(record, {
    place: `job ${id} of ${queue.name}`,
    system: `bullmq:${queue.name}`,
  });
}

/** `repeat` is in the options of jobs that a schedule made, and in no type of theirs. */
function withRepeat(opts: Job["opts"]): Job["opts"] & { readonly repeat?: unknown } {
  return opts;
}

/**
 * The id here. A producer's own id is kept, as the key that it is; one that BullMQ made is
 * known in its queue alone.
 */
function idHere(queue: string, id: string, { qualifyIds }: BullmqOptions): string {
  const isMade = /^\d+$/.test(id) || id.startsWith("repeat:");
  if (isMade) return `bullmq:${queue}:${id}`;
  return qualifyIds ? `${queue}:${id}` : id;
}

function parentOf({ parent, parentKey }: Job, options: BullmqOptions): string | undefined {
  // Else the whole key, `prefix:queue:id`: the id of a producer may have no colon.
  const key = parent === undefined ? parentKey : `${parent.queueKey}:${parent.id}`;
  if (key === undefined) return undefined;
  const [queueKey, id] = [key.slice(0, key.lastIndexOf(":")), key.slice(key.lastIndexOf(":") + 1)];
  return idHere(queueKey.slice(options.prefix.length + 1), id, options);
}

/** Null for what is absent or null. What is no JSON, as of an old version, is text. */
function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    return parseExactly(text, { decimals: "kept" });
  } catch {
    return text;
  }
}

/** Null: they are of a form before job schedulers, which BullMQ 6 refuses. */
async function schedulesOf(queue: Queue): Promise<ForeignSchedule[] | null> {
  const schedulers = await queue.getJobSchedulers().catch((err: unknown) => {
    if (err instanceof Error && /legacy repeatable/i.test(err.message)) return null;
    throw err;
  });
  if (schedulers === null) return null;
  return schedulers.flatMap(({ key, name, pattern, every, tz, template, ...rest }) => {
    const times = pattern === undefined ? every : pattern;
    if (times === undefined) return [];
    const { limit, startDate, endDate } = rest;
    return [
      {
        name: key,
        taskType: ["", "__default__"].includes(name) ? queue.name : name,
        queue: queue.name,
        times: typeof times === "string" ? { cron: times } : { everyMs: times },
        timeZone: tz ?? "UTC",
        payload: template?.data,
        remarks: [
          ...(startDate === undefined ? [] : [`begins ${new Date(startDate).toISOString()}`]),
          ...(endDate === undefined ? [] : [`ends ${new Date(endDate).toISOString()}`]),
          ...(limit === undefined ? [] : [`ends after ${limit} times`]),
        ],
      },
    ];
  });
}

function toSource(read: readonly ReadQueue[]): Source {
  const schedules = read.flatMap((queue) => queue.schedules);
  const sum = (count: (queue: ReadQueue) => number) =>
    read.reduce((total, queue) => total + count(queue), 0);
  const [gone, upcoming] = [sum((queue) => queue.gone), sum((queue) => queue.upcoming)];
  const old = read.filter(({ hasOldSchedules }) => hasOldSchedules).map(({ name }) => name);
  const moved = read.filter(({ hasMoved }) => hasMoved).map(({ name }) => name);
  return {
    system: "bullmq",
    tasks: read.flatMap(({ tasks }) => tasks),
    notes: [
      `Queues keep their names: workers serve them by QUEUES=${read.map(({ name }) => name).join(",")}.`,
      "How long to wait after a failure is what handlers say here; options of jobs are in metadata.imported.",
      ...(moved.length === 0 ? [] : [`Jobs moved while they were read, in ${moved.join(", ")}.`]),
      ...(gone === 0 ? [] : [`${gone} ids in lists of BullMQ have no job any more.`]),
      ...(upcoming === 0
        ? []
        : [`${upcoming} jobs wait for the next time of a schedule, and stay: it makes them here.`]),
      ...(old.length === 0
        ? []
        : [
            `Repeatable jobs of ${old.join(", ")} are older than job schedulers, and were not read: ` +
              "npm install bullmq@5, and import once more.",
          ]),
      ...(schedules.length === 0
        ? []
        : [`Its schedules, as lines for SCHEDULES_FILE:\n${crontabLines(schedules)}`]),
    ],
  };
}
