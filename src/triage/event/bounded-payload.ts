import { z } from "zod";
import { EVENT_LIMITS } from "../limits.ts";

/** The schema of a payload, behind a look at its depth, which goes down without calls. */
export function boundedPayload<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value, context) => {
    if (!isDeep(value)) return value;
    const message = `expected at most ${EVENT_LIMITS.depthMax} objects and lists within each other`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }, schema);
}

function isDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const below: unknown[] = [];
    for (const one of level) {
      if (typeof one !== "object" || one === null) continue;
      if (depth >= EVENT_LIMITS.depthMax) return true;
      for (const inner of Object.values(one)) below.push(inner);
    }
    level = below;
  }
  return false;
}
