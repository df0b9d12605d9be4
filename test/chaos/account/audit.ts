import { spawn } from "node:child_process";
import path from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { endOf } from "../system/processes.ts";

const CLI = path.join(import.meta.dirname, "..", "..", "..", "bin", "triaged.js");
const Answer = z.object({ ok: z.boolean(), violations: z.array(z.unknown()) });

/** What `triaged verify` found in the database; null where the CLI has no such command. */
export async function auditDatabase(url: string): Promise<readonly unknown[] | null> {
  if ((await ask(["verify", "--help"], url)).code !== 0) {
    return null;
  }
  const { code, said } = await ask(["verify", "--json"], url);
  const { ok, violations } = Answer.parse(JSON.parse(said));
  if (ok !== (code === 0) || ok !== (violations.length === 0)) {
    throw new Error(`expected verify to mean what it says, got ${code} and ${said}`);
  }
  return violations;
}

async function ask(words: readonly string[], url: string) {
  const child = spawn(process.execPath, [CLI, ...words], {
    env: { DATABASE_URL: url },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const said = await text(child.stdout);
  await endOf(child);
  return { code: child.exitCode, said };
}
