// Goal: the contract is whole: what queue.ts promises exists, and nothing beside it does.
// Method: the compiler holds the modules against the interface, in both directions; at run time
// their exports are compared with what the text of queue.ts describes.

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import * as attempts from "../../../src/database/attempts.ts";
import * as history from "../../../src/database/history.ts";
import * as monitoring from "../../../src/database/monitoring.ts";
import * as operator from "../../../src/database/operator.ts";
import * as outbox from "../../../src/database/outbox.ts";
import * as producer from "../../../src/database/producer.ts";
import type { Queue } from "../../../src/database/queue.ts";
import * as reader from "../../../src/database/reader.ts";
import * as retention from "../../../src/database/retention.ts";
import * as schedules from "../../../src/database/schedules.ts";
import * as workers from "../../../src/database/workers.ts";

const MODULES = {
  producer,
  attempts,
  workers,
  operator,
  reader,
  history,
  monitoring,
  retention,
  outbox,
  schedules,
};

/**
 * Functions beside the verbs: they ask by a verb, and send no statement of their own, or they are
 * a verb without its span, for the gateway, which has spans of its own.
 */
const NO_VERBS = ["differingSettings", "inEnqueueSpan", "insertTask", "insertTasks"];

const TEXT = readFileSync(
  path.join(import.meta.dirname, "..", "..", "..", "src", "database", "queue.ts"),
  "utf8",
);

test("every verb is implemented, with its own type", () => {
  const queue: Queue = {
    ...producer,
    ...attempts,
    ...workers,
    ...operator,
    ...reader,
    ...history,
    ...monitoring,
    ...retention,
    ...outbox,
    ...schedules,
  };

  expect(Object.values(queue)).not.toContain(undefined);
});

test("the file that a heading names has the verbs below it, and no others", () => {
  const [, body = ""] = TEXT.split("export interface Queue {\n");
  const [declared = ""] = body.split("\n}\n");
  const described: (readonly [file: string, verbs: Set<string>])[] = [];
  for (const [, file, verb] of declared.matchAll(
    /^ {2}(?:\/\/ .*?(\w+)\.ts ----$|readonly (\w+): \()/gm,
  )) {
    if (file !== undefined) described.push([file, new Set()]);
    if (verb !== undefined) described.at(-1)?.[1].add(verb);
  }

  const exported = Object.entries(MODULES).map(
    ([file, module]) =>
      [
        file,
        new Set(
          Object.entries(module)
            .filter(([name, value]) => typeof value === "function" && !NO_VERBS.includes(name))
            .map(([name]) => name),
        ),
      ] as const,
  );
  expect(described).toEqual(exported);
});
