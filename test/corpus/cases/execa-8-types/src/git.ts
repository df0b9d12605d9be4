import { type ExecaReturnValue, execa } from "execa";

export async function git(args: string[], signal: AbortSignal): Promise<string> {
  const result: ExecaReturnValue = await execa("git", args, { signal, stripFinalNewline: true });
  return result.stdout;
}
