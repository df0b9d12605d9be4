import clsx, { type ClassValue } from "clsx";

export function buttonClass(
  kind: "main" | "plain",
  disabled: boolean,
  ...more: ClassValue[]
): string {
  return clsx("button", `button-${kind}`, { "is-disabled": disabled }, more);
}
