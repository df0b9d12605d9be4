/** Queues: what waits in each, and whether it is claimed. */
import { z } from "zod";
import { queueDepth } from "../../database/monitoring.ts";
import {
  listPauses,
  pausableNames,
  pauseClaiming,
  resumeClaiming,
} from "../../database/operator.ts";
import type { Depth, Pause } from "../../database/rows.ts";
import { Name } from "../../gateway/shapes.ts";
import { actionForm, REASON_CHARS_MAX } from "../components/forms.ts";
import { countView, emptyState, table } from "../components/lists.ts";
import { momentView, spanText } from "../components/moment.ts";
import { shownLine } from "../components/shown-text.ts";
import { type Html, html } from "../html.ts";
import { type Action, defineAction, definePage, type PageContext } from "../page.ts";

/** Queues and task types that are listed. */
const NAMES_MAX = 500;
const PAUSES_MAX = 1_000;

type Kind = Pause["kind"];

function pauseAction(verb: "pause" | "resume"): Action {
  return defineAction({
    path: `/queues/${verb}`,
    role: "operate",
    params: z.object({}),
    fields: z.strictObject({
      reason: z.string().trim().min(1).max(REASON_CHARS_MAX),
      kind: z.enum(["queue", "task type"]),
      name: Name,
    }),
    run: async ({ write }, { fields: { reason, ...what } }) => {
      const act = verb === "pause" ? pauseClaiming : resumeClaiming;
      await write((db) => act(db, what), { reason });
      const subject = `${what.kind === "queue" ? "Queue" : "Task type"} ${what.name}`;
      return {
        notice:
          verb === "pause"
            ? `${subject} is paused: what is started goes on, and nothing more is claimed.`
            : `${subject} is claimed again.`,
        to: "/ui/queues",
      };
    },
  });
}

export const queuesPage = definePage({
  path: "/queues",
  nav: "Queues",
  params: z.object({}),
  query: z.strictObject({}),
  show: async (context) => {
    const told = await context.read("queues", async (db) => ({
      depth: await queueDepth(db),
      pauses: await listPauses(db, PAUSES_MAX),
      queues: await pausableNames(db, "queue"),
      types: await pausableNames(db, "task type"),
    }));
    return {
      title: "Queues",
      main: html`${part(context, "queue", "Queues", told.queues, told)}${part(context, "task type", "Task types", told.types, told)}`,
    };
  },
  actions: [pauseAction("pause"), pauseAction("resume")],
});

type Told = { readonly depth: readonly Depth[]; readonly pauses: readonly Pause[] };

function part(
  context: PageContext,
  kind: Kind,
  heading: string,
  names: readonly string[],
  { depth, pauses }: Told,
): Html {
  const id = kind.replace(" ", "-");
  const paused = new Map(
    pauses.flatMap((one) => (one.kind === kind ? [[one.name, one.paused_at]] : [])),
  );
  const rows = names.slice(0, NAMES_MAX).map((name) => {
    const own = depth.filter((one) => (kind === "queue" ? one.queue : one.task_type) === name);
    return rowView(context, { kind, name, own, pausedAt: paused.get(name) ?? null });
  });
  return html`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>
    ${table({
      label: `${heading}, as a table`,
      head: [
        kind === "queue" ? "Queue" : "Task type",
        "Waits",
        "Due now",
        "Oldest due",
        "Runs",
        "Needs a decision",
        "Claimed",
        "Action",
      ],
      rows,
      empty: emptyState(
        kind === "queue" ? "There is no queue yet." : "No task type is known yet.",
        "Both begin to exist when a worker registers, or when a task is enqueued.",
      ),
    })}
    ${names.length > NAMES_MAX && html`<p class="hint">The first ${NAMES_MAX} of ${names.length} by name.</p>`}
  </section>`;
}

type Row = {
  readonly kind: Kind;
  readonly name: string;
  readonly own: readonly Depth[];
  readonly pausedAt: Date | null;
};

function rowView(context: PageContext, row: Row): Html {
  const { kind, name, own, pausedAt } = row;
  const total = (status: string, of: "count" | "due") =>
    own.filter((one) => one.status === status).reduce((sum, one) => sum + one[of], 0);
  const ages = own.flatMap(({ oldest_age_seconds: age, status }) =>
    age === null || status !== "queued" || age < 0 ? [] : [age],
  );
  const query = new URLSearchParams({ [kind === "queue" ? "queue" : "type"]: name });
  return html`<tr>
    <th scope="row"><a href="/ui/tasks?${query.toString()}">${shownLine(name, 100)}</a></th>
    <td class="number">${countView(total("queued", "count"))}</td>
    <td class="number">${countView(total("queued", "due"))}</td>
    <td>${ages.length === 0 ? "–" : spanText(Math.max(...ages) * 1000)}</td>
    <td class="number">${countView(total("started", "count"))}</td>
    <td class="number">${countView(total("needs_decision", "count"))}</td>
    <td>${pausedAt === null ? "yes" : html`<span class="status warning">paused</span> since ${momentView(pausedAt)}`}</td>
    <td>${pauseForm(context, row)}</td>
  </tr>`;
}

function pauseForm(context: PageContext, { kind, name, pausedAt }: Row): Html | false {
  const verb = pausedAt === null ? "pause" : "resume";
  return (
    context.may("operate") &&
    actionForm(context, {
      action: `/ui/queues/${verb}`,
      label: verb === "pause" ? "Pause" : "Resume",
      of: name.slice(0, 40),
      explains:
        verb === "pause"
          ? "What is started goes on; nothing more is claimed until it is resumed."
          : "Workers claim its tasks again.",
      fields: html`<input type="hidden" name="kind" value="${kind}"><input type="hidden" name="name" value="${name}">`,
    })
  );
}
