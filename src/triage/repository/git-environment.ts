import { environmentOf, gitMemoryMib } from "../../config.ts";

/** What git and ssh need of the environment. The rest holds secrets, and GIT_DIR of a hook. */
const INHERITED = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "TMPDIR",
  "SSH_AUTH_SOCK",
  "GIT_SSH_COMMAND",
  "GIT_SSL_CAINFO",
  "GIT_SSL_CAPATH",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "http_proxy",
  "https_proxy",
  "HTTPS_PROXY",
  "all_proxy",
  "ALL_PROXY",
  "no_proxy",
  "NO_PROXY",
];

/** Settings that no repository and no user can change. */
export const HARDENING: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.attributesFile=/dev/null",
  "core.fsmonitor=false",
  "protocol.ext.allow=never",
  "submodule.recurse=false",
  "credential.helper=",
  "gc.autoDetach=false",
  "maintenance.autoDetach=false",
  // Fetched packs stay packs: a mirror is few files, and its size is soon known.
  "fetch.unpackLimit=1",
  // What it keeps in memory, so that honest repositories of any size fit into the limit: a
  // window on a pack in place of all of it, one thread, and no blob as a whole that nobody reads.
  "core.packedGitWindowSize=32m",
  "core.packedGitLimit=256m",
  "core.deltaBaseCacheLimit=64m",
  "core.bigFileThreshold=16m",
  "pack.threads=1",
  "pack.windowMemory=64m",
  "pack.deltaCacheSize=64m",
  // A server that stalls is left after half a minute.
  "http.lowSpeedLimit=1000",
  "http.lowSpeedTime=30",
].flatMap((setting) => ["-c", setting]);

/**
 * The environment of a git command: no questions, no settings of the machine or the user,
 * messages in English, and `config`, of which secrets may be part: arguments are public.
 * No protocol is allowed but those named, whatever a redirect or a submodule says.
 */
export function gitEnvironment(
  protocols: readonly string[],
  config: ReadonlyMap<string, string>,
): Record<string, string> {
  const environment: Record<string, string> = {
    ...environmentOf(INHERITED),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_LFS_SKIP_SMUDGE: "1",
    // Of one allocation, also where the system has no limit for all of them.
    GIT_ALLOC_LIMIT: `${gitMemoryMib()}m`,
    // Empty: none. Unset would mean those of the configuration.
    GIT_ALLOW_PROTOCOL: protocols.join(":"),
    GIT_CONFIG_COUNT: String(config.size),
  };
  // A question of ssh would wait for ever, and so would we for the errors of a git that was
  // ended while a connection that ssh shares keeps them open.
  environment["GIT_SSH_COMMAND"] ??=
    "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ControlMaster=no -o ControlPath=none";
  for (const [index, [key, value]] of [...config].entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}
