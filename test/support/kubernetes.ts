/** Kubernetes documents as `kubectl kustomize` makes them, and what their schemas say of them. */

import { Cluster } from "@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1/Cluster";
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { StatefulSet } from "kubernetes-models/apps/v1/StatefulSet";
import { CronJob } from "kubernetes-models/batch/v1/CronJob";
import { Job } from "kubernetes-models/batch/v1/Job";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { PersistentVolumeClaim } from "kubernetes-models/v1/PersistentVolumeClaim";
import { Service } from "kubernetes-models/v1/Service";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { kustomize } from "./deploy.ts";

const MODELS = [
  Cluster,
  ConfigMap,
  CronJob,
  Deployment,
  Job,
  NetworkPolicy,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  PodMonitor,
  PrometheusRule,
  ScaledObject,
  Service,
  ServiceAccount,
  ServiceMonitor,
  StatefulSet,
];

const Words = z.record(z.string(), z.string());
const Reference = z.object({ name: z.string(), key: z.string(), optional: z.boolean().optional() });
const Probe = z.looseObject({
  httpGet: z.object({ path: z.string(), port: z.string() }).optional(),
});

const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  env: z
    .array(
      z.object({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z
          .object({ configMapKeyRef: Reference.optional(), secretKeyRef: Reference.optional() })
          .optional(),
      }),
    )
    .default([]),
  envFrom: z
    .array(
      z.object({
        configMapRef: z.object({ name: z.string() }).optional(),
        secretRef: z.object({ name: z.string(), optional: z.boolean().optional() }).optional(),
      }),
    )
    .default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: Probe.optional(),
  livenessProbe: Probe.optional(),
  readinessProbe: Probe.optional(),
  lifecycle: z
    .object({ preStop: z.object({ exec: z.object({ command: z.array(z.string()) }) }) })
    .optional(),
  resources: z.object({ requests: Words, limits: Words }),
  securityContext: z.unknown(),
});

const Pod = z.object({
  metadata: z.object({ labels: Words }),
  spec: z.looseObject({
    automountServiceAccountToken: z.boolean().optional(),
    enableServiceLinks: z.boolean().optional(),
    terminationGracePeriodSeconds: z.number().default(30),
    securityContext: z.unknown(),
    containers: z.array(Container),
    volumes: z
      .array(
        z.looseObject({
          name: z.string(),
          configMap: z.object({ name: z.string() }).optional(),
          secret: z.object({ secretName: z.string(), optional: z.boolean().optional() }).optional(),
          persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
        }),
      )
      .default([]),
  }),
});
export type Pod = z.infer<typeof Pod>;

const Document = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: Words.default({}) }),
});
export type Document = z.infer<typeof Document>;

/** The documents of a folder of deploy/kubernetes. */
export function documentsOf(folder: string): readonly Document[] {
  return parseAllDocuments(kustomize(`deploy/kubernetes/${folder}`)).map((each) =>
    Document.parse(each.toJS()),
  );
}

/**
 * What the schema of its kind says against a document. Schemas of Kubernetes say nothing against
 * fields that they do not have; a misspelt one shows by this: no schema looks at it.
 */
export function violationsOf(document: Document): string[] {
  const { apiVersion, kind, metadata } = document;
  const model = MODELS.find((each) => each.apiVersion === apiVersion && each.kind === kind);
  if (model === undefined) {
    return [`${kind} of ${apiVersion} has no schema here`];
  }
  const place = `${kind} ${metadata.name}`;
  const seen = new Set<string>([place]);
  try {
    model.prototype.validate.call(watched(document, place, seen));
  } catch (err) {
    return [`${place}: ${String(err)}`];
  }
  return fieldsOf(document, place)
    .filter(({ parent, field }) => seen.has(parent) && !seen.has(field))
    .map(({ field }) => `${field}: unknown`);
}

/** A copy that adds to `seen` each field that is read. */
function watched(value: unknown, place: string, seen: Set<string>): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const copy = Array.isArray(value) ? [] : {};
  for (const [key, inner] of Object.entries(value)) {
    const field = `${place}.${key}`;
    const given = watched(inner, field, seen);
    Object.defineProperty(copy, key, {
      enumerable: true,
      get: () => {
        seen.add(field);
        return given;
      },
    });
  }
  return copy;
}

function fieldsOf(value: unknown, parent: string): { parent: string; field: string }[] {
  if (typeof value !== "object" || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) => {
    const field = `${parent}.${key}`;
    return [{ parent, field }, ...fieldsOf(inner, field)];
  });
}

/** The pods that a document makes. */
export function podOf(document: Document): Pod | null {
  const Template = z.object({ spec: z.object({ template: Pod }) });
  const inCronJob = z.object({ spec: z.object({ jobTemplate: Template }) }).safeParse(document);
  const given = Template.safeParse(inCronJob.data?.spec.jobTemplate ?? document);
  return given.data?.spec.template ?? null;
}
