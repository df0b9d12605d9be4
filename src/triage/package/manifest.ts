import { join } from "node:path";
import { z } from "zod";
import { PermanentError } from "../../outcome.ts";
import { withoutMark } from "../../without-mark.ts";
import { Fence } from "../fence.ts";

const names = z.record(z.string(), z.string()).catch({});

/** Of package.json what the rules read. A field of another shape counts as absent. */
const manifestSchema = z.looseObject({
  name: z.string().catch(""),
  version: z.string().catch(""),
  type: z.string().optional().catch(undefined),
  main: z.string().optional().catch(undefined),
  exports: z.unknown().optional(),
  bin: z
    .union([z.string(), z.record(z.string(), z.string())])
    .optional()
    .catch(undefined),
  engines: names.default({}),
  scripts: names.default({}),
  dependencies: names.default({}),
  devDependencies: names.default({}),
  optionalDependencies: names.default({}),
  peerDependencies: names.default({}),
  peerDependenciesMeta: z
    .record(z.string(), z.looseObject({ optional: z.boolean().optional() }))
    .catch({})
    .default({}),
});
export type Manifest = z.output<typeof manifestSchema>;

/** A package.json and where it is. */
export type PackageTree = {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly text: string;
};

/**
 * Read `directory`/package.json, within a fence. Throws a PermanentError that names the file and
 * what is wrong.
 */
export function readPackageTree(
  directory: string,
  fence: Fence = new Fence([directory]),
): PackageTree {
  const path = join(directory, "package.json");
  const text = fence.readFile(path);
  if (text === undefined) throw new PermanentError(`cannot read ${path}: ${fence.refusal(path)}`);
  return { directory, manifest: parseManifest(path, withoutMark(text)), text: withoutMark(text) };
}

function parseManifest(path: string, text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PermanentError(`cannot parse ${path}: ${reasonOf(error)}`, { cause: error });
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    throw new PermanentError(`cannot parse ${path}: expected a JSON object`);
  }
  return parsed.data;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
