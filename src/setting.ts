/**
 * Schemas of what arrives as text, from the environment or from flags. Each says in one
 * sentence what it expected and what it got.
 */
import { z } from "zod";
import { withoutEnd } from "./without-end.ts";

type Range = { readonly min: number; readonly max: number };

export function text({ max = 10_000 }: { max?: number } = {}) {
  return z
    .string()
    .min(1, { error: "expected some text, got none" })
    .max(max, { error: `expected at most ${max} characters` });
}

export function integer({ min, max }: Range) {
  return z.string().transform((given, context) => {
    const value = Number(given);
    if (/^-?\d+$/.test(given.trim()) && value >= min && value <= max) {
      return value;
    }
    return refuse(context, `expected an integer from ${min} to ${max}, got "${given}"`);
  });
}

/** Seconds, with decimals; comes out as whole milliseconds. */
export function seconds({ min, max }: Range) {
  return z.string().transform((given, context) => {
    const value = Number(given);
    if (/^\d+(\.\d+)?$/.test(given.trim()) && value >= min && value <= max) {
      return Math.round(value * 1000);
    }
    return refuse(context, `expected seconds from ${min} to ${max}, got "${given}"`);
  });
}

export function choice<const Name extends string>(names: readonly Name[]) {
  return z.string().transform((given, context) => {
    const known = names.find((name) => name === given);
    return known ?? refuse(context, `expected one of ${names.join(", ")}, got "${given}"`);
  });
}

/** Where repositories are cloned from: a URL that `owner/name` can be put behind. */
export function cloneBase() {
  return z.string().transform((given, context) => {
    const url = URL.canParse(given) ? new URL(given) : null;
    const known = ["https:", "http:", "ssh:", "file:"].includes(url?.protocol ?? "");
    if (url !== null && known && url.password === "" && url.search === "" && url.hash === "") {
      return withoutEnd(given, "/");
    }
    return refuse(context, "expected an https, http, ssh or file URL without password or query");
  });
}

/** Something that goes into a header: it must not be able to end it. */
export function token() {
  return z
    .string()
    .trim()
    .max(1_000)
    .regex(/^[\x21-\x7e]+$/, { error: "expected printable ASCII without blanks" });
}

/** Names with commas between them. */
export function list({ max }: { max: number }) {
  return z.string().transform((given, context) => {
    const names = given.split(",").map((name) => name.trim());
    if (names.length <= max && names.every((name) => name !== "")) {
      return names;
    }
    return refuse(context, `expected up to ${max} names with commas between, got "${given}"`);
  });
}

export function yesOrNo() {
  return z.string().transform((given, context) => {
    switch (given.trim().toLowerCase()) {
      case "true":
      case "yes":
      case "on":
      case "1":
        return true;
      case "false":
      case "no":
      case "off":
      case "0":
        return false;
      default:
        return refuse(context, `expected true or false, got "${given}"`);
    }
  });
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
