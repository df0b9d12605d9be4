import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { ChangedFile } from "../../../../src/triage/facts/change-set.ts";
import type { ServiceIdentity } from "../../../../src/triage/facts/service.ts";
import { analyzeService } from "../../../../src/triage/pipeline/analyze-service.ts";
import { diffedFile, makeChange, wholeFile } from "../../../support/changes.ts";
import { test as base, type Files, writeTree } from "../../../support/packages.ts";

type Given = {
  readonly files: readonly ChangedFile[];
  readonly consumer: Files;
  readonly identity?: Partial<ServiceIdentity>;
};

const IDENTITY: ServiceIdentity = {
  repo: "owner/orders",
  description: "",
  hosts: [],
  envNames: [],
  interfaceFiles: [],
};

/** A test that can tell where a consumer meets a change: `rule subject usage places`. */
const test = base.extend<{ meet: (given: Given) => Promise<string[]> }>({
  meet: async ({ folder }, use) => {
    await use(async ({ files, consumer, identity = {} }) => {
      const path = join(folder, "consumer");
      await writeTree(path, {}, consumer);
      const { hits } = analyzeService(
        {
          change: makeChange(files, "payload"),
          consumer: { path, revision: null, capsHit: [] },
          identity: { ...IDENTITY, ...identity },
        },
        () => {},
      );
      return hits.map(({ finding, usage, hits: places }) =>
        [
          finding.rule,
          finding.subject,
          usage,
          ...places.map(({ path: file, line }) => `${file}:${line}`),
        ].join(" "),
      );
    });
  },
});

const ROUTE_GONE = [diffedFile("app.js", "-app.get('/v1/orders/:id', h)")];
const PORT_GONE = [diffedFile("start.sh", "-serve --port 8080\n+serve --port 8000")];
const AUTH_ADDED = [diffedFile("app.py", "+bearer = HTTPBearer()")];

test.for([
  ["a literal", "fetch('/v1/orders/17');"],
  ["a template", "fetch(`${base}/v1/orders/${id}`);"],
  ["a literal that something is added to", "fetch(base + '/v1/orders/' + id);"],
  [
    "a request that reads like a route",
    "export const order = (id) => api.get(`/v1/orders/${id}`);",
  ],
  ["a request with the path alone", "api.get('/v1/orders/17')"],
  [
    "a request whose answer is used",
    "const { data } = await api.get<Order>('/v1/orders/17', options);",
  ],
  ["a URL", "fetch('https://x.example.com/v1/orders/17?full=1');"],
] as const)("%s of the route is a use", async ([, line], { meet }) => {
  expect(await meet({ files: ROUTE_GONE, consumer: { "a.js": `${line}\n` } })).toEqual([
    "http.route_removed GET /v1/orders/:id confirmed a.js:1",
  ]);
});

test.for([
  ["another path", "fetch('/v1/ordersheet/17');"],
  ["a longer path", "fetch('/v1/orders/17/items');"],
  ["a path of which the route is a part", "fetch('/v2/v1/orders/17');"],
  ["a comment", "// fetch('/v1/orders/17');"],
  ["a route of its own", "app.get('/v1/orders/:id', show);"],
  ["a word", "const text = 'v1 orders';"],
] as const)("%s is no use of a route", async ([, line], { meet }) => {
  expect(await meet({ files: ROUTE_GONE, consumer: { "a.js": `${line}\n` } })).toEqual([
    "http.route_removed GET /v1/orders/:id none",
  ]);
});

test.for([
  ["another method's request", "fetch('/v1/orders/17', { method: 'DELETE' });", "none"],
  ["a HEAD request", "api.head('/v1/orders/17');", "confirmed a.js:1"],
  ["a request of which nobody sees the method", "send('/v1/orders/17');", "confirmed a.js:1"],
] as const)("%s of a route of GET is told by its method", async ([, line, use], { meet }) => {
  expect(await meet({ files: ROUTE_GONE, consumer: { "a.js": `${line}\n` } })).toEqual([
    `http.route_removed GET /v1/orders/:id ${use}`,
  ]);
});

test.for([
  ["a.js", "fetch(`${base}/v1/orders`);", "confirmed a.js:1"],
  ["a.js", "fetch('/v2/orders');", "none"],
  [".env", "ORDERS_URL=http://orders:8080/v1", "confirmed .env:1"],
  ["a.js", "fetch('/v1');", "none"],
] as const)("a prefix that moved hits in %s by %j: %s", async ([path, line, use], { meet }) => {
  const files = [
    diffedFile("app.js", "-app.use('/v1', require('./o'));\n+app.use('/v2', require('./o'));"),
  ];
  const consumer = { [path]: `${line}\n`, "b.js": "fetch('http://orders:8080');\n" };
  const [found = ""] = await meet({ files, consumer, identity: { interfaceFiles: ["a.js"] } });

  expect(found).toBe(`http.route_changed /v1/** ${use}`);
});

