/** The way back: a file of relationships that says what is registered, and imports as that. */
import { isRecord } from "../../index.ts";
import { canonicalJson } from "../facts/cache-key.ts";
import { parentOf, type RelationshipEntry, Spelling } from "./file-import.ts";
import { FileSchema } from "./file-schema.ts";

type Json = Readonly<Record<string, unknown>>;

/** What the database holds, in the order in which it was registered. */
type Held = {
  readonly repositories: readonly {
    readonly repo_name: string;
    readonly repo_type: string;
    readonly metadata: Json;
  }[];
  readonly relationships: readonly {
    readonly source_repo: string;
    readonly target_repo: string;
    readonly relationship_type: RelationshipEntry["relationshipType"];
    readonly config: Json;
  }[];
  /** Null: none were saved. */
  readonly notifications: Json | null;
  readonly top: Json | null;
};

const LISTS = { api_consumer: "consumers", template_fork: "derivatives" } as const;
/** What a person looks for first; the rest in the order of the database. */
const ITEM_KEYS = ["description", "interface_files", "change_triggers", "urgency_mapping"];

/**
 * The file. A repository has an entry of its own where more is known of it than that it stands
 * at an end of a relationship: an import registers the others by that alone.
 */
export function exportedFile({ notifications, top, ...held }: Held): Json {
  const registry = new Registry(held);
  const entries = held.repositories.flatMap((one) => registry.entryOf(one));
  const { version, description, relationships: comments, ...more } = top ?? {};
  return {
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    ...more,
    relationships: { ...(isRecord(comments) ? comments : {}), ...Object.fromEntries(entries) },
    ...(notifications === null ? {} : { notification_settings: notifications }),
  };
}

type Repository = Held["repositories"][number];

class Registry {
  readonly #from: ReadonlyMap<string, readonly RelationshipEntry[]>;
  readonly #to: ReadonlyMap<string, readonly RelationshipEntry[]>;
  readonly #urls: ReadonlyMap<string, unknown>;
  /** By the derivative: what its parent_template says of it. */
  readonly #parents: ReadonlyMap<string, RelationshipEntry>;
  readonly #withEntry: ReadonlySet<string>;

  constructor({ repositories, relationships }: Pick<Held, "repositories" | "relationships">) {
    const edges: RelationshipEntry[] = relationships.map((one) => ({
      sourceRepo: one.source_repo,
      targetRepo: one.target_repo,
      relationshipType: one.relationship_type,
      config: one.config,
    }));
    this.#from = Map.groupBy(edges, ({ sourceRepo }) => sourceRepo);
    this.#to = Map.groupBy(edges, ({ targetRepo }) => targetRepo);
    this.#urls = new Map(repositories.map((one) => [one.repo_name, one.metadata["clone_url"]]));
    const spelling = new Spelling(repositories.map((one) => one.repo_name));
    this.#parents = new Map(
      repositories.flatMap(({ repo_name: name, metadata: { parent_template, bidirectional } }) => {
        const entry = { parent_template, bidirectional };
        const parsed = FileSchema.safeParse({ relationships: { [name]: entry } });
        const known = parsed.data?.relationships[name];
        return known === undefined
          ? []
          : parentOf(name, known, spelling).map((one) => [name, one] as const);
      }),
    );
    this.#withEntry = new Set(
      repositories.filter((one) => this.#needsEntry(one)).map((one) => one.repo_name),
    );
  }

  entryOf({ repo_name: name, repo_type: type, metadata }: Repository): [string, Json][] {
    if (!this.#withEntry.has(name)) return [];
    const url = this.#urls.get(name);
    return [
      [
        name,
        {
          type,
          ...this.#described(name, metadata),
          ...(url === undefined ? {} : { clone_url: url }),
          ...this.#lists(name),
        },
      ],
    ];
  }

  #needsEntry({ repo_name: name, repo_type: type, metadata }: Repository): boolean {
    const from = this.#from.get(name) ?? [];
    const to = this.#to.get(name) ?? [];
    const listedTo = to.filter((one) => !this.#isToldByParent(one));
    const usual = to[0]?.relationshipType === "api_consumer" ? "consumer" : "derivative";
    const isUsual =
      to.length > 0
        ? type === usual && new Set(to.map((one) => one.relationshipType)).size === 1
        : type === "service_provider" && from.length > 0;
    return (
      !isUsual ||
      Object.keys(this.#described(name, metadata)).length > 0 ||
      from.some((one) => !this.#isToldByParent(one)) ||
      (this.#urls.get(name) !== undefined && listedTo.length === 0)
    );
  }

  /** What its entry says beside its type, its address and who depends on it. */
  #described(name: string, metadata: Json): Json {
    const { clone_url: _, consumers, derivatives, parent_template: parent, ...more } = metadata;
    const has = (type: RelationshipEntry["relationshipType"]) =>
      this.#from.get(name)?.some((one) => one.relationshipType === type) === true;
    return {
      ...more,
      ...(parent === undefined ? {} : this.#parentTemplate(name, parent)),
      ...(isEmptyList(consumers) && !has("api_consumer") ? { consumers } : {}),
      ...(isEmptyList(derivatives) && !has("template_fork") ? { derivatives } : {}),
    };
  }

  /** As it was told, unless the relationship was removed since, or the template moved. */
  #parentTemplate(name: string, parent: unknown): Json {
    const told = this.#parents.get(name);
    const isGone = (one: RelationshipEntry) =>
      this.#to.get(name)?.some((edge) => isSamePair(edge, one)) !== true;
    if (told !== undefined && isGone(told)) return {};
    if (told === undefined || !isRecord(parent) || parent["clone_url"] === undefined) {
      return { parent_template: parent };
    }
    const { clone_url: _, ...rest } = parent;
    const url = this.#urls.get(told.sourceRepo);
    return { parent_template: url === undefined ? rest : { ...rest, clone_url: url } };
  }

  /** Whether the entry of the derivative says all of it. */
  #isToldByParent(edge: RelationshipEntry): boolean {
    const told = this.#parents.get(edge.targetRepo);
    return (
      told !== undefined &&
      isSamePair(edge, told) &&
      canonicalJson(withoutNulls(told.config)) === canonicalJson(edge.config)
    );
  }

  #lists(name: string): Json {
    const lists: Record<string, Json[]> = {};
    for (const edge of this.#from.get(name) ?? []) {
      (lists[LISTS[edge.relationshipType]] ??= []).push(this.#item(edge));
    }
    return lists;
  }

  #item(edge: RelationshipEntry): Json {
    const { targetRepo: repo, relationshipType: relationship_type, config } = edge;
    const url = this.#withEntry.has(repo) ? undefined : this.#urls.get(repo);
    const first = ITEM_KEYS.flatMap((key) => (key in config ? [[key, config[key]]] : []));
    return {
      repo,
      relationship_type,
      ...Object.fromEntries(first),
      ...config,
      ...(url === undefined ? {} : { clone_url: url }),
    };
  }
}

function isSamePair(one: RelationshipEntry, other: RelationshipEntry): boolean {
  return (
    one.sourceRepo === other.sourceRepo &&
    one.targetRepo === other.targetRepo &&
    one.relationshipType === other.relationshipType
  );
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** As the database keeps an object: null says nothing. */
function withoutNulls(config: Json): Json {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
}
