/** What @types/npmcli__config leaves out. */
declare module "@npmcli/config/lib/definitions/index.js" {
  import type Config from "@npmcli/config";

  type Definition = {
    readonly type: object | Array<object | string | null>;
    readonly flatten?: (
      key: string,
      data: Readonly<Record<string, unknown>>,
      flat: Record<string, unknown>,
    ) => void;
  };
  const known: {
    readonly definitions: Config.DefinitionsObject & Readonly<Record<string, Definition>>;
    readonly shorthands: Config.ShortFlags;
  };
  export default known;
}
