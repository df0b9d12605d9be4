import { readdirSync, readFileSync } from "node:fs";
import { type LoadHookSync, registerHooks } from "node:module";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { z } from "zod";
import type { Database, Queryable } from "../database/database.ts";
import { enqueueTask } from "../database/producer.ts";
import { EnvironmentError, EXIT_CODES } from "../model/errors.ts";
import { defineHandler, HANDLER, type Handler, type HandlerContext } from "../model/handler.ts";

/** A task file as graphile-worker has them. */
type PlainTask = (payload: never, helpers: never) => unknown;

/** What a file of the folder exports by default. */
type LoadedHandlers = {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly plainTasks: ReadonlyMap<string, PlainTask>;
};

/** How long one file may take to load, with all that it imports. */
const LOAD_MS_MAX = 30_000;

/** What can be a handler: a script whose name starts with a letter or a digit. */
const HANDLER_FILE = /^([a-z0-9][\w-]*)\.[cm]?[jt]s$/i;

/**
 * Load every handler of a folder; the file's name without its ending is the task type.
 * Files that start with another character, declarations (`.d.ts`), tests (`.test.ts`) and
 * folders are passed over. Throws an EnvironmentError (78) for a file that does not load,
 * exports no handler by default, or declares a type twice.
 */
export async function loadHandlers(folder: string): Promise<LoadedHandlers> {
  letHandlersImportUs();
  const handlers = new Map<string, Handler>();
  const plainTasks = new Map<string, PlainTask>();
  const fileOf = new Map<string, string>();
  for (const file of handlerFiles(folder)) {
    const taskType = HANDLER_FILE.exec(file)?.[1] ?? file;
    const other = fileOf.get(taskType);
    if (other !== undefined) {
      throw unusable(`${other} and ${file} both declare task type ${taskType}`, "keep one of them");
    }
    fileOf.set(taskType, file);
    const exported = await load(path.join(folder, file));
    if (isHandler(exported)) {
      handlers.set(taskType, exported);
    } else if (isPlainTask(exported)) {
      plainTasks.set(taskType, exported);
    } else {
      throw unusable(
        `${path.join(folder, file)} ${whatIsWrong(exported)}`,
        "write `export default defineHandler({ … })`, or a function (payload, helpers)",
      );
    }
  }
  if (fileOf.size === 0) {
    throw unusable(
      `there is no handler in ${folder}`,
      "put a file like send_mail.ts there, or name another folder: --tasks DIR",
    );
  }
  return { handlers, plainTasks };
}

function handlerFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && HANDLER_FILE.test(entry.name))
      .map((entry) => entry.name)
      .toSorted();
  } catch (err) {
    throw unusable(
      `cannot read the folder of handlers, ${folder}`,
      "create it, or name another one: --tasks DIR, or TASKS_DIR",
      err,
    );
  }
}

async function load(file: string): Promise<unknown> {
  try {
    return unwrapped(await importFile(file, LOAD_MS_MAX));
  } catch (err) {
    const reason = err instanceof Error ? `${err.name}: ${err.message}` : String(err);
    throw unusable(`${file} does not load: ${reason}`, "mend the file, or take it out", err);
  }
}

/** A CommonJS file that was compiled from `export default` has the handler one level down. */
function unwrapped(exported: unknown): unknown {
  return typeof exported === "object" &&
    exported !== null &&
    "__esModule" in exported &&
    "default" in exported
    ? exported.default
    : exported;
}

function isHandler(exported: unknown): exported is Handler {
  return typeof exported === "object" && exported !== null && HANDLER in exported;
}

function isPlainTask(exported: unknown): exported is PlainTask {
  return typeof exported === "function";
}

function whatIsWrong(value: unknown): string {
  if (value === undefined) {
    return "has no default export";
  }
  const kind = value === null ? "null" : `a value of type ${typeof value}`;
  return `has no handler as its default export, but ${kind}`;
}

function unusable(message: string, hint: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError(message, { hint, exitCode: EXIT_CODES.config, cause });
}

/**
 * Import a script and answer its default export. Rejects with what it throws, when it calls
 * process.exit, which would end the worker with the code of a drained queue and no word, and
 * when it is not ready after `deadlineMs`: a top-level await that never ends would end it so.
 */
async function importFile(file: string, deadlineMs: number): Promise<unknown> {
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    throw new Error(`it called process.exit(${code ?? ""})`);
  };
  const loaded = new AbortController();
  const late = delay(deadlineMs, undefined, { signal: loaded.signal }).then(() => {
    throw new Error(`it is not ready after ${deadlineMs / 1000} s`);
  });
  try {
    const module: { default?: unknown } = await Promise.race([
      import(pathToFileURL(file).href),
      late,
    ]);
    return module.default;
  } finally {
    loaded.abort();
    process.exit = exit;
  }
}

