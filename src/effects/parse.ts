import type { z } from "zod";
import { PermanentError } from "../outcome.ts";
import { ServerTrouble } from "./exchange.ts";
import type { Answer } from "./send.ts";

/** The payload as its kind has it; a PermanentError that lists the paths that do not fit. */
export function parsePayload<Schema extends z.ZodType>(
  schema: Schema,
  payload: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(payload);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new PermanentError(`the payload of the effect does not fit: ${issues.join("; ")}`);
  }
  return parsed.data;
}

/** The JSON of an answer; ServerTrouble for what is something else, without quoting it. */
export function parseAnswer<Schema extends z.ZodType>(
  schema: Schema,
  { text }: Answer,
): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new ServerTrouble("the answer is not what was asked for");
  }
}
