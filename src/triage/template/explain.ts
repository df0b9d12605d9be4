import { isCompose, isDockerfile } from "../change/file-kinds.ts";
import type { ChangedFile } from "../change-set.ts";
import { dockerfileKeys, type KeyedValues } from "./dockerfile-keys.ts";
import { documentKeys } from "./document-keys.ts";
import { shown } from "./shown.ts";
import { TEMPLATE_LIMITS } from "./template-limits.ts";

const VALUE_MAX = 80;

/** What a change does to a file, and why that is not told. */
export type Explained = { readonly changes: readonly string[]; readonly leftOut: string | null };

const NOTHING: Explained = { changes: [], leftOut: null };

/**
 * What a change does to a file of a known format, by key: a Dockerfile, a compose file, a
 * workflow of GitHub, a package.json. Empty for any other, and where a side is not known.
 */
export function explain({ path, before, after }: ChangedFile): Explained {
  const read = readerOf(path);
  const { explainedTextMax } = TEMPLATE_LIMITS;
  if (read === null || before === null || after === null) return NOTHING;
  if (Math.max(before.length, after.length) > explainedTextMax) {
    return { ...NOTHING, leftOut: `it has more than ${explainedTextMax} characters` };
  }
  const [old, now] = [read(before), read(after)];
  if (old === null || now === null) return NOTHING;
  for (const side of [old, now]) {
    if ("leftOut" in side) return { ...NOTHING, leftOut: `it ${side.leftOut}` };
  }
  return old instanceof Map && now instanceof Map ? told(old, now) : NOTHING;
}

function told(old: KeyedValues, now: KeyedValues): Explained {
  const { explanationsMax } = TEMPLATE_LIMITS;
  const lines = differences(old, now);
  const kept = lines.slice(0, explanationsMax);
  const left = lines.length - kept.length;
  return { changes: left > 0 ? [...kept, `… and ${left} more`] : kept, leftOut: null };
}

type Reader = (text: string) => KeyedValues | { readonly leftOut: string } | null;

function readerOf(path: string): Reader | null {
  if (isDockerfile(path)) return dockerfileKeys;
  const isWorkflow =
    /(?:^|\/)\.github\/(?:workflows|actions)\/./.test(path) && /\.ya?ml$/.test(path);
  const isManifest = /(?:^|\/)package\.json$/.test(path);
  return isCompose(path) || isWorkflow || isManifest ? documentKeys : null;
}

/** First what changed, then what came, then what went. */
function differences(old: KeyedValues, now: KeyedValues): string[] {
  const changed = [...now].flatMap(([key, value]) => {
    const before = old.get(key);
    return before === undefined || before === value ? [] : [changeOf(key, before, value)];
  });
  const came = [...now.keys()].filter((key) => !old.has(key)).map((key) => verbed(key, "added"));
  const gone = [...old.keys()].filter((key) => !now.has(key)).map((key) => verbed(key, "removed"));
  return [...changed, ...came, ...gone];
}

function changeOf(key: string, before: string, after: string): string {
  const change = `${shown(before, VALUE_MAX)} → ${shown(after, VALUE_MAX)}`;
  // The image tells by itself what it is.
  return /^FROM \d+/.test(key) ? change : `${shown(key, VALUE_MAX)}: ${change}`;
}

function verbed(key: string, verb: string): string {
  return `${shown(key, VALUE_MAX)} ${verb}`;
}
