/** Changes to judge: files of which all or the diff is known, and a whole change of a service. */
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

/** The texts of a change and a consumer as the older system recorded them. */

const APP = `from fastapi import FastAPI, HTTPException, Request, Security
from fastapi.security import APIKeyHeader
import httpx
import os

app = FastAPI()
API_KEY = os.environ.get("API_KEY", "")
api_key_header = APIKeyHeader(name="X-API-Key", auto_error=False)


async def verify_api_key(key: str = Security(api_key_header)):
    if API_KEY and key != API_KEY:
        raise HTTPException(status_code=401, detail="Invalid or missing API key")


@app.post("/v1/chat/completions")
async def chat(request: Request, _=Security(verify_api_key)):
    async with httpx.AsyncClient() as client:
        answer = await client.post("http://127.0.0.1:8080/v1/chat/completions")
        return answer.json()
`;

const ENTRYPOINT = `-echo "Serving at port 8080"
-exec python -m vllm.entrypoints.openai.api_server --host 0.0.0.0 --port 8080
+python -m vllm.entrypoints.openai.api_server --host 127.0.0.1 --port 8080 &
+export PUBLIC_PORT=8000
+exec uvicorn app:app --host 0.0.0.0 --port 8000`;

const README = `+## Authentication
+
+Every request needs the header \`X-API-Key\`. Set \`API_KEY\` on the server.`;

/** 39 characters, and not hexadecimal. */
const SHA = "abc123def456ghi789jkl012mno345pqr678stu";

export const LLM_EVENT = {
  source_repo: "owner/llm-container",
  commit_sha: SHA,
  commit_message: "Add API key authentication and move the public port to 8000",
  branch: "main",
  changed_files: [
    { path: "app.py", change_type: "added", diff: signed(APP, "+") },
    { path: "entrypoint.sh", change_type: "modified", diff: ENTRYPOINT },
    { path: "Dockerfile", change_type: "modified", diff: "-EXPOSE 8080\n+EXPOSE 8080 8000" },
    { path: "README.md", change_type: "modified", diff: README },
  ],
  pattern_summary: {
    patterns: ["api_authentication", "port_configuration"],
    keywords: ["port", "X-API-Key", "8000"],
  },
  timestamp: "2024-12-05T10:30:00Z",
};

/** The consumer, and files of it that name similar words and are not hit. */
export const LLM_CONSUMER = {
  "package.json": {},
  "utils/llm_client.py": `import os
import requests

BASE_URL = os.getenv("CUSTOM_LLM_BASE_URL")


def complete(messages):
    response = requests.post(f"{BASE_URL}/chat/completions", json={"messages": messages})
    return response.json()
`,
  ".env.example": "# The model\nCUSTOM_LLM_BASE_URL=http://localhost:8080/v1\nLOG_LEVEL=info\n",
  "utils/report.py": "def report(author, catalog):\n    return f'{author} {catalog}'\n",
  "pages/login.py": 'AUTHOR = "somebody"\nURL = "https://example.com/login"\n',
  "README.md": "Set CUSTOM_LLM_BASE_URL=http://localhost:8080/v1 and start.\n",
};

function signed(text: string, sign: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `${sign}${line}`)
    .join("\n");
}
