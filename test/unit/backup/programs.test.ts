// Goal: the programs that are used can read the server; what they say when they fail is told,
// without secrets, and none outlives its limit.

import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { test as baseTest, expect } from "vitest";
import { findPrograms, runProgram } from "../../../src/backup/programs.ts";
import { lendFolder } from "../../support/folders-and-ports.ts";

const test = baseTest.extend<{ folder: string }>({ folder: lendFolder });

async function script(file: string, text: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

test("the programs of the folder are taken where they are as new as the server", async ({
  folder,
}) => {
  await script(path.join(folder, "pg_dump"), "echo 'pg_dump (PostgreSQL) 16.3 (Debian 16.3-1)'");
  const find = (serverMajor: number) =>
    findPrograms("pg_dump", { serverMajor, programsFolder: folder });

  expect(await find(15)).toEqual({ folder, version: "16.3 (Debian 16.3-1)", major: 16 });
  expect(await find(16)).toMatchObject({ major: 16 });
  await expect(find(17)).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringContaining("is of PostgreSQL 16, and the server of 17"),
    hint: expect.stringContaining("postgresql-client-17"),
  });
});

test("a folder without them is refused, whatever else is installed", async ({ folder }) => {
  await expect(
    findPrograms("pg_dump", { serverMajor: 15, programsFolder: folder }),
  ).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringContaining(`pg_dump is not installed in PG_BIN_DIR, ${folder}`),
  });
});

test("the end of what a failing program said is told, without passwords", async ({ folder }) => {
  const file = await script(
    path.join(folder, "fails"),
    "echo 'cannot reach postgres://me:s3cret@db/x' >&2; exit 7",
  );

  const failure = await runProgram(file, []).catch((err: unknown) => String(err));

  expect(failure).toContain("fails exited with 7: cannot reach postgres://me:");
  expect(failure).not.toContain("s3cret");
});

test("a program ends at its limit, and when its caller stops", async ({ folder }) => {
  const file = await script(path.join(folder, "waits"), "exec sleep 600");

  await expect(runProgram(file, [], { limitMs: 50 })).rejects.toThrow("was ended after 50 ms");
  await expect(runProgram(file, [], { signal: AbortSignal.timeout(50) })).rejects.toThrow(
    /aborted due to timeout/,
  );
});
