import { z } from "zod";
import { withoutEnd } from "../../index.ts";
import { boundedPayload, changeEvent } from "../sources/event/change-event.ts";

const text = z.string().trim().min(1).max(1_000);
const texts = z.array(text).max(200);
const cloneUrl = text.max(2_000).nullish();

/** What the relationship of a template and its derivative says. */
const relationshipConfig = z.looseObject({
  relationship_type: z.string().default("template_fork"),
  description: z.string().default(""),
  /**
   * The derivative's folder; relative to the worker's working directory. Of a repository its
   * HEAD is read, of any other folder its files.
   */
  path: text.optional(),
  /** Concerns that the derivative takes over. Absent: the usual ones. */
  shared_concerns: texts.nullish(),
  /** Concerns in which it goes its own way. Absent: the usual ones. */
  divergent_concerns: texts.nullish(),
  sync_strategy: z.enum(["selective", "all", "security_only"]).default("selective"),
  bidirectional: z.boolean().default(false),
  /** `reverse`: the source is the derivative, and the target its template. */
  direction: z.enum(["forward", "reverse"]).default("forward"),
  /** Where files or folders of the template lie in the derivative. */
  path_map: z.record(text, text).default({}),
  /** The template's commit that the derivative was copied from, if they share no history. */
  base_ref: text.nullish(),
  /** Globs that say of which concern a file is, before any other rule. */
  concern_globs: z.record(text, texts).default({}),
  on_uncertain: z.enum(["flag", "ask"]).default("flag"),
  source_clone_url: cloneUrl,
  target_clone_url: cloneUrl,
});

/** What `template_triage` is asked: should the target take this change of the source? */
export const templateTriagePayload = boundedPayload(
  z.looseObject({
    source_repo: text,
    target_repo: text,
    change_event: changeEvent,
    relationship_config: relationshipConfig.prefault({}),
  }),
);
export type TemplateTriagePayload = z.output<typeof templateTriagePayload>;
export type TemplateConfig = TemplateTriagePayload["relationship_config"];

/** Where a path of the template lies in the derivative. */
export type MapPath = (path: string) => string;

/**
 * The map of a relationship's `path_map`. A key is a file or a folder; of several that fit,
 * the longest one counts. What none fits stays where it is.
 */
function pathMapper(pathMap: Readonly<Record<string, string>>): MapPath {
  const entries = Object.entries(pathMap)
    .map(([from, to]) => [bare(from), bare(to)] as const)
    .toSorted(([left], [right]) => right.length - left.length || (left < right ? -1 : 1));
  return (path) => {
    for (const [from, to] of entries) {
      if (path === from) return to === "" ? path : to;
      const isBelow = from === "" || path.startsWith(`${from}/`);
      if (!isBelow) continue;
      const rest = from === "" ? path : path.slice(from.length + 1);
      return to === "" ? rest : `${to}/${rest}`;
    }
    return path;
  };
}

/** The map of a relationship, which is written from the template's side, for its direction. */
export function mapPathOf({
  path_map,
  direction,
}: Pick<TemplateConfig, "path_map" | "direction">): MapPath {
  const back = Object.entries(path_map).map(([from, to]) => [to, from]);
  return pathMapper(direction === "reverse" ? Object.fromEntries(back) : path_map);
}

/** `./src/`, `src/` and `src` are one folder; "." is the root. */
function bare(path: string): string {
  return withoutEnd(path.replace(/^(?:\.?\/)+/, ""), "/").replace(/^\.$/, "");
}
