import type { Finding } from "../finding.ts";

/** A finding in a service in words; null for a rule that is not about services. */
export function serviceSentence(finding: Finding): string | null {
  const { rule, subject, before, after, replacement } = finding;
  const use = replacement === null ? "" : `; use \`${replacement}\``;
  switch (rule) {
    case "http.route_removed":
      return `\`${subject}\` was removed`;
    case "http.route_changed":
      return `\`${subject}\` is gone${use}`;
    case "http.param_required":
      return `\`${subject}\` must be sent${after === null ? "" : ` (${after})`}`;
    case "http.response_removed":
      return `\`${subject}\` was removed from the response`;
    case "http.auth_added":
      return authSentence(finding);
    case "env.added_required":
      return `the environment variable \`${subject}\` must be set`;
    case "env.added":
      return `the environment variable \`${subject}\` is read`;
    case "env.removed":
      return `the environment variable \`${subject}\` is not read any more`;
    case "env.renamed":
      return `the environment variable \`${subject}\` was renamed${use}`;
    case "deploy.port":
      return before === null
        ? `the service answers at port ${subject} as well`
        : `the service does not answer at port ${subject} any more${use}`;
    default:
      return null;
  }
}

function authSentence({ subject }: Finding): string {
  return subject === NO_HEADER
    ? "requests must carry a credential: send one, and keep it out of the code"
    : `requests must carry \`${subject}\`: send it, and keep its value out of the code`;
}

/** The subject of `http.auth_added` where nothing names the header. */
const NO_HEADER = "authentication";
