import { hash } from "node:crypto";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { AnalysisRequest, ServiceRequest, Tree } from "../facts/analysis.ts";
import { canonicalJson, configHashOf, type KeyInputs } from "../facts/cache-key.ts";
import type { ChangedSource, ChangeSet } from "../facts/change-set.ts";
import { namedTriggers } from "../sources/event/change-event.ts";
import { obtainPackages } from "../sources/npm/fetch-package.ts";
import { installedAbove } from "../sources/npm/installed.ts";
import { declarationsOf, fetchTypePackages, tsconfigsOf } from "../sources/npm/type-packages.ts";
import { code, shellWord } from "../verdict/shown.ts";
import { changedPackages } from "./changed-packages.ts";
import { type ConsumerTriagePayload, isNpmPayload, type NpmPayload } from "./consumer-payload.ts";
import { findSource } from "./find-source.ts";
import { findTarget, folderSha, saysWhereConsumerIs, type Target } from "./find-target.ts";
import {
  KeptUntilEnd,
  keptFolders,
  type Preparation,
  type Prepared,
  type Surroundings,
} from "./prepared.ts";
import { readConsumerSetup } from "./upgrade-steps.ts";

/**
 * Find out what a payload asks about: the upgrade of a package (npm mode), commits of a
 * repository (git mode), or the diffs of an event (payload mode), and the consumer.
 *
 * Throws a PermanentError for what is not there or not said, a RetryableError for what cannot
 * be reached, the signal's reason when that aborts.
 */
