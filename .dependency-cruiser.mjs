// The order of the house: a folder may import those that stand above it in these lists, and
// nothing else of src/. Types count as well. `npm run check` runs it.

/** Folders of the queue; src/index.ts and src/triage/ stand outside of the list. */
const QUEUE = [
  "model",
  "settings",
  "system",
  "database",
  "worker",
  "client",
  "jobs",
  "outbox",
  "supervisor",
  "doctor",
  "cli",
];

/** Folders of triage. `verdict` stands on all walls, and no wall on another but where it is listed. */
const TRIAGE = {
  facts: [],
  reading: ["facts"],
  sources: ["facts", "reading"],
  compiler: ["facts", "reading", "sources"],
  surface: ["facts", "reading", "sources", "compiler"],
  change: ["facts", "reading", "sources"],
  consumer: ["facts", "reading", "sources", "compiler", "change"],
  template: ["facts", "reading", "sources"],
};

const rules = [];
const forbid = (name, comment, from, to) => {
  rules.push({ name, comment, severity: "error", from, to });
};

QUEUE.forEach((folder, place) => {
  const above = QUEUE.slice(0, place + 1).join("|");
  forbid(
    `${folder} imports only what stands above it`,
    `src/${folder} may import ${QUEUE.slice(0, place).join(", ") || "no other folder"}`,
    { path: `^src/${folder}/` },
    { path: "^src/", pathNot: `^src/(${above})/` },
  );
});
for (const [folder, above] of Object.entries(TRIAGE)) {
  forbid(
    `triage/${folder} imports only what stands above it`,
    `src/triage/${folder} may import ${above.join(", ") || "no other folder of triage"}`,
    { path: `^src/triage/${folder}/` },
    { path: "^src/triage/[^/]+/", pathNot: `^src/triage/(${[folder, ...above].join("|")})/` },
  );
}

export default {
  forbidden: [
    ...rules,
    {
      name: "no circle of files",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no circle of folders",
      severity: "error",
      scope: "folder",
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(test/corpus/cases|test/fixtures)/" },
  },
};