test("a base path in the service's address stands before the literals", async ({ meet }) => {
  const consumer = {
    ".env": "ORDERS_URL=http://orders:8080/v1\n",
    "client.py": 'requests.get(f"{base}/orders/{id}")\n',
  };

  expect(await meet({ files: ROUTE_GONE, consumer })).toEqual([
    "http.route_removed GET /v1/orders/:id confirmed client.py:1",
  ]);
});

test("a path of one word means the service where the file knows the service", async ({ meet }) => {
  const files = [diffedFile("app.js", "-app.get('/orders', h)")];
  const consumer = {
    "client.js": "const url = process.env.ORDERS_URL;\nfetch(url + '/orders');\n",
    "pages.js": "navigate('/orders');\n",
  };

  expect(await meet({ files, consumer })).toEqual([
    "http.route_removed GET /orders likely client.js:2 pages.js:1",
  ]);
  expect(await meet({ files, consumer, identity: { envNames: ["ORDERS_URL"] } })).toEqual([
    "http.route_removed GET /orders confirmed client.js:2",
  ]);
});

test.for([
  ["a host called like the repository", "a.yaml", "url: http://orders:8080\n", {}],
  ["a host below it", "a.yaml", "url: http://orders.internal:8080\n", {}],
  [
    "a host that is named",
    "a.yaml",
    "url: http://o.example.com:8080\n",
    { hosts: ["example.com"] },
  ],
  ["a variable that is named", ".env", "SHOP=http://10.0.0.1:8080\n", { envNames: ["SHOP"] }],
  [
    "an interface file",
    "src/client.ts",
    'const url = "http://10.0.0.1:8080";\n',
    { interfaceFiles: ["./src/client.ts", "src/gone.ts"] },
  ],
  ["a workflow", ".github/workflows/ci.yml", "URL: http://orders:8080\n", {}],
] as const)("the old port in %s is a use", async ([, path, text, identity], { meet }) => {
  const files = { [path]: text };

  expect(await meet({ files: PORT_GONE, consumer: files, identity })).toEqual([
    `deploy.port 8080 confirmed ${path.replace("./", "")}:1`,
  ]);
});

test("an address with the old port and an unknown host is likely the service's", async ({
  meet,
}) => {
  const consumer = {
    ".env": "BACKEND_URL=http://localhost:8080\n",
    "a.js": "fetch(process.env.BACKEND_URL);\nconst BACKEND_URL = 1;\n",
  };

  expect(await meet({ files: PORT_GONE, consumer })).toEqual([
    "deploy.port 8080 likely .env:1 a.js:1",
  ]);
});

test.for([
  ["another port of the service", "url: http://orders:9090\n"],
  [
    "the port of another host, where the service's is known",
    "a: http://orders\nb: http://x:8080\n",
  ],
  ["a number", "limit: 8080\n"],
] as const)("%s is no use of the old port", async ([, text], { meet }) => {
  expect(await meet({ files: PORT_GONE, consumer: { "a.yaml": text } })).toEqual([
    "deploy.port 8080 none",
  ]);
});

test("a consumer that runs the provider's image maps its port and sets its variables", async ({
  meet,
}) => {
  const consumer = {
    "compose.yaml": 'services:\n  o:\n    image: ghcr.io/owner/orders:1\n    ports: ["80:8080"]\n',
  };
  const files = [...PORT_GONE, diffedFile("app.py", '+a = os.environ["NEW_SETTING"]')];

  expect(await meet({ files, consumer })).toEqual([
    "deploy.port 8080 confirmed compose.yaml:4",
    "env.added_required NEW_SETTING confirmed compose.yaml:3",
  ]);
});

test("a variable is met as a whole word", async ({ meet }) => {
  const files = [diffedFile(".env.example", "-ORDER_MODE=fast")];
  const consumer = {
    "a.py": 'os.getenv("ORDER_MODE")\nos.getenv("REORDER_MODE")\nos.getenv("ORDER_MODES")\n',
  };

  expect(await meet({ files, consumer })).toEqual(["env.removed ORDER_MODE confirmed a.py:1"]);
});

test("a new credential hits each consumer that holds the service's address", async ({ meet }) => {
  const consumer = { "a.ts": 'const url = "https://orders.example.com";\n' };

  expect(await meet({ files: AUTH_ADDED, consumer })).toEqual([
    "http.auth_added authentication confirmed a.ts:1",
  ]);
  expect(await meet({ files: AUTH_ADDED, consumer: { "a.ts": "const a = 1;\n" } })).toEqual([
    "http.auth_added authentication none",
  ]);
});

