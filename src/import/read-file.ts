/** Tasks in a JSON file of an older system, or in one that `triaged export` wrote. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { hasCode } from "../model/errors.ts";
import { isRecord, parseExactly } from "../model/json.ts";
import {
  type ForeignRecord,
  type ForeignTask,
  ForeignTaskError,
  readForeignTask,
} from "./foreign-task.ts";
import type { Source } from "./source.ts";

/** The file is held in memory as a whole, some times over. */
const FILE_BYTES_MAX = 268_435_456;

export async function readFileOfTasks(file: string): Promise<Source> {
  const name = path.basename(file);
  const tasks = recordsOf(parse(await readText(file), name), name);
  return {
    system: "file",
    tasks: tasks.map(
      ({ record, place }) =>
        () =>
          readTask(record, place),
    ),
    notes: [],
  };
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX) {
      throw new ForeignTaskError(
        `${file} has ${size} bytes, more than the limit of ${FILE_BYTES_MAX}`,
      );
    }
    return await readFile(file, "utf8");
  } catch (err) {
    if (hasCode(err, "ENOENT")) throw new ForeignTaskError(`there is no file ${file}`);
    if (hasCode(err, "EISDIR")) throw new ForeignTaskError(`${file} is a folder, not a file`);
    throw err;
  }
}

function parse(text: string, name: string): unknown {
  try {
    return parseExactly(text.replace(/^\uFEFF/, ""), { decimals: "kept" });
  } catch (err) {
    const reason = err instanceof Error ? err.message : String(err);
    throw new ForeignTaskError(`${name} is no JSON: ${reason}`, { cause: err });
  }
}

function readTask({ system, ...record }: ForeignRecord, place: string): ForeignTask {
  return readForeignTask(record, { place, system: typeof system === "string" ? system : "file" });
}

type Placed = { readonly record: ForeignRecord; readonly place: string };

/**
 * The records: an array, one under `tasks`, an object of tasks by their ids, or lists by status, as
 * `{"pending": […], "completed": […]}`.
 */
function recordsOf(document: unknown, name: string): Placed[] {
  const tasks = isRecord(document) && "tasks" in document ? document["tasks"] : document;
  if (Array.isArray(tasks)) {
    return tasks.map((record: unknown, at) => placed(record, `task ${at + 1} of ${name}`));
  }
  if (!isRecord(tasks)) {
    throw new ForeignTaskError(`${name} holds no list of tasks`);
  }
  return Object.entries(tasks).flatMap(([key, value]) => {
    if (Array.isArray(value)) {
      return value.map((record: unknown, at) =>
        placed(record, `task ${at + 1} of ${key} in ${name}`, { status: key }),
      );
    }
    // What stands beside lists and tasks, such as a version, is none.
    return isRecord(value) ? [placed(value, `task ${key} of ${name}`, { id: key })] : [];
  });
}

/** What the place of a record says of it counts where it does not say so itself. */
function placed(record: unknown, place: string, known: ForeignRecord = {}): Placed {
  if (!isRecord(record)) {
    throw new ForeignTaskError(`${place}: expected a JSON object`);
  }
  const hasId = "task_id" in record || "id" in record || "taskId" in record;
  const { id, ...others } = known;
  return {
    record: { ...others, ...(hasId || id === undefined ? {} : { id }), ...record },
    place,
  };
}
