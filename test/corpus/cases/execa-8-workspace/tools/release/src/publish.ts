import { execa } from "execa";

export const publish = (signal: AbortSignal) => execa("npm", ["publish"], { signal });
