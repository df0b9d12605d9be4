import { z } from "zod";
import { parseJsonText } from "../facts/json-text.ts";

/** A key that no handler reads: kept, and perhaps a slip of the finger. */
export type UnknownKey = {
  /** Where it stands, such as `relationships["owner/name"].consumers[0]`; "" at the top. */
  readonly path: string;
  readonly key: string;
  /** Those that would be read there. */
  readonly known: readonly string[];
};

const OF_FILE = ["version", "description", "relationships", "notification_settings"];
const OF_REPOSITORY = [
  "type",
  "description",
  "consumers",
  "derivatives",
  "parent_template",
  "bidirectional",
  "clone_url",
];
const OF_BOTH = ["relationship_type", "description", "on_uncertain", "path"];
const OF_CONFIG = {
  api_consumer: [
    ...OF_BOTH,
    "interface_files",
    "change_triggers",
    "urgency_mapping",
    "packages",
    "hosts",
    "env_names",
  ],
  template_fork: [
    ...OF_BOTH,
    "shared_concerns",
    "divergent_concerns",
    "sync_strategy",
    "bidirectional",
    "path_map",
    "base_ref",
    "concern_globs",
  ],
} as const;
type RelationshipType = keyof typeof OF_CONFIG;
const OF_ITEM = {
  api_consumer: ["repo", "clone_url", ...OF_CONFIG.api_consumer],
  template_fork: ["repo", "clone_url", ...OF_CONFIG.template_fork],
};
const OF_SETTINGS = ["default_urgency_thresholds", "digest_schedule"];
const OF_THRESHOLD = ["action", "labels", "notify_webhook"];

/** The keys of one relationship's configuration that nothing reads. */
export function unknownConfigKeys(type: RelationshipType, config: unknown): UnknownKey[] {
  return keysBeyond("", config, OF_CONFIG[type]);
}

/** The same for a whole file of relationships, whose shape was checked before. */
export function unknownFileKeys(text: string): UnknownKey[] {
  const file: unknown = parseJsonText(text);
  const repositories = Object.entries(recordIn(file, "relationships")).filter(
    ([name]) => !isComment(name),
  );
  return [
    ...keysBeyond("", file, OF_FILE),
    ...unknownSettings(recordIn(file, "notification_settings")),
    ...repositories.flatMap(([name, repository]) => {
      const path = `relationships[${JSON.stringify(name)}]`;
      return [
        ...keysBeyond(path, repository, OF_REPOSITORY),
        ...inEntries(`${path}.consumers`, recordIn(repository, "consumers"), "api_consumer"),
        ...inEntries(`${path}.derivatives`, recordIn(repository, "derivatives"), "template_fork"),
        ...keysBeyond(
          `${path}.parent_template`,
          recordIn(repository, "parent_template"),
          OF_ITEM.template_fork,
        ),
      ];
    }),
  ];
}

function inEntries(path: string, entries: object, type: RelationshipType): UnknownKey[] {
  return Object.entries(entries).flatMap(([at, entry]) =>
    keysBeyond(`${path}[${at}]`, entry, OF_ITEM[type]),
  );
}

function unknownSettings(settings: object): UnknownKey[] {
  const path = "notification_settings";
  const thresholds = recordIn(settings, "default_urgency_thresholds");
  return [
    ...keysBeyond(path, settings, OF_SETTINGS),
    ...Object.entries(thresholds).flatMap(([urgency, threshold]) =>
      isComment(urgency)
        ? []
        : keysBeyond(`${path}.default_urgency_thresholds.${urgency}`, threshold, OF_THRESHOLD),
    ),
  ];
}

function keysBeyond(path: string, value: unknown, known: readonly string[]): UnknownKey[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value)
    .filter((key) => !known.includes(key) && !isComment(key))
    .map((key) => ({ path, key, known }));
}

/** An object or a list below a key; nothing where there is none. */
function recordIn(value: unknown, key: string): object {
  if (typeof value !== "object" || value === null) return {};
  const below: unknown = Reflect.get(value, key);
  return typeof below === "object" && below !== null ? below : {};
}

/** Keys that begin with "_" are comments for people: kept, and read by nobody. */

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
