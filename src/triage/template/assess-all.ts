import type { ChangedFile } from "../change-set.ts";
import { readEach } from "../read-each.ts";
import type { Assessment, assessBy } from "./assess.ts";
import type { TemplateConfig } from "./payload.ts";

export type Assessed = {
  readonly files: readonly { readonly file: ChangedFile; readonly assessment: Assessment }[];
  readonly degraded: readonly string[];
};

type About = {
  readonly config: TemplateConfig;
  readonly told: Parameters<typeof assessBy>[1];
};

/** What is said of a file that nobody could read: a person looks at it. */
const UNREAD: Assessment = {
  concern: { name: null, kind: "other", shared: [] },
  intent: "chore",
  skipped: null,
};

/** Find out in a thread what each file of a change is about, in their order. */
export async function assessAll(
  files: readonly ChangedFile[],
  about: About,
  signal: AbortSignal,
): Promise<Assessed> {
  const read = await readEach("assess", { shared: about, items: files }, { signal });
  return {
    files: files.map((file, place) => {
      const one = read[place];
      return { file, assessment: one !== undefined && "value" in one ? one.value : UNREAD };
    }),
    degraded: read.flatMap((one, place) =>
      "leftOut" in one
        ? [`${files[place]?.path} was left out of what changes are about: ${one.leftOut}`]
        : [],
    ),
  };
}
