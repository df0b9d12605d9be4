/**
 * What the knowledge base of the older system says of a repository: how it is deployed, and
 * what was learned. It decorates a verdict, and a model that is asked gets to read it. It is the
 * word of a stranger, and no task waits long for it, or fails without it.
 */

import { hash } from "node:crypto";
import type { Logger } from "pino";
import { CircuitBreaker, isRecord, sendRequest, visibleLine } from "../../index.ts";
import { isRepositoryName } from "../effects/notice.ts";
import { storableValue } from "../facts/result.ts";
import { triageSettings } from "../settings.ts";

export const CONTEXT_LIMITS = {
  /** Connecting, sending and reading together. */
  ms: 10_000,
  bytes: 262_144,
  /** Keys that are looked at, and characters of what each says. */
  keys: 40,
  valueChars: 500,
  chars: 4_000,
  lessons: 3,
} as const;

/** Where the knowledge base is. The breaker is shared by all tasks of a process. */
type ContextAccess = {
  readonly baseUrl: string;
  readonly breaker: CircuitBreaker;
  /** @default CONTEXT_LIMITS.ms */
  readonly timeoutMs?: number;
};

/** What is known, and where from. */
export type ArchitectureContext = {
  /** Lines for a person; "" for nothing. */
  readonly text: string;
  readonly evidence: {
    /** The host that was asked. */
    readonly from: string;
    readonly repo: string;
    readonly status: "found" | "none" | "unavailable";
    /** Of the text. */
    readonly sha256: string | null;
    /** Why there is none. */
    readonly reason?: string;
  };
};

let access: ContextAccess | null | undefined;

/** The knowledge base of this process, by its settings; null without one. */
export function contextAccess(): ContextAccess | null {
  if (access === undefined) {
    const { contextUrl, breaker } = triageSettings();
    access =
      contextUrl === null ? null : { baseUrl: contextUrl, breaker: new CircuitBreaker(breaker) };
  }
  return access;
}

/** Ask for what is known of the repository. Never rejects: what went wrong is the reason. */
export async function architectureContext(
  repo: string,
  { baseUrl, breaker, timeoutMs = CONTEXT_LIMITS.ms }: ContextAccess,
  { signal, logger }: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<ArchitectureContext> {
  const { host: from } = new URL(baseUrl);
  const without = (status: "none" | "unavailable", reason: string): ArchitectureContext => ({
    text: "",
    evidence: { from, repo, status, sha256: null, reason },
  });
  // It becomes a part of the address, and an event says it.
  if (!isRepositoryName(repo)) return without("none", "its name is not owner/name");
  if (breaker.pauseOf(from) > 0) {
    return without("unavailable", `${from} failed too often and is left alone for a while`);
  }
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await sendRequest(
      {
        method: "GET",
        url: `${baseUrl}/api/kb/deployment/${repo}`,
        // The operator's own setting; redirects are not followed.
        guarded: false,
        bytesMax: CONTEXT_LIMITS.bytes,
      },
      AbortSignal.any([signal, timeout]),
    );
    if (answer.status >= 500) breaker.failed(from);
    else breaker.succeeded(from);
    if (answer.status === 404) return without("none", `${from} answered 404`);
    const text = textOf(answer);
    return text === ""
      ? without("none", `${from} says nothing of it`)
      : { text, evidence: { from, repo, status: "found", sha256: hash("sha256", text) } };
  } catch (err) {
    if (signal.aborted) return without("unavailable", "the attempt was ended");
    if (!(err instanceof UnusableContext)) breaker.failed(from);
    const late = timeout.aborted ? `did not answer within ${timeoutMs} ms` : null;
    const reason = `${from} ${late ?? reasonOf(err)}`;
    logger.warn({ repo, reason }, "no context of the source from the knowledge base");
    return without("unavailable", reason);
  }
}

class UnusableContext extends Error {
  override readonly name = "UnusableContext";
}

function textOf({ status, text }: { readonly status: number; readonly text: string }): string {
  if (status !== 200) {
    const hint = status >= 300 && status < 400 ? ", and redirects are not followed" : "";
    throw new UnusableContext(`answered ${status}${hint}`);
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new UnusableContext("answered what is not JSON");
  }
  if (!isRecord(body)) throw new UnusableContext("answered JSON that is not an object");
  const told = isRecord(body["deployment"]) ? body["deployment"] : body;
  const lines = Object.entries(told).slice(0, CONTEXT_LIMITS.keys).flatMap(lineOf);
  return storableValue(lines.join("\n").slice(0, CONTEXT_LIMITS.chars)).trim();
}

/** Keys that say nothing but what was asked, or how it went. */
const ECHOES: ReadonlySet<string> = new Set(["repo", "repository", "success", "status"]);

/** One level below the key, and no deeper. */
function lineOf([key, value]: [string, unknown]): string[] {
  if (ECHOES.has(key)) return [];
  const name = visibleLine(key.slice(0, 100)).replaceAll("_", " ");
  if (key === "lessons_learned" && Array.isArray(value)) {
    return value.slice(-CONTEXT_LIMITS.lessons).flatMap((lesson) => {
      const said = scalar(isRecord(lesson) ? lesson["lesson"] : lesson);
      return said === null ? [] : [`lesson: ${said}`];
    });
  }
  if (Array.isArray(value)) return value.length === 0 ? [] : [`${name}: ${namesIn(value)}`];
  if (isRecord(value)) {
    const inner = Object.entries(value)
      .slice(0, CONTEXT_LIMITS.keys)
      .flatMap(([one, below]) => {
        const said = scalar(below);
        return said === null ? [] : [`${visibleLine(one.slice(0, 100))} ${said}`];
      });
    return inner.length === 0
      ? []
      : [`${name}: ${inner.join(", ").slice(0, CONTEXT_LIMITS.valueChars)}`];
  }
  const said = scalar(value);
  return said === null ? [] : [`${name}: ${said}`];
}

function namesIn(list: readonly unknown[]): string {
  const names = list.slice(0, 10).flatMap((one) => scalar(isRecord(one) ? one["name"] : one) ?? []);
  const more = list.length - names.length;
  const rest = more === 0 ? [] : [names.length === 0 ? String(more) : `and ${more} more`];
  return [...names, ...rest].join(", ").slice(0, CONTEXT_LIMITS.valueChars);
}

function scalar(value: unknown): string | null {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return null;
  const line = visibleLine(value.slice(0, CONTEXT_LIMITS.valueChars));
  return line === "" ? null : line;
}

/** Of errors of libraries the code alone: their messages may quote the address. */
function reasonOf(err: unknown): string {
  if (err instanceof UnusableContext) return err.message;
  const code: unknown = err instanceof Error ? Reflect.get(err, "code") : undefined;
  if (typeof code === "string") return `did not answer: ${code}`;
  const [tooMuch] = (err instanceof Error ? /more than \d+ bytes$/.exec(err.message) : null) ?? [];
  return tooMuch === undefined ? "did not answer" : `answered ${tooMuch}`;
}
