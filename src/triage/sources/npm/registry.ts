import { open } from "node:fs/promises";
import Config from "@npmcli/config";
import npm from "@npmcli/config/lib/definitions/index.js";
import registryFetch from "npm-registry-fetch";
import semver from "semver";
import { z } from "zod";
import { environmentWith, PermanentError, withoutEnd } from "../../../index.ts";
import type { RepositoryLimits } from "../../facts/limits.ts";
import { limitBytes } from "./tarball.ts";

type Limits = Pick<RepositoryLimits, "packumentBytesMax" | "tarballBytesMax">;

type RegistryOptions = {
  /** Folder whose project's .npmrc counts beside the user's. */
  readonly workingDirectory: string;
  readonly signal: AbortSignal;
  readonly limits: Limits;
  /** How often a request that fails is made again. @default npm's setting */
  readonly retries?: number | undefined;
};

/** Of what a registry tells of a package, the part that leads to a version's tarball. */
const Packument = z.looseObject({
  versions: z.record(z.string(), z.unknown()).default({}),
  "dist-tags": z.looseObject({ latest: z.string().optional() }).catch({}).default({}),
});
const Version = z.looseObject({
  dist: z.looseObject({
    tarball: z.url(),
    integrity: z.string().optional(),
    shasum: z
      .string()
      .regex(/^[0-9a-f]{40}$/)
      .optional(),
  }),
});

/** The short form, which has no readme; a registry that does not know it sends the long one. */
const ACCEPT = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";
/** npm's default: where packuments of mirrors still lead, whose own host has the tarballs. */
const DEFAULT_HOST = new URL(registryFetch.pickRegistry("npm", {})).hostname;

/**
 * The registry of one package, as npm's settings name it. Nothing of an answer is held in
 * memory or written beyond the limits, however long it is, and an abort ends the connection.
 */
export class Registry {
  readonly url: string;
  readonly #name: string;
  readonly #npmConfig: Record<string, unknown>;
  readonly #options: RegistryOptions;

  private constructor(name: string, npmConfig: Record<string, unknown>, options: RegistryOptions) {
    this.url = withoutEnd(registryFetch.pickRegistry(name, npmConfig), "/");
    this.#name = name;
    this.#npmConfig = npmConfig;
    this.#options = options;
  }

  static async of(name: string, options: RegistryOptions): Promise<Registry> {
    return new Registry(name, await readNpmConfig(options.workingDirectory), options);
  }

  /**
   * Write the tarball of a version to a new file, once its digest is right. Rejects with the
   * errors of npm-registry-fetch, whose code is `E404` for what is not there.
   */
  async download(version: string, path: string): Promise<void> {
    const { signal, limits } = this.#options;
    const { tarball, integrity, shasum } = await this.#distOf(version);
    const digest = integrity ?? (shasum && `sha1-${Buffer.from(shasum, "hex").toString("base64")}`);
    const chunks = this.#ask(
      this.#hosted(tarball),
      digest === undefined ? {} : { integrity: digest },
    );
    const file = await open(path, "wx", 0o600);
    try {
      for await (const chunk of limitBytes(limits.tarballBytesMax, chunks, "it has")) {
        signal.throwIfAborted();
        await file.write(chunk);
      }
    } finally {
      await file.close();
    }
  }

  /** The version that npm installs for a range; null: there is none. */
  async choose(range: string): Promise<string | null> {
    const { versions, "dist-tags": tags } = await this.#packument();
    const { latest } = tags;
    if (
      latest !== undefined &&
      Object.hasOwn(versions, latest) &&
      semver.satisfies(latest, range)
    ) {
      return latest;
    }
    return semver.maxSatisfying(Object.keys(versions), range);
  }

  async #distOf(version: string): Promise<z.output<typeof Version>["dist"]> {
    const { versions } = await this.#packument();
    if (!Object.hasOwn(versions, version)) {
      throw new PermanentError(`the registry ${this.url} has no such version`);
    }
    const parsed = Version.safeParse(versions[version]);
    if (!parsed.success)
      throw new PermanentError("the registry does not tell where its tarball is");
    return parsed.data.dist;
  }

  async #packument(): Promise<z.output<typeof Packument>> {
    const { packumentBytesMax } = this.#options.limits;
    const url = `${this.url}/${this.#name.replace("/", "%2f")}`;
    const chunks: Buffer[] = [];
    const answer = this.#ask(url, { headers: { accept: ACCEPT } });
    for await (const chunk of limitBytes(
      packumentBytesMax,
      answer,
      "what the registry tells of it has",
    )) {
      chunks.push(chunk);
    }
    const packument = Packument.safeParse(JSON.parse(Buffer.concat(chunks).toString("utf8")));
    if (!packument.success)
      throw new Error("the registry answers with something else than a package");
    return packument.data;
  }

  #hosted(tarball: string): string {
    const { hostname, pathname } = new URL(tarball);
    return hostname === DEFAULT_HOST ? new URL(pathname, this.url).href : tarball;
  }

  async *#ask(url: string, options: registryFetch.Options): AsyncGenerator<Buffer> {
    // Who takes no more of an answer ends it.
    const left = new AbortController();
    const { retries } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, left.signal]);
    try {
      const request: registryFetch.Options & { signal: AbortSignal } = {
        ...this.#npmConfig,
        ...(retries === undefined ? {} : { retry: { retries } }),
        ...options,
        signal,
      };
      const response = await whileRunning(signal, () => registryFetch(url, request));
      for await (const chunk of response.body ?? []) yield Buffer.from(chunk);
    } finally {
      left.abort();
    }
  }
}

/** Between two tries npm-registry-fetch waits without looking at any signal. */
async function whileRunning<Result>(
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work(), promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Settings of npm that say where packages come from, and how that is reached. */
const USED = new Set([
  "registry",
  "proxy",
  "https-proxy",
  "noproxy",
  "strict-ssl",
  "ca",
  "cafile",
  "cert",
  "key",
  "fetch-retries",
  "fetch-timeout",
]);

/**
 * npm's settings as npm itself finds them (`npm_config_*`, the .npmrc of the folder's project
 * and of the user), in the form that npm-registry-fetch takes: registries, also of scopes, and
 * how to log in to each. All others are left out: npm's own reading of them changes
 * `process.env`, and its cache has no limit.
 */
async function readNpmConfig(folder: string): Promise<Record<string, unknown>> {
  const config = new Config({
    definitions: npm.definitions,
    shorthands: npm.shorthands,
    flatten: (data, flat) => {
      for (const [key, value] of Object.entries(data)) {
        if (USED.has(key)) npm.definitions[key]?.flatten?.(key, data, flat);
        else if ((key.includes("@") && /:registry$/i.test(key)) || key.startsWith("//"))
          flat[key] = value;
      }
    },
    npmPath: folder,
    argv: [],
    env: environmentWith({}),
    cwd: folder,
  });
  await config.load();
  return { ...config.flat };
}
