/** What a door may answer beside what it is for. */
import { z } from "zod";

/** The body of each answer of 400 and above. */
export const ErrorReply = z
  .strictObject({
    error: z.string().describe("A code for programs."),
    message: z.string().describe("A sentence for people."),
    hint: z.string().nullable().describe("What to do about it, or null."),
    issues: z
      .array(z.strictObject({ field: z.string(), message: z.string() }))
      .optional()
      .describe(
        "Of a request that does not fit its schema: each field, and what is wrong with it.",
      ),
  })
  .meta({ id: "Error" });

/** The answers that each door may give beside its own. */
export const FAILURES = {
  400: ErrorReply,
  401: ErrorReply,
  403: ErrorReply,
  404: ErrorReply,
  409: ErrorReply,
  413: ErrorReply,
  415: ErrorReply,
  422: ErrorReply,
  429: ErrorReply,
  500: ErrorReply,
  503: ErrorReply,
};
