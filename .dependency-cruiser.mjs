// Which imports the house allows: `npm run check` holds every file to these rows, type imports and
// dynamic ones included. test/unit/scripts/import-rules.test.ts shows that each row refuses what it
// should, and docs/architecture.md prints the order.

/** Rooms of the queue: each may import those listed before it, and nothing else of src/. */
const QUEUE = [
  "model",
  "settings",
  "system",
  "database",
  "worker",
  "client",
  "import",
  "backup",
  "jobs",
  "outbox",
  "supervisor",
  "doctor",
  "metrics",
  "gateway",
  "dashboard",
  "cli",
];

/** Rooms of triage, and which others of triage each may import. */
const TRIAGE = {
  facts: [],
  reading: ["facts"],
  sources: ["facts", "reading"],
  compiler: ["facts", "reading", "sources"],
  surface: ["facts", "reading", "sources", "compiler"],
  change: ["facts", "reading", "sources"],
  consumer: ["facts", "reading", "sources", "compiler", "change"],
  template: ["facts", "reading", "sources"],
  relationships: ["facts"],
  verdict: ["facts", "reading", "sources", "surface", "template", "relationships"],
  effects: ["facts"],
  notification: ["facts", "reading", "sources", "relationships"],
  pipeline: [
    "facts",
    "reading",
    "sources",
    "compiler",
    "surface",
    "change",
    "consumer",
    "template",
    "relationships",
    "verdict",
    "effects",
  ],
  jobs: [],
  commands: ["facts", "relationships", "notification", "jobs"],
  doors: ["facts", "sources", "relationships", "notification"],
  pages: ["facts", "relationships", "notification"],
};

/** Outside of src/: what each part of the repository may import of the others. */
const OUTSIDE = {
  src: [],
  tasks: ["src"],
  bin: ["src"],
  bench: ["src", "test/support"],
  scripts: ["src", "tasks", "test/model", "test/support"],
  "test/support": ["src", "tasks"],
  "test/programs": ["src"],
  "test/chaos": ["src", "tasks", "bench", "test/support"],
  "test/corpus": ["src", "tasks", "test/support"],
  "test/formal": [],
  "test/model": ["src"],
};

/** The files of a library that load it as a value; its types are free. What is not here, anybody may. */
const LIBRARIES = {
  pg: "^src/database/",
  bullmq: "^src/import/",
  ioredis: "^src/import/",
  "graphile-worker": "^src/(jobs|triage/jobs)/",
  typescript: "^src/triage/(compiler|surface|consumer|change|template)/",
  tar: "^src/triage/sources/npm/",
  "npm-registry-fetch": "^src/triage/sources/npm/",
  "@npmcli/config": "^src/triage/sources/npm/",
  "resolve.exports": "^src/triage/sources/npm/",
  "cjs-module-lexer": "^src/triage/surface/loading/",
  "es-module-lexer": "^src/triage/(sources/npm|surface/loading)/",
  semver: "^src/triage/",
  picomatch: "^src/triage/template/",
  yaml: "^src/triage/reading/",
  "smol-toml": "^src/triage/reading/",
  "ipaddr.js": "^src/system/",
  "prom-client": "^src/metrics/",
  "@opentelemetry/api": "^src/system/",
  fastify: "^src/gateway/",
  "@fastify/cookie": "^src/dashboard/",
  "@fastify/csrf-protection": "^src/dashboard/",
  "@fastify/formbody": "^src/dashboard/",
  "@fastify/static": "^src/dashboard/",
  "@fastify/cors": "^src/gateway/",
  "@fastify/rate-limit": "^src/gateway/",
  "@fastify/swagger": "^src/gateway/",
  "fastify-type-provider-zod": "^src/gateway/",
  "@dagrejs/dagre": "^src/triage/pages/",
  "fastest-levenshtein": "^src/(cli/terminal|triage/commands)/",
};

/** Rooms that read what strangers wrote, by a Fence (src/triage/reading/fence.ts) alone. */
const FENCED = ["facts", "change", "compiler", "consumer", "surface", "verdict"];
/** It lists folders without following links, and reads what it lists through a fence. */
const LISTS_FOLDERS = "^src/triage/consumer/consumer-files\\.ts$";

