import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { sha256 } from "../../sha256.ts";
import { canonicalJson } from "../cache-key.ts";
import { packageSource } from "../changed-source.ts";
import { type NpmPayload, npmRequest } from "../npm-request.ts";
import { obtainPackages } from "../package/obtain-packages.ts";
import { folderSha } from "./folder-sha.ts";
import type { Found, KeptUntilEnd, Surroundings } from "./prepared.ts";
import { findTarget } from "./target.ts";

/** npm mode: two versions of a package, from folders, installed copies or the registry. */
export async function preparePackage(
  payload: NpmPayload,
  options: Surroundings & { readonly kept: KeptUntilEnd },
): Promise<Found> {
  const { repositories, workingDirectory, signal, kept } = options;
  const target = await findTarget(payload, options);
  const payloadHash = await givenHash(payload, options);
  return {
    source: { ...packageSource(payload), payloadHash },
    targetSha: target.sha,
    read: async () => {
      const consumer = await target.open();
      const { request, capsHit } = kept.keep(
        await obtainPackages(npmRequest(payload, { consumer, workingDirectory }), repositories, {
          workingDirectory,
          signal,
        }),
      );
      return {
        service: null,
        packages: [{ request, origin: null }],
        degraded: [],
        capsHit: [...consumer.capsHit, ...capsHit],
      };
    },
  };
}

/** A published version never changes; a folder or a file that is given in its place may. */
async function givenHash(
  { change_event }: NpmPayload,
  { workingDirectory, signal }: Surroundings,
): Promise<string | null> {
  const { from_path, to_path } = change_event.package;
  if (from_path === undefined && to_path === undefined) return null;
  const hashOf = async (given: string | undefined): Promise<string | null> => {
    if (given === undefined) return null;
    const path = resolve(workingDirectory, given);
    const told = await stat(path).catch(() => null);
    if (told?.isFile() === true) return `${told.size} ${told.mtimeMs}`;
    return await folderSha(path, signal);
  };
  return sha256(canonicalJson([await hashOf(from_path), await hashOf(to_path)]));
}
