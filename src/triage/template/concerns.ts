import picomatch from "picomatch";
import type { ChangedFile } from "../facts/change-set.ts";
import { wordsOf } from "../facts/identifier-words.ts";
import { TEMPLATE_LIMITS } from "../facts/limits.ts";
import type { TemplateConfig } from "./payload.ts";

/** What a file is about, and whether the derivative wants to go along in that. */
export type FileConcern = {
  /** The one it is counted under; null: none that the relationship speaks of. */
  readonly name: string | null;
  readonly kind: "shared" | "divergent" | "other";
  /** All shared concerns that the file or its changed lines speak of, sorted. */
  readonly shared: readonly string[];
};

export type ConcernRules = (file: ChangedFile) => FileConcern;

type Matcher = (file: Seen) => boolean;
type Seen = {
  readonly path: string;
  readonly pathWords: ReadonlySet<string>;
  readonly lineWords: ReadonlySet<string>;
};
type Rule = {
  readonly name: string;
  readonly isDivergent: boolean;
  /** From the strongest evidence to the weakest: its place, its name, its changed lines. */
  readonly matchers: readonly [Matcher, Matcher, Matcher];
};

/**
 * The rules of a relationship. `concern_globs` decide first, in their order. Else the
 * strongest kind of evidence decides that there is any of; within it divergent beats shared,
 * and the more telling concern the more general one. Words count as a whole.
 */
export function concernRules(
  config: Pick<TemplateConfig, "shared_concerns" | "divergent_concerns" | "concern_globs">,
): ConcernRules {
  const divergent = new Set(config.divergent_concerns ?? USUAL_DIVERGENT);
  const shared = (config.shared_concerns ?? USUAL_SHARED).filter((name) => !divergent.has(name));
  const named = new Set([...divergent, ...shared]);
  const overrides = Object.entries(config.concern_globs).map(
    ([name, globs]) => [name, globMatcher(globs)] as const,
  );
  const order = [...CONCERNS.keys(), ...[...named].toSorted()];
  const rules = [...new Set(order)]
    .filter((name) => named.has(name))
    .map((name) => ruleFor(name, divergent.has(name)));
  const kindOf = (name: string): FileConcern["kind"] =>
    divergent.has(name) ? "divergent" : named.has(name) ? "shared" : "other";

  return (file) => {
    const seen = seenIn(file);
    const spoken = rules
      .filter(({ isDivergent, matchers }) => !isDivergent && matchers.some((fits) => fits(seen)))
      .map(({ name }) => name)
      .toSorted();
    const override = overrides.find(([, fits]) => fits(seen.path))?.[0];
    if (override !== undefined) return { name: override, kind: kindOf(override), shared: spoken };
    const found = strongest(rules, seen);
    if (found === undefined) return { name: null, kind: "other", shared: [] };
    return {
      name: found.name,
      kind: found.isDivergent ? "divergent" : "shared",
      shared: spoken,
    };
  };
}

function strongest(rules: readonly Rule[], seen: Seen): Rule | undefined {
  for (const strength of [0, 1, 2] as const) {
    const fitting = rules.filter(({ matchers }) => matchers[strength](seen));
    const first = fitting.find(({ isDivergent }) => isDivergent) ?? fitting[0];
    if (first !== undefined) return first;
  }
  return undefined;
}

function ruleFor(name: string, isDivergent: boolean): Rule {
  // A concern of the relationship's own is known by the words of its name.
  const { globs, words } = CONCERNS.get(name) ?? { globs: [], words: [wordsOf(name).join(" ")] };
  const fits = globMatcher(globs);
  const holds = (found: ReadonlySet<string>) =>
    words.some((word) => word !== "" && word.split(" ").every((part) => found.has(part)));
  return {
    name,
    isDivergent,
    matchers: [
      ({ path }) => fits(path),
      ({ pathWords }) => holds(pathWords),
      ({ lineWords }) => holds(lineWords),
    ],
  };
}

function seenIn({ path, added, removed }: ChangedFile): Seen {
  const text = [...added, ...removed].map((line) => line.text).join("\n");
  return {
    path,
    pathWords: new Set(wordsOf(path)),
    lineWords: new Set(wordsOf(text.slice(0, TEMPLATE_LIMITS.searchedTextMax))),
  };
}

/** No extended globs: their nesting can take a matcher for ever. */
function globMatcher(globs: readonly string[]): (path: string) => boolean {
  return globs.length === 0
    ? () => false
    : picomatch([...globs], { dot: true, noextglob: true, maxLength: 1_000 });
}

/** How a file is known to be of a concern: by where it lies, and by words. */
type ConcernMarks = {
  readonly globs: readonly string[];
  /** Whole words of paths and of changed lines, as wordsOf takes them apart. */
  readonly words: readonly string[];
};

/**
 * The concerns that relationships speak of, the more telling before the more general: the
 * first that fits is the one a file is counted under.
 */
const CONCERNS: ReadonlyMap<string, ConcernMarks> = new Map([
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
        ".github/{dependabot,renovate}.{y{,a}ml,json{,5}}",
        "**/{renovate.json{,5},.renovaterc{,.json}}",
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
const USUAL_SHARED: readonly string[] = [
  "infrastructure",
  "docker",
  "deployment",
  "gpu_configuration",
  "health_checks",
  "logging",
  "monitoring",
];
const USUAL_DIVERGENT: readonly string[] = [
  "application_logic",
  "model_specific",
  "api_endpoints",
  "business_logic",
];
