/** How a file is known to be of a concern: by where it lies, and by words. */
export type ConcernMarks = {
  readonly globs: readonly string[];
  /** Whole words of paths and of changed lines, as wordsOf takes them apart. */
  readonly words: readonly string[];
};

/**
 * The concerns that relationships speak of, the more telling before the more general: the
 * first that fits is the one a file is counted under.
 */
export const CONCERNS: ReadonlyMap<string, ConcernMarks> = new Map([
  [
    "health_checks",
    {
      globs: ["**/health{,check,z}.*", "**/{liveness,readiness}.*"],
      words: [
        "health",
        "healthcheck",
        "healthchecks",
        "healthz",
        "readiness",
        "liveness",
        "readyz",
        "livez",
        "probe",
        "probes",
      ],
    },
  ],
  [
    "gpu_configuration",
    {
      globs: ["**/gpu*", "**/cuda*"],
      words: ["gpu", "gpus", "cuda", "nvidia", "vram", "device", "devices"],
    },
  ],
  [
    "logging",
    {
      globs: ["**/logging.*", "**/logger.*", "**/log4j*", "**/logback*"],
      words: ["log", "logs", "logger", "loggers", "logging"],
    },
  ],
  [
    "monitoring",
    {
      globs: ["**/{prometheus,grafana,alertmanager}*", "**/{prometheus,grafana,monitoring}/**"],
      words: [
        "monitor",
        "monitoring",
        "metric",
        "metrics",
        "prometheus",
        "grafana",
        "telemetry",
        "alerts",
      ],
    },
  ],
  [
    "docker",
    {
      globs: [
        "**/{Dockerfile,Containerfile}{,.*}",
        "**/*.{D,d}ockerfile",
        "**/{docker-,}compose{,.*,-*}.y{,a}ml",
        "**/.dockerignore",
      ],
      words: ["docker", "dockerfile", "dockerignore"],
    },
  ],
  [
    "deployment",
    {
      globs: [
        "**/{k8s,kubernetes,helm,charts,deploy,deployment}/**",
        "**/Procfile",
        "**/{fly,render,vercel,netlify}.{toml,y{,a}ml,json}",
      ],
      words: [
        "docker",
        "deploy",
        "deployment",
        "deployments",
        "port",
        "ports",
        "host",
        "hosts",
        "url",
        "environment",
        "k8s",
        "kubernetes",
        "helm",
        "compose",
      ],
    },
  ],
  [
    "infrastructure",
    {
      globs: [
        ".github/{workflows,actions}/**",
        ".gitlab-ci.y{,a}ml",
        ".circleci/**",
        "**/Jenkinsfile",
        "**/*.{tf,tfvars}",
        "**/{terraform,infra,infrastructure,ansible}/**",
        "**/Makefile",
      ],
      words: ["docker", "compose", "deploy", "infra", "infrastructure", "terraform"],
    },
  ],
  [
    "model_specific",
    {
      globs: ["**/{models,inference,prompts}/**"],
      words: ["model", "models", "inference", "generation", "prompt", "prompts"],
    },
  ],
  [
    "api_endpoints",
    {
      globs: ["**/{api,routes,handlers,endpoints}/**"],
      words: ["endpoint", "endpoints", "route", "routes", "api", "handler", "handlers"],
    },
  ],
  [
    "business_logic",
    {
      globs: ["**/{business,domain,services}/**"],
      words: ["business", "logic", "service", "services", "domain"],
    },
  ],
  [
    "application_logic",
    {
      globs: ["**/{app,main}.py", "**/{app,main,index,server}.{c,m,}{j,t}s"],
      words: ["service", "business"],
    },
  ],
]);

/** What a relationship shares, and in what it diverges, where it does not say. */
export const USUAL_SHARED: readonly string[] = [
  "infrastructure",
  "docker",
  "deployment",
  "gpu_configuration",
  "health_checks",
  "logging",
  "monitoring",
];
export const USUAL_DIVERGENT: readonly string[] = [
  "application_logic",
  "model_specific",
  "api_endpoints",
  "business_logic",
];
