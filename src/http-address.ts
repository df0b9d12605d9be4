import { withoutEnd } from "./without-end.ts";

/**
 * The address of a setting without slashes at its end. What is wrong with it is added to the
 * problems, without the address: it may hold a secret.
 */
export function httpAddress(name: string, given: string, problems: string[]): string {
  const protocol = URL.parse(given)?.protocol;
  if (protocol !== "http:" && protocol !== "https:") {
    problems.push(`${name}: expected an http:// or https:// address`);
  }
  return withoutEnd(given, "/");
}