test.for([
  ["an interface file that is there", { interfaceFiles: ["a.ts"] }],
  ["a description that names it", { description: "reads what orders knows" }],
] as const)("%s makes a use likely", async ([, identity], { meet }) => {
  const consumer = { "a.ts": "import { call } from './generated.js';\n" };

  expect(await meet({ files: AUTH_ADDED, consumer, identity })).toEqual([
    "http.auth_added authentication likely",
  ]);
});

test("nothing is read outside of the consumer's tree", async ({ meet, folder }) => {
  const consumer = { "a.ts": "const a = 1;\n" };
  await meet({ files: AUTH_ADDED, consumer });
  await mkdir(join(folder, "outside"));
  await writeFile(join(folder, "outside/secret.ts"), 'const url = "http://orders:8080";\n');
  await symlink(join(folder, "outside/secret.ts"), join(folder, "consumer/link.ts"));
  await symlink(join(folder, "outside"), join(folder, "consumer/linked"));
  const identity = {
    interfaceFiles: [
      "../outside/secret.ts",
      "link.ts",
      "linked/secret.ts",
      join(folder, "outside/secret.ts"),
    ],
  };

  expect(await meet({ files: AUTH_ADDED, consumer, identity })).toEqual([
    "http.auth_added authentication none",
  ]);
});

test("a file that is too large leaves the use unknown; a binary one does not", async ({ meet }) => {
  const large = { "a.js": "x".repeat(1_000_001), "b.js": "\0binary http://orders:8080" };

  expect(await meet({ files: ROUTE_GONE, consumer: large })).toEqual([
    "http.route_removed GET /v1/orders/:id unknown",
  ]);
  expect(await meet({ files: ROUTE_GONE, consumer: { ...large, "a.js": "" } })).toEqual([
    "http.route_removed GET /v1/orders/:id none",
  ]);
});

test("installed and built files are not the consumer's own", async ({ meet }) => {
  const consumer = {
    "node_modules/x/a.js": "fetch('/v1/orders/1')",
    "README.md": "'/v1/orders/1'",
  };

  expect(await meet({ files: ROUTE_GONE, consumer })).toEqual([
    "http.route_removed GET /v1/orders/:id none",
  ]);
});

test("a mapping of the provider's container is a use beside an address with its port", async ({
  meet,
}) => {
  const consumer = {
    "docker-compose.yml":
      "services:\n  backend:\n    image: ghcr.io/owner/orders:1\n    ports:\n      - '8080:8080'\n" +
      "  grafana:\n    image: grafana/grafana\n    ports:\n      - '9000:8080'\n",
    "docker-compose.override.yml": "services:\n  backend:\n    ports: ['18080:8080']\n",
    "src/orders.ts": 'const url = "http://orders:8080";\n',
    ".env": "BACKEND=http://localhost:8080\n",
  };

  expect(await meet({ files: PORT_GONE, consumer })).toEqual([
    "deploy.port 8080 confirmed docker-compose.override.yml:3 docker-compose.yml:5 src/orders.ts:1",
  ]);
});

test("a container that is built from the provider's folder runs it", async ({ meet }) => {
  const consumer = {
    "compose.yaml":
      "services:\n  o:\n    build:\n      context: ../orders/\n    ports:\n      - 80:8080\n",
  };

  expect(await meet({ files: PORT_GONE, consumer })).toEqual([
    "deploy.port 8080 confirmed compose.yaml:6",
  ]);
});

test.for([
  [
    "Dockerfile",
    "FROM node:22\nHEALTHCHECK --interval=5s \\\n  CMD curl http://localhost:8080/v1/orders/1\n",
  ],
  [
    "compose.yaml",
    "services:\n  shop:\n    build: .\n    healthcheck:\n      test: curl http://localhost:8080/v1/orders/1\n      retries: 3\n",
  ],
  [
    "k8s/shop.yaml",
    "    livenessProbe:\n      exec:\n        command: ['curl', 'http://127.0.0.1:8080/v1/orders/1']\n    env: []\n",
  ],
] as const)("a container's own health check in %s is no use", async ([path, text], { meet }) => {
  expect(await meet({ files: [...PORT_GONE, ...ROUTE_GONE], consumer: { [path]: text } })).toEqual([
    "deploy.port 8080 none",
    "http.route_removed GET /v1/orders/:id none",
  ]);
});

test("a health check that asks the provider is a use", async ({ meet }) => {
  const consumer = { Dockerfile: "HEALTHCHECK CMD curl http://orders:8080/ready\n" };

  expect(await meet({ files: PORT_GONE, consumer })).toEqual([
    "deploy.port 8080 confirmed Dockerfile:1",
  ]);
});

