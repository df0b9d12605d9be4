import type { JsonObject, PartialDeep, SetRequired } from "type-fest";

export type Settings = { theme?: string; editor: { tabs: boolean; width: number } };
export type Overrides = PartialDeep<Settings>;
export type Complete = SetRequired<Settings, "theme">;

export function encode(value: JsonObject): string {
  return JSON.stringify(value);
}
