/** Keys that begin with "_" are comments for people: kept, and read by nobody. */
import { z } from "zod";

export function isComment(key: string): boolean {
  return key.startsWith("_");
}

export function withoutComments(
  object: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !isComment(key)));
}

/** An object of these names, but for its comments; all of it is kept as it is. */
export function besideComments(names: readonly string[], value: z.ZodType) {
  const expected = `expected one of ${names.join(", ")}`;
  return z.record(z.string(), z.unknown()).superRefine((given, context) => {
    for (const [name, one] of Object.entries(withoutComments(given))) {
      const issues = names.includes(name)
        ? (value.safeParse(one).error?.issues ?? [])
        : [{ path: [], message: expected }];
      for (const { path, message } of issues) {
        context.addIssue({ code: "custom", path: [name, ...path], message });
      }
    }
  });
}
