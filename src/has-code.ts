/** Whether an error is that of the system, the driver or the server with this code. */
export function hasCode(err: unknown, ...codes: readonly string[]): boolean {
  return err instanceof Error && "code" in err && codes.includes(String(err.code));
}
