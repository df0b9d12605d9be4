/** What triage reads of the settings: here and nowhere else in it, each time it is asked. */
import { type Config, environmentOf, gitMemoryMib, readConfig } from "../index.ts";

type TriageSettings = Pick<
  Config,
  "repositories" | "analysis" | "adjudication" | "maxPayloadBytes"
> &
  Pick<Config["effects"], "contextUrl" | "breaker"> &
  Pick<Config["gateway"], "githubWebhookSecret">;

/** Throws an EnvironmentError for settings that cannot be used. */
export function triageSettings(): TriageSettings {
  const { repositories, analysis, adjudication, maxPayloadBytes, effects, gateway } = readConfig();
  const { contextUrl, breaker } = effects;
  const { githubWebhookSecret } = gateway;
  return {
    repositories,
    analysis,
    adjudication,
    maxPayloadBytes,
    contextUrl,
    breaker,
    githubWebhookSecret,
  };
}

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

/** What each process of git is started with: MiB of memory, and variables of this process. */
export function gitSettings(): {
  readonly memoryMib: number;
  readonly inherited: Readonly<Record<string, string>>;
} {
  return { memoryMib: gitMemoryMib(), inherited: environmentOf(INHERITED) };
}