let isRegistered = false;

/**
 * Let handlers import `triaged` and `zod` from a folder that has no node_modules: where
 * Node finds neither there, it takes ours. A handler's own copy wins. And let them be ES
 * modules beside a package.json that says otherwise.
 */
function letHandlersImportUs(): void {
  if (isRegistered) {
    return;
  }
  isRegistered = true;
  const index = path.join(import.meta.dirname, "..", `index${path.extname(import.meta.filename)}`);
  const ours = new Map([
    ["triaged", pathToFileURL(index).href],
    ["zod", import.meta.resolve("zod")],
  ]);
  registerHooks({
    load: loadByItsSyntax,
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (err) {
        const url = ours.get(specifier);
        if (url === undefined) {
          throw err;
        }
        return { url, shortCircuit: true };
      }
    },
  });
}

/** A statement at the start of a line that CommonJS does not have. */
const MODULE_SYNTAX =
  // unproven pattern -- it reads the files of the operator's own handlers
  /^(?:import\s*["'{*]|import\s+[\w$]+[\s,]|export\s+(?:default|const|let|async|function|class|type|interface)\b|export\s*[{*])/m;

/**
 * A hook of Node's loader: a file that is written as an ES module is one, whatever the
 * nearest package.json says. `npm init` writes `"type": "commonjs"`, under which Node
 * refuses the `import` of somebody's first handler. Files of node_modules, and those that
 * have no such statement, stay what they are.
 */
const loadByItsSyntax: LoadHookSync = (url, context, nextLoad) => {
  const { format } = context;
  if ((format !== "commonjs" && format !== "commonjs-typescript") || !isWrittenAsModule(url)) {
    return nextLoad(url, context);
  }
  const asModule = format === "commonjs" ? "module" : "module-typescript";
  return nextLoad(url, { ...context, format: asModule });
};

function isWrittenAsModule(url: string): boolean {
  return (
    /^file:.*\.[jt]s$/.test(url) &&
    !url.includes("/node_modules/") &&
    MODULE_SYNTAX.test(readFileSync(fileURLToPath(url), "utf8"))
  );
}

/** Connections on loan to a task file, as far as the helpers need them. */
export type ClientPool = Queryable & {
  readonly connect: () => Promise<Queryable & { release(): void }>;
};

/**
 * Run a task file written for graphile-worker: `(payload, helpers)`. Of its helpers there
 * are logger, job, abortSignal, query, withPgClient and addJob, which enqueues a task. What
 * the function returns is the result.
 */
export function handlerOfPlainTask(
  run: PlainTask,
  { db, pool }: { db: Database; pool: ClientPool },
): Handler {
  return defineHandler({
    payload: z.looseObject({}),
    // The type of a foreign function's arguments cannot be known; graphile-worker has no schema.
    run: (payload, context) =>
      Reflect.apply(run, undefined, [payload, helpersOf(payload, context, { db, pool })]),
  });
}

function helpersOf(
  payload: Record<string, unknown>,
  context: HandlerContext,
  { db, pool }: { db: Database; pool: ClientPool },
) {
  const { task, signal, attempt, maxAttempts, previousError } = context;
  const log =
    (level: "error" | "warn" | "info" | "debug") =>
    (message: string, details: Record<string, unknown> = {}) =>
      context.logger[level](details, message);
  return {
    logger: { error: log("error"), warn: log("warn"), info: log("info"), debug: log("debug") },
    job: {
      id: task.taskId,
      task_identifier: task.taskType,
      payload,
      attempts: attempt,
      max_attempts: maxAttempts,
      last_error: previousError,
    },
    abortSignal: signal,
    query: (text: string, values: readonly unknown[] = []) => pool.query(text, [...values]),
    withPgClient: async <Result>(use: (client: Queryable) => Promise<Result>): Promise<Result> => {
      const client = await pool.connect();
      try {
        return await use(client);
      } finally {
        client.release();
      }
    },
    addJob: (identifier: string, jobPayload: unknown = {}, spec: JobSpec = {}) =>
      addJob(db, identifier, { payload: jobPayload, spec }),
  };
}

/** What graphile-worker calls a task spec, as far as tasks have the like. */
type JobSpec = { runAt?: Date; maxAttempts?: number; jobKey?: string };

async function addJob(
  db: Database,
  identifier: string,
  { payload, spec }: { payload: unknown; spec: JobSpec },
): Promise<{ id: string }> {
  const { taskId } = await enqueueTask(db, {
    taskType: identifier,
    payload: JSON.stringify(payload),
    runAt: spec.runAt,
    maxAttempts: spec.maxAttempts,
    dedupeKey: spec.jobKey,
    dedupeMode: "replace",
  });
  return { id: taskId };
}
