/**
 * Attempts to come in, for the audit log: the first one of an address and a reason is written at
 * once, those after it within a minute as one row with their count, so that nobody fills a disk.
 */
import type { FastifyError, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { SignIn } from "../model/audit.ts";
import type { Gateway, SignIns } from "./gateway.ts";
import { Refusal } from "./refusal.ts";

/** Those of one kind within it are one row. */
const WINDOW_MS = 60_000;
/** Addresses with a reason in a window that have a row of their own; the others share one. */
const SOURCES_MAX = 20;
const OTHERS = "others";
const COUNT_MAX = 999_999_999;

/** Codes of refusals that say who somebody is not. */
const REASONS: readonly string[] = [
  "unknown_key",
  "key_missing",
  "strange_host",
  "strange_name",
  "strange_origin",
  "wrong_signature",
];

export class SignInLog implements SignIns {
  readonly #write: (attempts: readonly SignIn[]) => Promise<number>;
  readonly #logger: Pick<Logger, "warn">;
  readonly #windowMs: number;
  /** What is not written yet of this window, by its kind; 0 where all of it is. */
  #waiting = new Map<string, SignIn>();
  #writing: Promise<void> = Promise.resolve();
  #window: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `write` resolves to how many of the first ones were written; the others are tried again. */
  constructor(options: {
    readonly write: (attempts: readonly SignIn[]) => Promise<number>;
    readonly logger: Pick<Logger, "warn">;
    readonly windowMs?: number;
  }) {
    this.#write = options.write;
    this.#logger = options.logger;
    this.#windowMs = options.windowMs ?? WINDOW_MS;
  }

  /** Note what doors refuse because of who asks. */
  watch(app: Gateway): void {
    app.addHook("onError", (request, _reply, error, done) => {
      const reason = reasonOf(error, request);
      if (reason !== null) {
        this.failed(request, reason);
      }
      done();
    });
  }

  failed(request: FastifyRequest, reason: string): void {
    this.#note({ outcome: "failed", reason, ...placeOf(request), count: 1 });
  }

  succeeded(request: FastifyRequest, name: string): void {
    this.#note({ outcome: "succeeded", name, ...placeOf(request), count: 1 });
  }

  /** Write what waits, and note nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#window);
    await this.#flush();
  }

  #note(attempt: SignIn): void {
    if (this.#isClosed) {
      return;
    }
    const key = keyOf(attempt);
    const isKnown = this.#waiting.has(key);
    const isRoom = isKnown || this.#waiting.size < SOURCES_MAX;
    const own = isRoom ? attempt : { ...attempt, source: OTHERS };
    const { count = 0 } = this.#waiting.get(keyOf(own)) ?? {};
    this.#waiting.set(keyOf(own), { ...own, count: Math.min(COUNT_MAX, count + 1) });
    if (this.#window === undefined) {
      this.#window = setTimeout(() => void this.#endWindow(), this.#windowMs);
      this.#window.unref();
    }
    if (!isKnown && isRoom) {
      void this.#flush(keyOf(own));
    }
  }

  async #endWindow(): Promise<void> {
    await this.#flush();
    this.#window = undefined;
    const left = [...this.#waiting].filter(([, { count }]) => count > 0);
    this.#waiting = new Map(left);
    if (left.length > 0 && !this.#isClosed) {
      this.#window = setTimeout(() => void this.#endWindow(), this.#windowMs);
      this.#window.unref();
    }
  }

  /** One write after the other: of all that waits, or of one kind. */
  async #flush(only?: string): Promise<void> {
    const before = this.#writing;
    const flushed = async () => {
      await before;
      const due = [...this.#waiting].filter(
        ([key, { count }]) => count > 0 && (only === undefined || key === only),
      );
      if (due.length > 0) {
        await this.#send(due);
      }
    };
    this.#writing = flushed();
    await this.#writing;
  }

  async #send(due: readonly (readonly [string, SignIn])[]): Promise<void> {
    try {
      const written = await this.#write(due.map(([, attempt]) => attempt));
      for (const [key, { count }] of due.slice(0, written)) {
        const now = this.#waiting.get(key);
        if (now !== undefined) {
          this.#waiting.set(key, { ...now, count: now.count - count });
        }
      }
    } catch (err) {
      this.#logger.warn({ err }, "attempts to sign in cannot be written to the audit log yet");
    }
  }
}

/** The code of an attempt that failed; null for what is none. */
function reasonOf(error: FastifyError | Error, request: FastifyRequest): string | null {
  const code = "code" in error ? error.code : "";
  if (code.startsWith("FST_CSRF")) {
    return "form_refused";
  }
  if (!(error instanceof Refusal) || !REASONS.includes(code)) {
    return null;
  }
  // Whoever opens a page without a session is shown where to sign in: no attempt so far.
  const isPage = request.routeOptions.url?.startsWith("/ui") === true;
  return isPage && code === "key_missing" ? null : code;
}

function placeOf(request: FastifyRequest): Pick<SignIn, "source" | "door"> {
  const { method, ip, routeOptions } = request;
  return { source: ip, door: `${method} ${routeOptions.url ?? "(none)"}` };
}

function keyOf({ outcome, source, reason = "", name = "" }: SignIn): string {
  return [outcome, source, reason, name].join(" ");
}
