/**
 * What a page is: its address, what may stand in it, what it shows, and what can be done there.
 */
import type { z } from "zod";
import type { Database } from "../database/database.ts";
import type { TaskRow } from "../database/rows.ts";
import type { GatewayParts } from "../gateway/gateway.ts";
import type { Caller, KeyRole } from "../gateway/keys.ts";
import { Refusal } from "../gateway/refusal.ts";
import type { DoctorRounds } from "./doctor-rounds.ts";
import type { Html } from "./html.ts";

/** What a page works with, beside its input. */
export type PageContext = {
  readonly parts: GatewayParts;
  readonly caller: Caller;
  /** Whether the caller may do what is for a role: what it may not is not shown. */
  readonly may: (role: KeyRole) => boolean;
  /** Path and query, as the reader's address bar has them. */
  readonly url: URL;
  /** For the hidden field of each form; `fieldsOf` writes it. */
  readonly token: string;
  /**
   * Look, in a transaction that cannot write. `name` tells the reads of one address apart; what
   * decides the answer beside the address goes into it too. Open pages that are refreshed share
   * what one of them has read; a page that somebody asks for is always read anew.
   */
  readonly read: <Result>(
    name: string,
    work: (db: Database) => Promise<Result>,
    /**
     * `isForAll`: the answer is that of every address, and may be 5 s old. `mayLag`: a standby may
     * answer, which may be REPLICA_LAG_MAX_MS behind; never for what somebody decides by.
     */
    options?: { readonly isForAll?: boolean; readonly mayLag?: boolean },
  ) => Promise<Result>;
  /**
   * The value with what UI_REDACT names covered. Every payload, result and detail goes through
   * it.
   */
  readonly redact: (value: unknown) => unknown;
  /** The same for a text, such as an error. */
  readonly redactText: (text: string) => string;
  /** A result as the application shows it; null where it has no form for it. */
  readonly showResult: (task: TaskRow) => Html | null;
  readonly doctor: DoctorRounds;
};

/** What a page shows. */
export type View = {
  /** Of the window, and the heading. */
  readonly title: string;
  /** Beside the heading: links, buttons. */
  readonly beside?: Html;
  readonly main: Html;
  /** Refreshed at once when something happens to this task. */
  readonly taskId?: string;
  /**
   * `changes`: read again when something happened in the queue. `always`: every 5 s, since it shows
   * what no transition tells. `recover`: loaded anew as soon as it can be shown. `never`: as it is.
   * @default "changes"
   */
  readonly refresh?: "changes" | "always" | "recover" | "never";
  /** Whether it has charts: only then is their script loaded. */
  readonly hasCharts?: boolean;
  /** @default 200 */
  readonly status?: number;
};

/** What a deed came to: a sentence that the next page shows, and which page that is. */
export type Done = { readonly notice: string; readonly to: string };

export type ActionContext = Pick<PageContext, "parts" | "caller" | "url" | "doctor"> & {
  /**
   * Change something: all of it, or nothing. Its operation is recorded with the reason. Of a caller
   * who may only look, the database refuses it.
   */
  readonly write: <Result>(
    work: (db: Database) => Promise<Result>,
    options: { readonly reason: string | undefined },
  ) => Promise<Result>;
};

/** Something that a form does. */
export type Action<Params extends z.ZodType = z.ZodType, Fields extends z.ZodType = z.ZodType> = {
  /** Below `/ui`, such as `/tasks/:id/cancel`. */
  readonly path: string;
  readonly role: KeyRole;
  readonly params: Params;
  /** Of the form, without its token. Fields that are left empty are absent. */
  readonly fields: Fields;
  readonly run: (
    context: ActionContext,
    input: { readonly params: z.output<Params>; readonly fields: z.output<Fields> },
  ) => Promise<Done>;
};

export type Page<Params extends z.ZodType = z.ZodType, Query extends z.ZodType = z.ZodType> = {
  /** Below `/ui`: `/tasks`, `/tasks/:id`; empty for the first page. */
  readonly path: string;
  /** What the navigation calls it; without a name it is not listed there. */
  readonly nav?: string;
  /** @default "read" */
  readonly role?: KeyRole;
  readonly params: Params;
  /** Values that are left empty, as forms send them, are absent. */
  readonly query: Query;
  readonly show: (
    context: PageContext,
    input: { readonly params: z.output<Params>; readonly query: z.output<Query> },
  ) => Promise<View>;
  readonly actions?: readonly Action[];
};

/** Have a page check its input, and forget the types of that, as a list needs it. */
export function definePage<Params extends z.ZodType, Query extends z.ZodType>(
  page: Page<Params, Query>,
): Page {
  return {
    ...page,
    show: (context, { params, query }) =>
      page.show(context, {
        params: read(page.params, params, "address"),
        query: read(page.query, query, "address"),
      }),
  };
}

export function defineAction<Params extends z.ZodType, Fields extends z.ZodType>(
  action: Action<Params, Fields>,
): Action {
  return {
    ...action,
    run: (context, { params, fields }) =>
      action.run(context, {
        params: read(action.params, params, "address"),
        fields: read(action.fields, fields, "form"),
      }),
  };
}

/** What was sent, as the schema has it. Throws a Refusal that says what is wrong with it. */
function read<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  place: "address" | "form",
): z.output<Schema> {
  const answer = schema.safeParse(given);
  if (answer.success) {
    return answer.data;
  }
  const words = answer.error.issues.map(({ path, message }) => [...path, message].join(": "));
  throw new Refusal(400, "bad_input", `The ${place} is not as expected: ${words.join("; ")}.`, {
    hint: "go back, and change it",
  });
}

/** What an application adds to the pages. */
export type ApplicationPages = {
  readonly pages: readonly Page[];
  /** A result as a person reads it; null where it is none of the application's. */
  readonly showResult: (task: TaskRow) => Html | null;
};
