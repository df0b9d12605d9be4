import type { Settings } from "./variables.ts";

/** Where a worker and the jobs serve their metrics; null: nowhere. */
export type MetricsConfig = {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
};

/**
 * Of several processes with the same environment each has its own: workers have METRICS_PORT and
 * what follows, by their place; the jobs are beyond all of them.
 */
export const JOBS_METRICS_OFFSET = 100;

export function metricsConfigOf(settings: Settings): MetricsConfig | null {
  const { METRICS_HOST: host, METRICS_PORT: port } = settings;
  return port === undefined ? null : { host, port };
}

/** The address of the process that is `offset` ports away; 0 stays any that is free. */
export function metricsAddress(config: MetricsConfig | null, offset: number): MetricsConfig | null {
  return config === null || config.port === 0 ? config : { ...config, port: config.port + offset };
}

/** The same by the names of the variables. */
export function describeMetrics(config: MetricsConfig | null): Record<string, string> {
  return config === null ? {} : { METRICS_HOST: config.host, METRICS_PORT: String(config.port) };
}
