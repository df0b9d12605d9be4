// Goal: a change of a template is told by what it does, in whichever format. Method: texts before
// and after, as such files are written, and the words that they get.

import { expect, test } from "vitest";
import { makeExplain } from "../../../../src/triage/template/explain.ts";

const explain = makeExplain();

const lines = (text: string) => text.split("\n").map((line) => ({ line: null, text: line }));

function wordsFor(path: string, before: string, after: string): readonly string[] {
  const file = { path, oldPath: null, changeType: "modified" as const, isBinary: false };
  return explain({ ...file, before, after, added: lines(after), removed: lines(before) }).changes;
}

type Case = readonly [path: string, before: string, after: string, words: readonly string[]];

const CASES: readonly Case[] = [
  [
    "pyproject.toml",
    '[project]\nrequires-python = ">=3.10"\ndependencies = ["httpx>=0.25"]\n[tool.ruff]\nline-length = 88\n',
    '[project]\nrequires-python = ">=3.12"\ndependencies = ["httpx>=0.27"]\n[tool.ruff]\nline-length = 100\n',
    [
      "project.requires-python: >=3.10 → >=3.12",
      "tool.ruff.line-length: 88 → 100",
      "project.dependencies[httpx>=0.27] added",
      "project.dependencies[httpx>=0.25] removed",
    ],
  ],
  [
    "Cargo.toml",
    '[package]\nedition = "2021"\n[dependencies]\ntokio = { version = "1.35", features = ["rt"] }\n',
    '[package]\nedition = "2024"\n[dependencies]\ntokio = { version = "1.40", features = ["rt", "net"] }\n',
    [
      "package.edition: 2021 → 2024",
      "dependencies.tokio.version: 1.35 → 1.40",
      "dependencies.tokio.features[net] added",
    ],
  ],
  [
    "wrangler.toml",
    'name = "api"\ncompatibility_date = "2024-01-01"\n[[kv_namespaces]]\nid = "a"\n[vars]\nAPI_TOKEN = "x"\n',
    'name = "api"\ncompatibility_date = "2025-01-01"\n[[kv_namespaces]]\nid = "b"\n[vars]\nAPI_TOKEN = "y"\n',
    [
      "compatibility_date: 2024-01-01 → 2025-01-01",
      "vars.API_TOKEN changed",
      "kv_namespaces[b].id added",
      "kv_namespaces[a].id removed",
    ],
  ],
  [
    "Makefile",
    "CC = gcc\n.PHONY: test\ntest: build\n\tgo test ./...\n",
    "CC = clang\n.PHONY: test\ntest: build lint\n\tgo test -race ./...\n",
    [
      "CC: gcc → clang",
      "test: build → build lint",
      "test: go test -race ./... added",
      "test: go test ./... removed",
    ],
  ],
  [
    "eslint.config.mjs",
    'import js from "@eslint/js";\nexport default [\n  { files: ["src/**"], rules: { semi: "off", eqeqeq: ["warn", "always"] } },\n];\n',
    'import js from "@eslint/js";\nimport n from "eslint-plugin-n";\nexport default [\n  n.configs.recommended,\n  { files: ["src/**"], rules: { semi: "error", eqeqeq: ["warn", "smart"] } },\n];\n',
    [
      "[src/**].rules.semi: off → error",
      'import "eslint-plugin-n" added',
      "[n.configs.recommended] added",
      "[src/**].rules.eqeqeq[smart] added",
      "[src/**].rules.eqeqeq[always] removed",
    ],
  ],
  [
    "vite.config.ts",
    'import { defineConfig } from "vite";\nexport default defineConfig({ server: { port: 3000 }, build: { target: "es2020" } });\n',
    'import { defineConfig } from "vite";\nexport default defineConfig({ server: { port: 5173 }, build: { target: "es2022", sourcemap: true } });\n',
    ["server.port: 3000 → 5173", "build.target: es2020 → es2022", "build.sourcemap added"],
  ],
  [
    "jest.config.js",
    'module.exports = { testEnvironment: "node", coverageThreshold: { global: { lines: 70 } } };\n',
    'module.exports = { testEnvironment: "node", coverageThreshold: { global: { lines: 80 } } };\n',
    ["coverageThreshold.global.lines: 70 → 80"],
  ],
  [
    "src/http.js",
    "// Retries.\nconst TIMEOUT = 30;\nexport function retry(f) { return f(); }\nclass Client { send() { return 1; } close() {} }\n",
    "const TIMEOUT = 60;\nexport function retry(f) { return f() ?? f(); }\nclass Client { send() { return 2; } close() {} }\nexport const backoff = (n) => 2 ** n;\n",
    ["TIMEOUT: 30 → 60", "retry changed", "Client.send changed", "backoff added"],
  ],
  [
    "app/client.py",
    'import os\nTIMEOUT = 30\nAPI_KEY = "a"\nclass Client:\n    """One."""\n    def send(self):\n        return 1\n    def close(self):\n        pass\n',
    'import os\nimport time\nTIMEOUT = 60\nAPI_KEY = "b"\nclass Client:\n    """One."""\n    def send(self):\n        time.sleep(1)\n        return 1\n    def close(self):\n        pass\n',
    ["TIMEOUT: 30 → 60", "API_KEY changed", "Client.send changed", "import time added"],
  ],
  [
    "main.go",
    "package main\n\nfunc (c *Client) Send() error {\n\treturn nil\n}\n\nfunc main() {\n}\n",
    "package main\n\nfunc (c *Client) Send() error {\n\treturn c.do()\n}\n\nfunc main() {\n}\n\nfunc retry() {}\n",
    ["Send changed", "retry added"],
  ],
  [
    "scripts/deploy.sh",
    "#!/bin/sh\nset -e\nexport DB_PASSWORD=a\nREGION=eu-west-1\ndeploy() {\n  aws s3 sync . s3://x\n}\ndeploy\n",
    "#!/bin/sh\nset -eu\nexport DB_PASSWORD=b\nREGION=eu-central-1\ndeploy() {\n  aws s3 sync --delete . s3://x\n}\ndeploy\n",
    [
      "code outside of definitions changed",
      "REGION: eu-west-1 → eu-central-1",
      "deploy changed",
      "set -eu added",
      "set -e removed",
    ],
  ],
  [
    ".editorconfig",
    "root = true\n[*]\nindent_size = 2\n[*.{js,ts}]\nmax_line_length = 80\n",
    "root = true\n[*]\nindent_size = 4\nend_of_line = lf\n[*.{js,ts}]\nmax_line_length = 100\n",
    ["[*] indent_size: 2 → 4", "[*.{js,ts}] max_line_length: 80 → 100", "[*] end_of_line added"],
  ],
  [
    ".gitattributes",
    "* text=auto\n*.sh text\n",
    "* text=auto eol=lf\n*.sh text eol=lf\n*.png binary\n",
    ["*: text=auto → text=auto eol=lf", "*.sh: text → text eol=lf", "*.png added"],
  ],
  [
    "setup.cfg",
    "[flake8]\nmax-line-length = 88\nignore =\n    E203\n",
    "[flake8]\nmax-line-length = 100\nignore =\n    E203\n    W503\n",
    ["[flake8] max-line-length: 88 → 100", "[flake8] ignore: E203 → E203 W503"],
  ],
  [
    ".npmrc",
    "engine-strict=false\n//packages.example.org/:_authToken=abc\n",
    "engine-strict=true\n//packages.example.org/:_authToken=def\n",
    ["engine-strict: false → true", "//packages.example.org/:_authToken changed"],
  ],
  [".nvmrc", "18\n", "22\n", ["version: 18 → 22"]],
  [".tool-versions", "nodejs 18.1.0\n", "nodejs 22.1.0\n", ["nodejs: 18.1.0 → 22.1.0"]],
  [
    "requirements.txt",
    "flask==2.3 # web\nhttpx>=0.25\n",
    "flask==3.0\nhttpx>=0.25\ngunicorn==22.0\n",
    ["flask: ==2.3 → ==3.0", "gunicorn added"],
  ],
  [".gitignore", "dist/\n", "dist/\n.env\n", [".env added"]],
  ["go.mod", "module a\ngo 1.21\n", "module a\ngo 1.23\n", ["go: 1.21 → 1.23"]],
  [
    "nginx.conf",
    "server {\n  listen 80;\n}\n",
    "server {\n  listen 8080;\n}\n",
    ["4 lines added, 4 lines removed"],
  ],
  ["docs/intro.md", "a\n", "b\n", ["2 lines added, 2 lines removed"]],
  [
    "vitest.config.ts",
    "export default { test: { globals: true } };\n",
    "// Tests.\nexport default {\n  test: { globals: true },\n};\n",
    ["no value differs: order, comments or layout alone"],
  ],
  [
    "ids.json",
    '{"id":9007199254740993,"ids":[9007199254740993, 1]}\n',
    '{"id":9007199254740995,"ids":[9007199254740993, 1]}\n',
    ["id: 9007199254740993 → 9007199254740995"],
  ],
  [
    "ids.yaml",
    "id: 9007199254740993\nlist:\n  - 9007199254740993\n",
    "id: 9007199254740995\nlist:\n  - 9007199254740993\n",
    ["id: 9007199254740993 → 9007199254740995"],
  ],
  ["broken.toml", "a = 1\n", "a = = 1\n", ["2 lines added, 2 lines removed"]],
];

test.for(CASES)("%s is told by what changed in it", ([path, before, after, words]) => {
  expect(wordsFor(path, before, after)).toEqual(words);
});
