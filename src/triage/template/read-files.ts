import { extname } from "node:path";
import type { ChangedFile } from "../facts/change-set.ts";
import { type Reading, readEach } from "../reading/read-each.ts";
import type { AssessedBy, Assessment } from "./assess.ts";
import type { Explained } from "./explain.ts";

const ASSESSMENT: Reading<AssessedBy, ChangedFile, Assessment> = {
  module: new URL(`./assess${extname(import.meta.url)}`, import.meta.url).href,
  name: "assessorOf",
};
const EXPLANATION: Reading<undefined, ChangedFile, Explained> = {
  module: new URL(`./explain${extname(import.meta.url)}`, import.meta.url).href,
  name: "makeExplain",
};

export type Assessed = {
  readonly files: readonly { readonly file: ChangedFile; readonly assessment: Assessment }[];
  readonly degraded: readonly string[];
};

/** What is said of a file that nobody could read: a person looks at it. */
const UNREAD: Assessment = {
  concern: { name: null, kind: "other", shared: [] },
  intent: "chore",
  skipped: null,
};

/** Find out in a process of its own what each file of a change is about, in their order. */
export async function assessAll(
  files: readonly ChangedFile[],
  about: AssessedBy,
  signal: AbortSignal,
): Promise<Assessed> {
  const read = await readEach(ASSESSMENT, { shared: about, items: files }, { signal });
  return {
    files: files.map((file, index) => {
      const one = read[index];
      return { file, assessment: one !== undefined && "value" in one ? one.value : UNREAD };
    }),
    degraded: read.flatMap((one, index) =>
      "leftOut" in one
        ? [`${files[index]?.path} was left out of what changes are about: ${one.leftOut}`]
        : [],
    ),
  };
}

type ExplainedFiles = {
  readonly changes: ReadonlyMap<ChangedFile, readonly string[]>;
  readonly degraded: string[];
};

/** Find out in a process of its own what a change does to each of some files, by key. */
export async function explainAll(
  files: readonly ChangedFile[],
  signal: AbortSignal,
): Promise<ExplainedFiles> {
  const read = await readEach(EXPLANATION, { shared: undefined, items: files }, { signal });
  const changes = new Map<ChangedFile, readonly string[]>();
  const degraded: string[] = [];
  for (const [index, file] of files.entries()) {
    const one = read[index];
    if (one === undefined) continue;
    if ("value" in one) changes.set(file, one.value.changes);
    const why = "value" in one ? one.value.leftOut : one.leftOut;
    if (why !== null) degraded.push(`${file.path} was left out of what is told by key: ${why}`);
  }
  return { changes, degraded };
}
