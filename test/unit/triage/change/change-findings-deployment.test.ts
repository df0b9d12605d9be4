import { expect, test } from "vitest";
import { diffedFile, told, wholeFile } from "../../../support/changes.ts";

test.for([
  ["Dockerfile", "-EXPOSE 8080\n+EXPOSE 8000"],
  ["Dockerfile", '-CMD ["serve", "--port", "8080"]\n+CMD ["serve", "--port", "8000"]'],
  ["compose.yaml", '-      - "8080:80"\n+      - "8000:80"'],
  ["compose.yaml", "-      - ${PORT:-8080}:80\n+      - ${PORT:-8000}:80"],
  ["compose.yaml", '-      - "[::]:8080:80"\n+      - "[::]:8000:80"'],
  ["compose.yaml", '-      published: "${PORT-8080}"\n+      published: "${PORT-8000}"'],
  ["compose.yaml", '-    expose:\n-      - "8080"\n+    expose:\n+      - "8000"'],
  ["infra/prod.yaml", "-kind: Service\n-    - port: 8080\n+kind: Service\n+    - port: 8000"],
  ["k8s/service.yaml", "-    - port: 8080\n+    - port: 8000"],
  ["package.json", '-    "start": "serve --port 8080"\n+    "start": "serve --port=8000"'],
  ["start.sh", "-export PORT=${PORT:-8080}\n+export PORT=${PORT:-8000}"],
  ["src/server.js", "-app.listen(8080)\n+app.listen(8000)"],
  ["main.go", '-http.ListenAndServe(":8080", nil)\n+http.ListenAndServe(":8000", nil)'],
  ["main.rs", '-bind("0.0.0.0:8080")\n+bind("0.0.0.0:8000")'],
  ["src/main/resources/application.properties", "-server.port=8080\n+server.port=8000"],
  ["app.py", "-uvicorn.run(app, port=8080)\n+uvicorn.run(app, port=8000)"],
  ["src/server.js", "-app.listen(process.env.PORT || 8080)\n+app.listen(process.env.PORT || 8000)"],
  ["a.py", '-run(int(os.environ.get("PORT", 8080)))\n+run(int(os.environ.get("PORT", 8000)))'],
  [".env.example", "-PORT=8080\n+PORT=8000\n-ADMIN_PORT=1\n+ADMIN_PORT=8080"],
] as const)("another port in %s breaks", ([path, diff]) => {
  expect(told(diffedFile(path, diff))).toContain("deploy.port 8080 yes -> 8000");
});

test("a port that stays exposed and is not the public one any more breaks", () => {
  const found = told(
    diffedFile("Dockerfile", "-EXPOSE 8080\n+EXPOSE 8080 8000"),
    diffedFile("entrypoint.sh", "-serve --port 8080\n+serve --port 8000"),
  );

  expect(found).toEqual(["deploy.port 8080 yes -> 8000"]);
});

test("each port of a range that moves breaks, and none that stays", () => {
  const diff = '-      - "8080-8082:80-82"\n+      - "8081-8083:80-82"';

  expect(told(diffedFile("compose.yaml", diff))).toEqual(["deploy.port 8080 yes -> 8083"]);
});

test("a port beside the others is told as one that may matter", () => {
  expect(told(diffedFile("Dockerfile", "-EXPOSE 8080\n+EXPOSE 8080 8000"))).toEqual([
    "deploy.port 8000 maybe",
  ]);
});

test.for([
  ["a report", "start.sh", "-REPORT=8080\n+REPORT=8000"],
  ["support", ".env.example", "-SUPPORT_ID=8080\n+SUPPORT_ID=8081"],
  ["an export of 8080 rows", "start.sh", "-export ROWS=8080\n+export ROWS=9090"],
  ["a comment", "Dockerfile", "-# EXPOSE 8080\n+# EXPOSE 8000"],
  ["a test", "test/server.test.js", "-app.listen(8080)\n+app.listen(8000)"],
] as const)("%s is no port", ([, path, diff]) => {
  expect(told(diffedFile(path, diff)).filter((one) => one.startsWith("deploy.port"))).toEqual([]);
});

