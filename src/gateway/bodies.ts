/** Bodies: what of them is JSON, read so that no number loses a digit. */
import { isUtf8 } from "node:buffer";
import type { FastifyRequest } from "fastify";
import { parseExactly } from "../model/json.ts";
import type { Gateway } from "./gateway.ts";
import { Refusal } from "./refusal.ts";
import { TASKS_MAX } from "./shapes.ts";

/** Take JSON, and lines of JSON as an array of them; no other type of content. */
export function readBodies(app: Gateway): void {
  app.removeAllContentTypeParsers();
  const options = { parseAs: "buffer" } as const;
  app.addContentTypeParser(
    "application/json",
    options,
    reading((text) => parsed(text, "body")),
  );
  app.addContentTypeParser(
    ["application/x-ndjson", "application/ndjson", "application/jsonl"],
    options,
    reading(linesOf),
  );
}

/** What reads a body, as Fastify calls it. */
function reading(read: (text: string) => unknown) {
  return (
    request: FastifyRequest,
    body: Buffer,
    done: (err: Error | null, value?: unknown) => void,
  ) => {
    let value: unknown;
    try {
      request.routeOptions.config.verify?.(request, body);
      value = read(textOf(body));
    } catch (err) {
      done(err instanceof Error ? err : new Error(String(err)));
      return;
    }
    done(null, value);
  };
}

/** Undefined for an empty text: the schema of the door says whether it needs a body. */
function parsed(text: string, place: string): unknown {
  if (text.trim() === "") {
    return undefined;
  }
  try {
    return parseExactly(text, { decimals: "kept" });
  } catch (err) {
    // Too deep for the parser's stack, which the schemas would find too deep as well.
    const isDeep = err instanceof RangeError || !(err instanceof Error);
    const reason = isDeep ? "it is nested too deep" : (err.message.split("\n")[0] ?? "");
    throw new Refusal(400, "not_json", `${place} is not JSON: ${reason}`, {
      hint: "send JSON in UTF-8, and numbers as JSON writes them",
    });
  }
}

function linesOf(text: string): unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length > TASKS_MAX) {
    // Before they are parsed.
    throw new Refusal(413, "too_many_tasks", `There are more than ${TASKS_MAX} lines.`, {
      hint: "send them in several requests",
    });
  }
  return lines.map((line, place) => parsed(line, `line ${place + 1}`));
}

function textOf(body: Buffer): string {
  if (!isUtf8(body)) {
    throw new Refusal(400, "not_utf8", "The body is not UTF-8.", {
      hint: "encode text as UTF-8, and binary data as base64",
    });
  }
  return body.toString("utf8");
}
