import { readdirSync } from "node:fs";
import path from "node:path";
import { EnvironmentError, EXIT_CODES } from "../errors.ts";
import { HANDLER, type Handler } from "../handler.ts";
import { importFile } from "./import-file.ts";
import { letHandlersImportUs } from "./resolve-hooks.ts";

/** A task file as graphile-worker has them. */
export type PlainTask = (payload: never, helpers: never) => unknown;

/** What a file of the folder exports by default. */
export type LoadedHandlers = {
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
