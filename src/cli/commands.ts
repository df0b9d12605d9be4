import type { Command } from "./command.ts";

/** Every command, in the order of the help. Loaded when asked for: a start stays quick. */
export const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([]);
