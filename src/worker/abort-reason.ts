/** Why an attempt is told to stop. `signal.reason` in the handler is one of these. */
export type AbortKind = "timeout" | "cancel" | "lease lost" | "shutdown";

/** The attempt must stop. What becomes of its task depends on `kind`. */
export class AttemptAborted extends Error {
  override readonly name = "AttemptAborted";
  readonly kind: AbortKind;

  constructor(kind: AbortKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
