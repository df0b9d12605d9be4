import Config from "@npmcli/config";
import npm from "@npmcli/config/lib/definitions/index.js";
import { environmentWith } from "../../config.ts";

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
export async function readNpmConfig(folder: string): Promise<Record<string, unknown>> {
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
