import { parse } from "cookie";

export function session(header: string): string {
  const cookies = parse(header);
  const value: string = cookies["session"];
  return value;
}
