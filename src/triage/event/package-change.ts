import semver from "semver";
import { z } from "zod";

const text = z.string().trim().min(1).max(1_000);

/** `v7.1.1` is 7.1.1. */
const version = text
  .transform((given) => semver.valid(given) ?? given)
  .refine((given) => semver.valid(given) !== null, {
    error: 'expected an exact version such as "7.1.1"',
  });

/** An upgrade of an npm package. Relative paths start at the worker's working directory. */
export const packageChange = z.looseObject({
  name: text,
  from: version,
  to: version,
  /** Folders or tarballs that hold the two versions. Absent: installed copies, else the registry. */
  from_path: text.optional(),
  to_path: text.optional(),
});