test.for([
  [".env.example", "+MODEL_NAME=", "env.added_required MODEL_NAME yes"],
  [".env.example", "+MODEL_NAME=small", "env.added MODEL_NAME no"],
  ["app.py", '+name = os.environ["MODEL_NAME"]', "env.added_required MODEL_NAME yes"],
  ["app.py", '+name = os.getenv("MODEL_NAME", "small")', "env.added MODEL_NAME no"],
  ["src/a.ts", "+const name = process.env.MODEL_NAME;", "env.added_required MODEL_NAME yes"],
  ["src/a.ts", '+const n = process.env["MODEL_NAME"] ?? "s";', "env.added MODEL_NAME no"],
  ["src/a.ts", "+if (process.env.MODEL_NAME) start();", "env.added MODEL_NAME no"],
  [
    "src/a.ts",
    "+const name = process.env.MODEL_NAME;\n+if (name) start(name);",
    "env.added MODEL_NAME no",
  ],
  [
    "src/a.ts",
    "+const name = process.env.MODEL_NAME;\n+if (!name) throw new Error();",
    "env.added_required MODEL_NAME yes",
  ],
  [
    "src/a.ts",
    '-const n = process.env.MODEL_NAME ?? "s";\n+const n = process.env.MODEL_NAME;',
    "env.added_required MODEL_NAME yes",
  ],
  ["src/a.ts", "+const { MODEL_NAME } = process.env;", "env.added_required MODEL_NAME yes"],
  [
    "src/a.ts",
    "+const {\n+  MODEL_NAME: name = 's',\n+} = process.env;",
    "env.added MODEL_NAME no",
  ],
  [
    "src/env.ts",
    "+z.object({\n+  MODEL_NAME: z.string().min(1),\n+}).parse(process.env)",
    "env.added_required MODEL_NAME yes",
  ],
  [
    "src/env.ts",
    '+z.object({\n+  MODEL_NAME: z\n+    .string()\n+    .default("s"),\n+}).parse(process.env)',
    "env.added MODEL_NAME no",
  ],
  [
    "src/env.ts",
    "+cleanEnv(process.env, { MODEL_NAME: str({ default: 's' }) })",
    "env.added MODEL_NAME no",
  ],
  ["src/env.ts", "+createEnv({ MODEL_NAME: z.string().optional() })", "env.added MODEL_NAME no"],
  ["main.go", '+name := os.Getenv("MODEL_NAME")', "env.added MODEL_NAME maybe"],
  ["app.rb", '+ENV.fetch("MODEL_NAME")', "env.added_required MODEL_NAME yes"],
  ["app.rb", '+ENV.fetch("MODEL_NAME", "small")', "env.added MODEL_NAME no"],
  ["A.java", '-System.getenv("MODEL_NAME")', "env.removed MODEL_NAME yes"],
  ["infra/a.yaml", "+kind: Pod\n+- name: MODEL_NAME\n+  value: s", "env.added MODEL_NAME no"],
  ["compose.yml", "+      MODEL_NAME: small", "env.added MODEL_NAME no"],
  ["compose.yml", "+      - A=${MODEL_NAME:?set it}", "env.added_required MODEL_NAME yes"],
  ["k8s/app.yaml", "+- name: MODEL_NAME\n+  value: small", "env.added MODEL_NAME no"],
  ["Dockerfile", "+ENV MODEL_NAME=small", "env.added MODEL_NAME no"],
  [".env.example", "-MODEL_NAME=small", "env.removed MODEL_NAME yes"],
  ["app.py", '-os.environ["MODEL_NAME"]', "env.removed MODEL_NAME yes"],
  [
    ".env.example",
    "-MODEL_NAME=small\n+LLM_MODEL_NAME=small",
    "env.renamed MODEL_NAME maybe -> LLM_MODEL_NAME",
  ],
] as const)("in %s %j is %s", ([path, diff, expected]) => {
  expect(told(diffedFile(path, diff))).toContain(expected);
});

test("a default anywhere in the change makes a variable optional", () => {
  const found = told(
    diffedFile("app.py", '+name = os.environ["MODEL_NAME"]'),
    diffedFile("compose.yaml", "+      MODEL_NAME: small"),
  );

  expect(found).toEqual(["env.added MODEL_NAME no"]);
});

test.for([
  [".env.example", "+LOG_LEVEL=info"],
  ["src/a.ts", "+pino({ level: process.env.LOG_LEVEL })"],
  ["src/a.ts", "+const level = process.env.LOG_LEVEL\n+  ?? 'info';"],
  ["src/a.ts", "+if (process.env.APP_DEBUG) trace();"],
  [".env.example", "-LOG_LEVEL=info"],
  ["compose.yml", "+      MODE: ${MODE_OF_WORK:-fast}"],
] as const)(
  "a variable that every process can do without breaks nobody: in %s %j",
  ([path, diff]) => {
    const breaking = told(diffedFile(path, diff)).map((one) => one.split(" ")[2]);

    expect(breaking).toEqual(["no"]);
  },
);