test.for([
  ["nginx.conf", "upstream orders { server orders:8080; }\n"],
  ["src/a.ts", 'const target = "orders:8080";\n'],
  [".env", "ORDERS_PORT=8080\n"],
  ["deploy/app.yaml", "env:\n  ORDERS_SERVICE_PORT: '8080'\n"],
] as const)("the port without a URL in %s is the service's", async ([path, text], { meet }) => {
  const line = text.split("\n").findIndex((one) => one.includes("8080")) + 1;

  expect(await meet({ files: PORT_GONE, consumer: { [path]: text } })).toEqual([
    `deploy.port 8080 confirmed ${path}:${line}`,
  ]);
});

test.for([
  ["another service's", ".env", "REPORTS_PORT=8080\n"],
  [
    "a tag of the image",
    "compose.yaml",
    "services:\n  a:\n    image: orders:8080\n    ports: []\n",
  ],
] as const)("%s number is no use of the port", async ([, path, text], { meet }) => {
  const [found = ""] = await meet({ files: PORT_GONE, consumer: { [path]: text } });

  expect(found).not.toContain(`${path}:1`);
  expect(found).toMatch(/^deploy\.port 8080 (?:none|confirmed compose\.yaml:3)$/);
});

test("a health check in what deploys the image is no use of its port", async ({ meet }) => {
  const compose =
    "services:\n  orders:\n    image: owner/orders\n    ports: ['8080:8080']\n" +
    "    healthcheck:\n      test: ['CMD', 'curl', 'http://localhost:8080/health']\n";

  expect(await meet({ files: PORT_GONE, consumer: { "compose.yaml": compose } })).toEqual([
    "deploy.port 8080 confirmed compose.yaml:4",
  ]);
});

test.for([
  [
    "compose.yaml",
    "services:\n  db:\n    image: owner/orders\n    healthcheck:\n      test: curl http://localhost/up\n",
    5,
  ],
  ["k8s/orders.yaml", "    image: owner/orders\n    livenessProbe:\n      path: /up\n", 3],
  ["Dockerfile", "FROM owner/orders\nHEALTHCHECK CMD curl http://localhost/up\n", 2],
] as const)(
  "a check of the provider's container in %s asks",
  async ([path, text, line], { meet }) => {
    const files = [diffedFile("app.js", "-app.get('/up', h)")];

    expect(await meet({ files, consumer: { [path]: text } })).toEqual([
      `http.route_removed GET /up likely ${path}:${line}`,
    ]);
  },
);

test("a variable that any program may have is the provider's where its image is", async ({
  meet,
}) => {
  const files = [diffedFile(".env.example", "-DATABASE_URL=postgres://db\n+DB_URL=postgres://db")];
  const compose =
    "services:\n  web:\n    environment:\n      DATABASE_URL: a\n" +
    "  orders:\n    image: owner/orders\n    environment:\n      - DATABASE_URL=b\n";

  expect(await meet({ files, consumer: { "compose.yaml": compose } })).toEqual([
    "env.renamed DATABASE_URL confirmed compose.yaml:8",
  ]);
});

test("a variable without a default any more asks who runs the image and does not set it", async ({
  meet,
}) => {
  const read = "const key = process.env.PAY_KEY";
  const files = [diffedFile("src/app.js", `-${read} ?? 'test';\n+${read};`)];
  const compose = "services:\n  orders:\n    image: owner/orders\n";
  const setting = `${compose}    environment:\n      PAY_KEY: a\n`;

  expect(await meet({ files, consumer: { "compose.yaml": compose } })).toEqual([
    "env.added_required PAY_KEY confirmed compose.yaml:3",
  ]);
  expect(await meet({ files, consumer: { "compose.yaml": setting } })).toEqual([
    "env.added_required PAY_KEY none",
  ]);
});

test("another base of the image concerns who builds on it, and nobody who runs it", async ({
  meet,
}) => {
  const files = [diffedFile("Dockerfile", "-FROM node:20\n+FROM node:22")];
  const consumer = {
    "compose.yaml": "services:\n  orders:\n    image: owner/orders\n",
    Dockerfile: "FROM owner/orders:2\n",
  };

  expect(await meet({ files, consumer })).toEqual([
    "deploy.image Dockerfile confirmed Dockerfile:1",
  ]);
});

const service = (name: string) => `kind: Service\nmetadata:\n  name: ${name}\n`;

test("a renamed Kubernetes Service is met where its old name is called", async ({ meet }) => {
  const files = [wholeFile("k8s/all.yaml", service("old-name"), service("new-name"))];
  const consumer = {
    "a.js": 'fetch("http://old-name:80/x");\nconst word = "old-name";\n',
    "b.env": "A=old-name.shop.svc.cluster.local:8080\nB=very-old-name:80\nC=old-name-2:80\n",
    "c.yaml": "url: https://old-name.shop\nother: http://new-name:80\n",
  };

  expect(await meet({ files, consumer })).toContain(
    "deploy.host old-name confirmed a.js:1 b.env:1 c.yaml:1",
  );
});
