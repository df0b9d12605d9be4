/** Relationships as people change them: forms, and what they do. */
import { z } from "zod";
import {
  type Action,
  actionForm,
  checkJson,
  defineAction,
  type Html,
  html,
  isRecord,
  type PageContext,
  parsePayload,
  Refusal,
  toJson,
} from "../../index.ts";
import type { Edge } from "../page-store.ts";
import { RELATIONSHIP_TYPES, removeRelationship, saveRelationship } from "../store.ts";

const REASON_CHARS_MAX = 2_000;
const NAME_CHARS_MAX = 200;
const CONFIG_CHARS_MAX = 100_000;

const PAIR = {
  reason: z.string().trim().min(1).max(REASON_CHARS_MAX),
  source: z.string().trim().min(1).max(NAME_CHARS_MAX),
  target: z.string().trim().min(1).max(NAME_CHARS_MAX),
  type: z.enum(RELATIONSHIP_TYPES),
};

export const TYPE_WORDS: Readonly<Record<Edge["relationship_type"], string>> = {
  api_consumer: "consumer",
  template_fork: "copy of a template",
};

function addressOf(repo: string): string {
  return `/ui/repositories?${new URLSearchParams({ repo }).toString()}`;
}

const saveAction = defineAction({
  path: "/repositories/save",
  role: "operate",
  params: z.object({}),
  fields: z.strictObject({ ...PAIR, config: z.string().max(CONFIG_CHARS_MAX).default("{}") }),
  run: async ({ write }, { fields: { reason, source, target, type, config: text } }) => {
    const config = parsePayload(text);
    if (!isRecord(config)) {
      throw new Refusal(422, "invalid_request", "The configuration is not a JSON object.", {
        hint: 'Write it like {"interface_files": ["src/api.ts"]}, or leave {}.',
      });
    }
    checkJson(config, "configuration");
    const relationship = { sourceRepo: source, targetRepo: target, relationshipType: type, config };
    const outcome = await write((db) => saveRelationship(db, relationship), { reason });
    return {
      notice: `The relationship ${source} → ${target} is ${outcome}.`,
      to: addressOf(source),
    };
  },
});

const removeAction = defineAction({
  path: "/repositories/remove",
  role: "operate",
  params: z.object({}),
  fields: z.strictObject(PAIR),
  run: async ({ write }, { fields: { reason, source, target, type } }) => {
    const pair = { sourceRepo: source, targetRepo: target, relationshipType: type };
    const count = await write((db) => removeRelationship(db, pair), { reason });
    return {
      notice:
        count === 0
          ? `There was no such relationship ${source} → ${target}.`
          : `The relationship ${source} → ${target} is removed. Changes of ${source} no longer concern ${target}.`,
      to: "/ui/repositories",
    };
  },
});

export const RELATIONSHIP_ACTIONS: readonly Action[] = [saveAction, removeAction];

/** Buttons to change and to remove one; none for a reader. */
export function edgeForms(context: PageContext, edge: Edge): Html | false {
  if (!context.may("operate")) return false;
  const { source_repo: source, target_repo: target, relationship_type: type, config } = edge;
  const hidden = html`<input type="hidden" name="source" value="${source}"><input type="hidden" name="target" value="${target}"><input type="hidden" name="type" value="${type}">`;
  const text = toJson(config, 2);
  // A form would save what covers a value in its place.
  const isCovered = toJson(context.redact(config), 2) !== text;
  const name = `${source} → ${target}`.slice(0, 80);
  return html`<div class="buttons">
    ${isCovered && html`<span class="hint">Its configuration has covered values: change it with <code>triaged relationships add</code>.</span>`}
    ${
      !isCovered &&
      actionForm(context, {
        action: "/ui/repositories/save",
        label: "Change",
        of: name,
        explains:
          "Takes the place of the whole configuration. Known verdicts on the pair are worked out anew.",
        fields: html`${hidden}${configField(text)}`,
      })
    }
    ${actionForm(context, {
      action: "/ui/repositories/remove",
      label: "Remove",
      of: name,
      explains: "Changes of the source no longer concern the target. Tasks that exist go on.",
      fields: hidden,
      isGrave: true,
    })}
  </div>`;
}

/** A form for a new relationship, `source` filled in where one is looked at. */
export function addForm(context: PageContext, source: string): Html | false {
  return (
    context.may("operate") &&
    actionForm(context, {
      action: "/ui/repositories/save",
      label: "Add a relationship",
      explains:
        "The target depends on the source: it gets a task for each change that the source is notified of.",
      fields: html`${repositoryField("source", "Source: a provider or a template", source)}
        ${repositoryField("target", "Target: its consumer or its copy", "")}
        <label>How the target depends on it<select name="type">${RELATIONSHIP_TYPES.map((type) => html`<option value="${type}">${TYPE_WORDS[type]}</option>`)}</select></label>
        ${configField("{}")}`,
    })
  );
}

function repositoryField(field: string, says: string, value: string): Html {
  return html`<label>${says}<input name="${field}" required maxlength="${NAME_CHARS_MAX}" value="${value}" placeholder="owner/name" list="repositories" autocomplete="off"></label>`;
}

function configField(text: string): Html {
  return html`<label>Configuration, as JSON<textarea name="config" rows="5" maxlength="${CONFIG_CHARS_MAX}" spellcheck="false">${text}</textarea></label>`;
}
