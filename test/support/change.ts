import { changeFindings } from "../../src/triage/change/change-findings.ts";
import type { ChangedFile, ChangeSet, DiffLine } from "../../src/triage/facts/change-set.ts";
import { changeEvent } from "../../src/triage/sources/event/change-event.ts";
import { changeSetOfEvent } from "../../src/triage/sources/event/event-change-set.ts";

/** A file whose contents are known on both sides; null where it is not there. */
export function wholeFile(path: string, before: string | null, after: string | null): ChangedFile {
  return {
    path,
    oldPath: null,
    changeType: before === null ? "added" : after === null ? "deleted" : "modified",
    before,
    after,
    added: linesOf(after),
    removed: linesOf(before),
    isBinary: false,
  };
}

function linesOf(text: string | null): DiffLine[] {
  return (text ?? "").split("\n").map((line, index) => ({ line: index + 1, text: line }));
}

/** A file of which an event shows the diff alone, without headers. */
export function diffedFile(path: string, diff: string, changeType = "modified"): ChangedFile {
  const event = changeEvent.parse({
    source_repo: "acme/provider",
    commit_sha: "1b2c3d4",
    commit_message: "change",
    branch: "main",
    changed_files: [{ path, change_type: changeType, diff }],
  });
  const { files } = changeSetOfEvent(event);
  if (files[0] === undefined) throw new Error("expected a file");
  return files[0];
}

export function makeChange(files: readonly ChangedFile[], mode: ChangeSet["mode"]): ChangeSet {
  return {
    mode,
    baseSha: "0a1b2c3",
    headSha: "1b2c3d4",
    message: "change",
    files,
    truncated: false,
    capsHit: [],
  };
}

/** The findings of a change, one text each: `rule subject breaking [-> replacement]`. */
export function told(...files: readonly ChangedFile[]): string[] {
  return changeFindings({ files }).map(({ finding }) =>
    [
      finding.rule,
      finding.subject,
      finding.breaking,
      ...(finding.replacement === null ? [] : [`-> ${finding.replacement}`]),
    ].join(" "),
  );
}
