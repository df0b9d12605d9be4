import { execa } from "execa";

export async function versionOf(command: string): Promise<string> {
  const { stdout, exitCode } = await execa(command, ["--version"], { reject: false });
  return exitCode === 0 ? stdout.trim() : "";
}
