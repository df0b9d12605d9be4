import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ClaimedEffect } from "../postgres/effect-store.ts";
import type { Rendered } from "./delivery.ts";

/**
 * Write down what would be sent, in place of sending it: a JSON file, and beside it the text
 * for people where there is one. The same effect has the same name, so a second try replaces
 * the first. Resolves with the file for people, else with the other one.
 */
export async function writeEffect(
  folder: string,
  effect: ClaimedEffect,
  { to, body, text }: Rendered,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const base = path.join(folder, `${effect.effectId}-${effect.kind}`);
  const { effectId, taskId, kind, key } = effect;
  const described = { effect_id: Number(effectId), task_id: Number(taskId), kind, key, to, body };
  await replaceFile(`${base}.json`, `${JSON.stringify(described, null, 2)}\n`);
  if (text === undefined) {
    return `${base}.json`;
  }
  await replaceFile(`${base}.md`, text);
  return `${base}.md`;
}

/** Whoever reads sees the whole file or none. */
async function replaceFile(file: string, text: string): Promise<void> {
  const partial = `${file}.${process.pid}.tmp`;
  await writeFile(partial, text);
  await rename(partial, file);
}
