/** One thing that was looked at. An `error` must change; a `warning` costs speed or safety. */
export type Finding = {
  readonly level: "ok" | "warning" | "error";
  readonly subject: string;
  readonly found: string;
  /** What to do; null when all is well. */
  readonly advice: string | null;
};

export function ok(subject: string, found: string): Finding {
  return { level: "ok", subject, found, advice: null };
}

export function warning(subject: string, found: string, advice: string): Finding {
  return { level: "warning", subject, found, advice };
}

export function error(subject: string, found: string, advice: string): Finding {
  return { level: "error", subject, found, advice };
}
