import type { Finding } from "../finding.ts";
import { serviceSentence } from "./service-sentence.ts";

/** A finding in words. `brief` leaves out before and after. */
export function sentence(finding: Finding, { brief = false } = {}): string {
  const { rule, subject, before, after, replacement } = finding;
  const use = replacement === null ? "" : `; use \`${replacement}\``;
  const change = brief ? "" : `: ${quoted(before)} → ${quoted(after)}`;
  switch (rule) {
    case "pkg.version":
      return `${subject} steps from ${before} to ${after}: read its release notes`;
    case "triage.not_analysed":
      return `${subject} could not be analysed within its limits: compare it yourself`;
    case "pkg.exports_removed":
      if (subject === "./*")
        return "files that `exports` does not list cannot be imported any more";
      return `the subpath \`${subject}\` cannot be imported any more`;
    case "pkg.types_removed":
      return `the type declarations of \`${subject}\` were removed`;
    case "pkg.bin_removed":
      return `the command \`${subject}\` was removed`;
    case "pkg.esm_only":
      return `${subject} became ES modules only and cannot be loaded as CommonJS`;
    case "pkg.engines":
      return `${subject} ${after} is required, before ${before ?? "any"}`;
    case "pkg.peer_narrowed":
      return `the peer ${subject} must be ${after}, before ${before ?? "none"}`;
    case "ts.export_removed":
    case "ts.member_removed":
    case "js.export_removed":
      return `\`${subject}\` was removed${use}`;
    case "js.default_changed":
      return `the default of \`${subject}\` changed from \`${before}\` to \`${after}\``;
    default:
      return serviceSentence(finding) ?? `\`${subject}\` changed${change}`;
  }
}

function quoted(text: string | null): string {
  return text === null ? "absent" : `\`${text}\``;
}
