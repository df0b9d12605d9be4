// Goal: deploy/kubernetes is what Kubernetes and its operators take, hangs together, and lets
// triaged live: settings it knows, time to stop, doors that are there, enough connections and
// memory. Method: the documents that kubectl builds, against schemas and each other.

import { beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { SETTINGS } from "../../../src/settings/variables.ts";
import {
  HEALTH_DOORS,
  hasTool,
  OF_SETUP,
  readOfRoot,
  refusedSettings,
  VERSION,
} from "../../support/deploy.ts";
import {
  type Document,
  documentsOf,
  type Pod,
  podOf,
  violationsOf,
} from "../../support/kubernetes.ts";

/** The last has each component. */
const FOLDERS = ["overlays/cloudnativepg", "overlays/statefulset", "example"] as const;
const canBuild = hasTool("kubectl");
const BUILD_MS_MAX = 120_000;
const README = readOfRoot("deploy/README.md");
/** By the operator CloudNativePG, for its Cluster. */
const OF_OPERATOR = ["triaged-database-app", "triaged-database-ca"];

type Named = { readonly name: string; readonly pod: Pod };

let built: ReadonlyMap<string, readonly Document[]>;
/** Of the example, and the pod of the StatefulSet. */
let pods: readonly Named[];
let settings: z.output<typeof SETTINGS>;

beforeAll(() => {
  if (!canBuild) {
    return;
  }
  built = new Map(FOLDERS.map((folder) => [folder, documentsOf(folder)]));
  const stateful = documents("overlays/statefulset").filter(({ kind }) => kind === "StatefulSet");
  pods = [...documents("example"), ...stateful].flatMap((document) => {
    const pod = podOf(document);
    return pod === null ? [] : [{ name: document.metadata.name, pod }];
  });
  settings = SETTINGS.parse(dataOf("triaged"));
}, BUILD_MS_MAX);

function documents(folder: string): readonly Document[] {
  return built.get(folder) ?? [];
}

function one(kind: string, name: string, folder = "example"): Document {
  const found = documents(folder).find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) {
    throw new Error(`expected ${kind} ${name} in ${folder}`);
  }
  return found;
}

/** A ConfigMap by the name that it has before its hash. */
function dataOf(name: string): Record<string, string> {
  const ConfigMap = z.object({ data: z.record(z.string(), z.string()) });
  const found = documents("example").find(
    ({ kind, metadata }) =>
      kind === "ConfigMap" && metadata.name.replace(/-[0-9a-z]{10}$/, "") === name,
  );
  return ConfigMap.parse(found).data;
}

/** The containers of all pods, by the names of what makes them. */
const containers = () =>
  pods.flatMap(({ name, pod }) => pod.spec.containers.map((each) => ({ ...each, name })));
const ours = () => containers().filter(({ image }) => image.includes("/triaged:"));

test.runIf(canBuild).for(FOLDERS)("the schemas have nothing against %s", (folder) => {
  expect(documents(folder).flatMap(violationsOf)).toEqual([]);
});

test("a value of another type and a misspelt field are found", () => {
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "a", labels: {} } };
  const port = { port: "eighty", targetport: 1 };

  expect(violationsOf({ ...service, spec: { ports: [port] } }).join()).toContain("must be integer");
  expect(violationsOf({ ...service, spec: { ports: [{ ...port, port: 80 }] } })).toEqual([
    "Service a.spec.ports.0.targetport: unknown",
  ]);
});

