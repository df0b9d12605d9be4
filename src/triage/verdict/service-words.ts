import type { Finding } from "../facts/finding.ts";
import { code } from "./shown.ts";

/** A finding in a service in words; null for a rule that is not about services. */
export function serviceSentence(finding: Finding): string | null {
  const { rule, subject, before, after, replacement } = finding;
  const use = replacement === null ? "" : `; use ${code(replacement)}`;
  switch (rule) {
    case "http.route_removed":
      return `${code(subject)} was removed`;
    case "http.route_changed":
      return `${code(subject)} is gone${use}`;
    case "http.param_required":
      return `${code(subject)} must be sent${after === null ? "" : ` (${after})`}`;
    case "http.param_changed":
      return `${code(subject)} does not take all that it did${fromTo(before, after)}`;
    case "http.renamed":
      return `${code(subject)} was replaced: ${code(before ?? "")} → ${code(after ?? "")}`;
    case "http.response_removed":
      return `${code(subject)} was removed from the response`;
    case "http.auth_added":
      return authSentence(finding);
    case "env.added_required":
      return `the environment variable ${code(subject)} must be set`;
    case "env.added":
      return `the environment variable ${code(subject)} is read`;
    case "env.removed":
      return `the environment variable ${code(subject)} is not read any more`;
    case "env.renamed":
      return `the environment variable ${code(subject)} was renamed${use}`;
    case "deploy.port":
      return before === null
        ? `the service answers at port ${subject} as well`
        : `the service does not answer at port ${subject} any more${use}`;
    case "deploy.host":
      return replacement === null
        ? `the service is not called ${code(subject)} any more`
        : `the service ${code(subject)} is called ${code(replacement)} now`;
    case "deploy.image":
      return `the image of ${code(subject)} changed${fromTo(before, after)}`;
    case "deploy.healthcheck":
      return `the health check of ${code(subject)} changed${fromTo(before, after)}`;
    default:
      return null;
  }
}

function fromTo(before: string | null, after: string | null): string {
  const [old, now] = [before, after].map((text) => (text === null ? "none" : code(text)));
  return `: ${old} → ${now}`;
}

function authSentence({ subject }: Finding): string {
  return subject === NO_HEADER
    ? "requests must carry a credential: send one, and keep it out of the code"
    : `requests must carry ${code(subject)}: send it, and keep its value out of the code`;
}

/** The subject of `http.auth_added` where nothing names the header. */
const NO_HEADER = "authentication";