test.for([
  ["on its line", '+if (!process.env.API_URL_BASE) throw new Error("API_URL_BASE");'],
  ["on the next one", "+if (!process.env.API_URL_BASE) {\n+  process.exit(1);\n+}"],
] as const)("a variable whose absence ends the process, %s, is required", ([, diff]) => {
  expect(told(diffedFile("src/a.ts", diff))).toEqual(["env.added_required API_URL_BASE yes"]);
});

test.for([
  [
    "calls it on its own machine",
    diffedFile("app.py", '+answer = httpx.post("http://127.0.0.1:8080/v1/chat")'),
  ],
  ["names it as internal", diffedFile(".env.example", "+INTERNAL_PORT=8080")],
] as const)("a port in front of which another one came is lost: the service %s", ([, file]) => {
  const found = told(
    diffedFile("Dockerfile", "-EXPOSE 8080\n+EXPOSE 8080 8000"),
    diffedFile("entrypoint.sh", "-serve --port 8080\n+serve --port 8080 &\n+proxy --port 8000"),
    file,
  );

  expect(found).toContain("deploy.port 8080 yes -> 8000");
});

test("a port that only this machine can reach is not public any more", () => {
  const diff = '-      - "8080:8080"\n+      - "127.0.0.1:8080:8080"\n+      - "8000:8000"';

  expect(told(diffedFile("compose.yaml", diff))).toEqual(["deploy.port 8080 yes -> 8000"]);
  expect(told(diffedFile("compose.yaml", '-ports: ["8080:80"]\n+ports: ["8000:80"]'))).toEqual([
    "deploy.port 8080 yes -> 8000",
  ]);
});

test("a value that is a secret is not told", () => {
  const file = diffedFile(".env.example", "+API_TOKEN=abc123");

  expect(told(file)).toEqual(["env.added API_TOKEN no"]);
});

test.for([
  ["what every system has", "src/a.ts", "-process.env.NODE_ENV"],
  ["a variable that moves", "src/a.ts", '-process.env.A_B ?? "x"\n+process.env.A_B ?? "y"'],
  ["a test", "tests/a.py", '-os.environ["MODEL_NAME"]'],
] as const)("%s is no change of the environment", ([, path, diff]) => {
  expect(told(diffedFile(path, diff))).toEqual([]);
});

test("another base image may break who builds upon it", () => {
  expect(told(diffedFile("Dockerfile", "-FROM node:20-slim\n+FROM node:22-slim"))).toEqual([
    "deploy.image Dockerfile maybe -> node:22-slim",
  ]);
});

test("another health check may break who probes it", () => {
  const diff = "-            path: /health\n+            path: /readyz";

  expect(told(diffedFile("k8s/deployment.yaml", diff))).toEqual([
    "deploy.healthcheck k8s/deployment.yaml maybe -> /readyz",
  ]);
});

test("files whose contents are known are compared whole", () => {
  const before = "FROM node:22\nEXPOSE 8080\nENV MODEL_NAME=small\n";

  expect(told(wholeFile("Dockerfile", before, before))).toEqual([]);
  expect(told(wholeFile("Dockerfile", before, null))).toEqual([
    "deploy.image Dockerfile maybe",
    "deploy.port 8080 yes",
    "env.removed MODEL_NAME yes",
  ]);
});

test("a binary file and one of a single long line say nothing", () => {
  const long = `+${"a ".repeat(400_000)}EXPOSE 8080`;

  expect(told({ ...diffedFile("Dockerfile", "+EXPOSE 8080"), isBinary: true })).toEqual([]);
  expect(told(diffedFile("Dockerfile", long))).toEqual([]);
});

const SERVICE =
  "apiVersion: v1\nkind: Service\nmetadata:\n  labels: {}\n  name: orders\nspec:\n  ports: []\n";
const DEPLOYMENT = "kind: Deployment\nmetadata:\n  name: orders\n";

test.for([
  [
    SERVICE,
    SERVICE.replace("name: orders", "name: shop-orders"),
    ["deploy.host orders yes -> shop-orders"],
  ],
  [`${DEPLOYMENT}---\n${SERVICE}`, DEPLOYMENT, ["deploy.host orders maybe"]],
  [SERVICE, SERVICE.replace("labels: {}", "labels: { a: b }"), []],
  [DEPLOYMENT, DEPLOYMENT.replace("orders", "shop-orders"), []],
] as const)(
  "of a Kubernetes Service %# the name by which it is called is told",
  ([before, after, hosts]) => {
    const found = told(wholeFile("k8s/all.yaml", before, after));

    expect(found.filter((one) => one.startsWith("deploy.host"))).toEqual(hosts);
  },
);