test.runIf(canBuild)(
  "each pod is closed: no root, no token, no rights, nothing to write to",
  () => {
    expect(pods.map(({ name }) => name)).toHaveLength(6);
    for (const { pod } of pods) {
      expect(pod.spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      for (const { securityContext } of pod.spec.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  },
);

test.runIf(canBuild)("each process of triaged is given settings that it takes", () => {
  const refused = ours().flatMap(({ name, env, envFrom }) => {
    const shared = envFrom.flatMap(({ configMapRef }) =>
      configMapRef === undefined ? [] : Object.entries(dataOf("triaged")),
    );
    const own = env.map((variable) => {
      const from = variable.valueFrom?.configMapKeyRef;
      return [variable.name, variable.value ?? (from ? dataOf(from.name)[from.key] : "") ?? ""];
    });
    return refusedSettings(Object.fromEntries([...shared, ...own])).map(
      (each) => `${name}: ${each}`,
    );
  });

  expect(ours()).toHaveLength(5);
  expect(refused).toEqual([]);
});

test.runIf(canBuild)("each other process is given variables that it reads", () => {
  const known = [...OF_SETUP, "DATA_SOURCE_NAME", "POSTGRES_PASSWORD_FILE"];
  const names = containers()
    .filter(({ image }) => !image.includes("/triaged:"))
    .flatMap(({ env }) => env.map(({ name }) => name));

  expect(names.filter((name) => !known.includes(name))).toEqual([]);
});

test.runIf(canBuild)("each has more time to stop than preStop and its handlers together", () => {
  const spans = pods.flatMap(({ pod }) =>
    pod.spec.containers
      .filter(({ lifecycle }) => lifecycle !== undefined)
      .map(({ lifecycle }) => ({
        graceMs: pod.spec.terminationGracePeriodSeconds * 1000,
        sleepMs: Number(lifecycle?.preStop.exec.command.at(-1)) * 1000,
      })),
  );

  expect(spans).toHaveLength(4);
  for (const { graceMs, sleepMs } of spans) {
    expect(graceMs).toBeGreaterThan(sleepMs + settings.SHUTDOWN_GRACE_MS);
  }
});

test.runIf(canBuild)("probes ask doors that are there, at ports of their containers", () => {
  const asked = ours().flatMap(({ name, ports, ...container }) =>
    [container.startupProbe, container.livenessProbe, container.readinessProbe].flatMap((probe) => {
      const port = ports.find((each) => each.name === probe?.httpGet?.port)?.containerPort;
      return probe?.httpGet === undefined ? [] : [`${name} ${port} ${probe.httpGet.path}`];
    }),
  );
  const { PORT: web, METRICS_PORT: metrics = 0 } = settings;

  expect(HEALTH_DOORS).toEqual(["/health", "/ready"]);
  expect(asked.toSorted()).toEqual([
    `triaged-jobs ${metrics + 100} /metrics`,
    `triaged-web ${web} /health`,
    `triaged-web ${web} /health`,
    `triaged-web ${web} /ready`,
    `triaged-workers ${metrics} /metrics`,
  ]);
});

test.runIf(canBuild)(
  "each reference of a pod leads somewhere, or README.md says how to make it",
  () => {
    const made = new Set(
      documents("example").map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    );
    const wanted = pods.flatMap(({ pod: { spec } }) => [
      ...spec.volumes.flatMap(({ configMap, secret, persistentVolumeClaim: claim }) => [
        ...(configMap ? [`ConfigMap ${configMap.name}`] : []),
        ...(secret ? [`Secret ${secret.secretName}`] : []),
        ...(claim ? [`PersistentVolumeClaim ${claim.claimName}`] : []),
      ]),
      ...spec.containers.flatMap(({ env, envFrom }) => [
        ...env.flatMap(({ valueFrom }) => [
          ...(valueFrom?.configMapKeyRef ? [`ConfigMap ${valueFrom.configMapKeyRef.name}`] : []),
          ...(valueFrom?.secretKeyRef ? [`Secret ${valueFrom.secretKeyRef.name}`] : []),
        ]),
        ...envFrom.flatMap(({ configMapRef, secretRef }) => [
          ...(configMapRef ? [`ConfigMap ${configMapRef.name}`] : []),
          ...(secretRef ? [`Secret ${secretRef.name}`] : []),
        ]),
      ]),
    ]);
    const setup = documents("overlays/statefulset").map(
      ({ kind, metadata }) => `${kind} ${metadata.name}`,
    );
    const missing = [...new Set(wanted)].filter(
      (each) => !(made.has(each) || setup.includes(each)),
    );

    expect(missing.every((each) => each.startsWith("Secret "))).toBe(true);
    const secrets = missing.map((each) => each.slice("Secret ".length));
    expect(
      secrets.filter((name) => !(OF_OPERATOR.includes(name) || README.includes(name))),
    ).toEqual([]);
  },
);

test.runIf(canBuild)("each selector finds pods", () => {
  const Labels = z.record(z.string(), z.string());
  const Selects = z.object({
    spec: z.object({
      podSelector: z.object({ matchLabels: Labels }).optional(),
      selector: z.union([z.object({ matchLabels: Labels }), Labels]).optional(),
    }),
  });
  const ofDatabase: Record<string, string> = { "triaged/role": "database" };
  const labels = [...pods.map(({ pod }) => pod.metadata.labels), ofDatabase];
  const lost = FOLDERS.flatMap((folder) => documents(folder)).filter((document) => {
    const { data } = Selects.safeParse(document);
    const { selector, podSelector } = data?.spec ?? {};
    const wanted = Labels.safeParse(
      podSelector?.matchLabels ?? selector?.["matchLabels"] ?? selector,
    );
    return (
      wanted.success &&
      document.kind !== "ServiceMonitor" &&
      !labels.some((each) =>
        Object.entries(wanted.data).every(([key, value]) => each[key] === value),
      )
    );
  });

  expect(lost).toEqual([]);
});

/** Of a Deployment, while its pods are replaced: maxSurge is a quarter unless set. */
function surge(replicas: number): number {
  return replicas + Math.ceil(replicas / 4);
}

test.runIf(canBuild)(
  "all connections fit into the server's, also while workers are replaced",
  () => {
    const Cluster = z.object({
      spec: z.object({
        postgresql: z.object({ parameters: z.object({ max_connections: z.string() }) }),
      }),
    });
    const Scaled = z.object({ spec: z.object({ maxReplicaCount: z.number() }) });
    const cluster = Cluster.parse(one("Cluster", "triaged-database"));
    const { maxReplicaCount: workers } = Scaled.parse(one("ScaledObject", "triaged-workers")).spec;
    const connections = Number(cluster.spec.postgresql.parameters.max_connections);
    const { DB_POOL_SIZE: pool = 10 } = settings;
    const used = surge(workers) * (2 * pool + 2) + surge(1) * 8 + surge(2) * (pool + 3) + 2;

    expect(used).toBeLessThan(connections - 3);
    expect(
      JSON.stringify(one("StatefulSet", "triaged-database", "overlays/statefulset")),
    ).toContain(`max_connections=${connections}`);
  },
);

test.runIf(canBuild)("two analyses and git fit into the memory of a worker", () => {
  const worker = ours().find(({ name }) => name === "triaged-workers");
  const limit = Number.parseInt(worker?.resources.limits["memory"] ?? "", 10) * 1024;

  expect(worker?.resources).toEqual({
    requests: { cpu: "500m", memory: "512Mi" },
    limits: { cpu: "2", memory: "2Gi" },
  });
  expect(2 * settings.ANALYSIS_MEMORY_MIB + settings.MAX_GIT_MEMORY_MIB).toBeLessThan(limit);
});

test.runIf(canBuild)(
  "workers are scaled by metrics that exist, each by as many tasks as it runs",
  () => {
    const Trigger = z.object({ metadata: z.object({ query: z.string(), threshold: z.string() }) });
    const Scaled = z.object({ spec: z.object({ triggers: z.array(Trigger) }) });
    const [trigger] = Scaled.parse(one("ScaledObject", "triaged-workers")).spec.triggers;
    const names = trigger?.metadata.query.match(/\btriaged_\w+/g) ?? [];
    const page = readOfRoot("docs/metrics.md");

    expect(names).toContain("triaged_queue_claimable_tasks");
    expect(names.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
    expect(Number(trigger?.metadata.threshold)).toBe(settings.CONCURRENCY);
    expect(one("Deployment", "triaged-workers")).not.toHaveProperty("spec.replicas");
  },
);

test.runIf(canBuild)("the schema and the image are those of this version", () => {
  const images = new Set(ours().map(({ image }) => image.split(":").at(-1)));

  expect(images).toEqual(new Set([VERSION]));
  expect(one("Job", `triaged-migrate-${VERSION.replaceAll(".", "-")}`)).toBeDefined();
});

test.runIf(canBuild)("the backup begins at 02:00 UTC, one at a time", () => {
  expect(one("CronJob", "triaged-backup")).toMatchObject({
    spec: { schedule: "0 2 * * *", timeZone: "Etc/UTC", concurrencyPolicy: "Forbid" },
  });
});

test("the rules of Prometheus are those of deploy/prometheus", async () => {
  const document = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "triaged" },
    spec: parse(readOfRoot("deploy/prometheus/rules.yml")),
  };
  const from =
    "# Made of deploy/prometheus/rules.yml: npx vitest run test/unit/deploy/kubernetes -u\n";

  await expect(from + stringify(document, { lineWidth: 0 })).toMatchFileSnapshot(
    "../../../deploy/kubernetes/components/monitoring/prometheus-rule.yaml",
  );
});