export async function prepare(
  payload: ConsumerTriagePayload,
  surroundings: Surroundings,
): Promise<Prepared> {
  const kept = new KeptUntilEnd();
  const options = { ...surroundings, kept };
  const { source, targetSha, read } = isNpmPayload(payload)
    ? await preparePackage(payload, options)
    : await prepareRepository(payload, options);
  const { relationship_config: config } = payload;
  const keyInputs: KeyInputs = {
    sourceRepo: payload.source_repo,
    baseSha: source.baseSha,
    headSha: source.headSha,
    targetRepo: payload.target_repo,
    targetSha,
    relationshipType: config.relationship_type,
    configHash: configHashOf(config),
    payloadHash: source.payloadHash,
  };
  return {
    subject: { payload, source, keyInputs },
    read,
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

/** npm mode: two versions of a package, from folders, installed copies or the registry. */
async function preparePackage(
  payload: NpmPayload,
  options: Surroundings & { readonly kept: KeptUntilEnd },
): Promise<Preparation> {
  const { repositories, workingDirectory, signal, kept } = options;
  const target = await findTarget(payload, options);
  const payloadHash = await givenHash(payload, options);
  return {
    source: { ...packageSource(payload), payloadHash },
    targetSha: target.sha,
    read: async () => {
      const consumer = await target.open();
      const fetch = { workingDirectory, signal };
      const wanted = npmRequest(payload, { consumer, workingDirectory });
      const { request, capsHit } = kept.keep(await obtainPackages(wanted, repositories, fetch));
      const { fromPath, toPath } = request.package;
      const given = [wanted.package.fromPath, wanted.package.toPath];
      const folders = [fromPath, toPath].filter((path) => path !== null);
      const { links, degraded } = kept.keep(
        await fetchTypePackages(
          [
            ...[...new Set(folders)].map((path) => declarationsOf(path, given.includes(path))),
            tsconfigsOf(consumer, payload.relationship_config.path !== undefined),
          ],
          repositories,
          fetch,
        ),
      );
      return {
        service: null,
        packages: [{ request: { ...request, dependencies: links }, origin: null }],
        setup: await readConsumerSetup(consumer.path, payload.change_event.package.name, signal),
        degraded,
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
    const found = await stat(path).catch(() => null);
    if (found?.isFile() === true) return `${found.size} ${found.mtimeMs}`;
    return await folderSha(path, signal);
  };
  return hash("sha256", canonicalJson([await hashOf(from_path), await hashOf(to_path)]));
}

type Locations = { readonly consumer: Tree; readonly workingDirectory: string };

/** The analysis of the package that a payload names. */
function npmRequest(
  payload: NpmPayload,
  { consumer, workingDirectory }: Locations,
): AnalysisRequest {
  const change = payload.change_event.package;
  const absolute = (given: string | undefined): string | null =>
    given === undefined ? null : resolve(workingDirectory, given);
  const fromPath = absolute(change.from_path);
  const toPath = absolute(change.to_path);
  return {
    package: {
      name: change.name,
      from: change.from,
      to: change.to,
      fromPath,
      toPath,
    },
    consumer: {
      path: consumer.path,
      revision: consumer.revision,
      interfaceFiles: payload.relationship_config.interface_files,
      isCodeLeftOut: consumer.isCodeLeftOut ?? false,
    },
    alsoReadable: [
      ...keptFolders(payload, workingDirectory),
      ...[fromPath, toPath].filter((path) => path !== null),
    ].flatMap(installedAbove),
    searchFrom: [workingDirectory],
    depth: "types",
  };
}

type Options = Surroundings & { readonly kept: KeptUntilEnd };

/** Git mode, or payload mode where the repository cannot be had: a change of a repository. */
async function prepareRepository(
  payload: ConsumerTriagePayload,
  options: Options,
): Promise<Preparation> {
  const found = await findSource(payload, options);
  // By an event alone the source may be anywhere, and the consumer is not looked for either.
  const isLookedFor = found.mode === "git" || saysWhereConsumerIs(payload);
  const target: Target | null = isLookedFor ? await findTarget(payload, options) : null;
  return {
    source: repositorySource(payload, found),
    targetSha: target?.sha ?? "",
    read: async () => {
      const change = await found.read();
      const consumer: Tree | null = target === null ? null : await target.open();
      const { packages, degraded, capsHit } =
        found.range === null || consumer === null
          ? NO_PACKAGES
          : await changedPackages({ range: found.range, change, consumer, payload }, options);
      return {
        service: serviceRequest(payload, { change, consumer }),
        packages,
        setup: null,
        degraded: [...found.degraded, ...degraded],
        capsHit,
      };
    },
  };
}

const NO_PACKAGES = { packages: [], degraded: [], capsHit: [] } as const;

type Known = {
  readonly change: ChangeSet;
  /** Null: nobody knows the consumer's files. */
  readonly consumer: Tree | null;
};

/** The analysis of a change of a service, whoever knows the change and the consumer. */
function serviceRequest(payload: ConsumerTriagePayload, known: Known): ServiceRequest {
  const config = payload.relationship_config;
  return {
    ...known,
    identity: {
      repo: payload.source_repo,
      description: config.description,
      hosts: config.hosts,
      envNames: config.env_names,
      interfaceFiles: config.interface_files,
    },
  };
}

/** A published version never changes, so that its name stands for its content. */
export function packageSource({ change_event }: NpmPayload): ChangedSource {
  const { name, from, to } = change_event.package;
  return {
    mode: "npm",
    name,
    change: `${name} ${from} → ${to}`,
    verify: code(`npm install ${shellWord(`${name}@${to}`)}`),
    baseSha: `npm:${name}@${from}`,
    headSha: `npm:${name}@${to}`,
    named: [],
    payloadHash: null,
  };
}

type Commits = Pick<ChangedSource, "baseSha" | "headSha" | "payloadHash"> & {
  readonly mode: "git" | "payload";
};

/** A commit of a repository. */
function repositorySource(payload: ConsumerTriagePayload, found: Commits): ChangedSource {
  const { mode, baseSha, headSha, payloadHash } = found;
  const name = payload.source_repo;
  const commit = headSha === "" ? name : `${name}@${headSha.slice(0, SHA_CHARS)}`;
  return {
    mode,
    name,
    change: commit,
    verify: `run the tests of ${payload.target_repo} against ${commit}`,
    baseSha,
    headSha,
    named: namedTriggers(payload.change_event.pattern_summary),
    payloadHash,
  };
}

/** As git abbreviates, with room for large repositories. */
const SHA_CHARS = 12;