const forbidden = [];
const forbid = (name, comment, from, to) => {
  forbidden.push({ name, comment, severity: "error", from, to });
};
const oneOf = (words) => `(${words.join("|")})`;
const listed = (rooms) => rooms.join(", ") || "nothing else";

QUEUE.forEach((room, place) => {
  forbid(
    `src/${room} imports earlier rooms`,
    `It may import ${listed(QUEUE.slice(0, place))} of src/.`,
    { path: `^src/${room}/` },
    { path: "^src/", pathNot: `^src/${oneOf(QUEUE.slice(0, place + 1))}/` },
  );
});
forbid(
  "src/index.ts is the queue alone",
  "Who imports the queue loads nothing of triage.",
  { path: "^src/index\\.ts$" },
  { path: "^src/", pathNot: `^src/${oneOf(QUEUE)}/` },
);
forbid(
  "triage enters the queue by src/index.ts",
  "The queue has one door: what triage needs of it is exported there.",
  { path: "^(src/triage|tasks)/" },
  { path: "^src/", pathNot: "^src/(triage/|index\\.ts$)" },
);
for (const [room, row] of Object.entries(TRIAGE)) {
  forbid(
    `src/triage/${room} imports the rooms of its row`,
    `It may import ${listed(row)} of triage.`,
    { path: `^src/triage/${room}/` },
    { path: "^src/triage/[^/]+/", pathNot: `^src/triage/${oneOf([room, ...row])}/` },
  );
}
forbid(
  "the ground of triage is flat",
  "Statements and settings of triage are used by its rooms, and use none but facts.",
  { path: "^src/triage/(page-store|store|settings|client)\\.ts$" },
  { path: "^src/triage/", pathNot: "^src/triage/(facts/|(store|settings)\\.ts$)" },
);
forbid(
  "src/triage/application.ts is for bin/",
  "Only bin/triaged.js composes the queue with an application; tests do as it does.",
  { path: "^(src|tasks|bench|scripts)/" },
  { path: "^src/triage/application\\.ts$" },
);
for (const [part, others] of Object.entries(OUTSIDE)) {
  forbid(
    `${part} imports what is not outside of it`,
    `It may import ${listed(others)}.`,
    { path: `^${part}/` },
    {
      path: "^(src|tasks|bin|bench|scripts|examples|test)/",
      pathNot: `^${oneOf([part, ...others])}/`,
    },
  );
}
forbid(
  "nothing imports a test",
  "What two tests share is in test/support.",
  {},
  { path: "\\.test\\.ts$" },
);
for (const [library, rooms] of Object.entries(LIBRARIES)) {
  forbid(
    `${library} has its rooms`,
    `Its values are for ${rooms}; a type of it may be named anywhere.`,
    { path: "^(src|tasks|bin)/", pathNot: rooms },
    {
      path: `^node_modules/(@types/)?${library.replaceAll(".", "\\.")}/`,
      dependencyTypesNot: ["type-only"],
    },
  );
}
forbid(
  "what is published imports what is installed with it",
  "A dependency of package.json, and not one of development or of another dependency.",
  { path: "^(src|tasks|bin)/" },
  {
    dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown", "unknown"],
    // Loaded where it is used, with an error that says what to install: tests install it as well.
    dependencyTypesNot: ["npm-peer"],
  },
);
forbid(
  "strangers' files are read through a Fence",
  "A path that a stranger wrote may lead anywhere.",
  { path: `^src/triage/${oneOf(FENCED)}/`, pathNot: LISTS_FOLDERS },
  { path: "^fs(/|$)", dependencyTypes: ["core"] },
);
forbid("no circle of files", "Read together, they are one file.", {}, { circular: true });
forbidden.push({
  name: "no circle of folders",
  comment: "One of two folders is below the other.",
  severity: "error",
  scope: "folder",
  from: {},
  to: { circular: true },
});

export default {
  forbidden,
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(bench/peers|test/corpus/(cases|packages)|test/fixtures)/" },
    // By content: a checkout of other times has other times of change.
    cache: { folder: "node_modules/.cache/dependency-cruiser", strategy: "content" },
  },
};
