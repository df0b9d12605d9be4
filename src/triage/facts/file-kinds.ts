/** Generated, installed or left behind. Lockfiles are none: they are evidence of versions. */
const NOISE = [
  /(?:^|\/)(?:node_modules|__pycache__|\.git)\//,
  /(?:^|\/)\.DS_Store$/,
  /\.min\.js$/,
  /\.map$/,
  /\.pyc$/,
];

/** Whether a change of the file says nothing about its repository. */
export function isNoise(path: string): boolean {
  return NOISE.some((pattern) => pattern.test(path));
}

const CODE = /\.(?:[cm]?[jt]sx?|py|go|rb|java|kt|cs|php|rs|ex|exs|scala|swift|dart|vue|svelte)$/i;
const SHELL = /(?:\.(?:sh|bash|zsh|ps1)|(?:^|\/)(?:Procfile|Makefile|justfile|entrypoint))$/i;
const DATA = /\.(?:ya?ml|json|toml|ini|cfg|conf|properties|tf|tfvars|hcl)$/i;

/** Source code in a language that serves or calls HTTP. */
export function isCode(path: string): boolean {
  return CODE.test(path);
}

export function isPython(path: string): boolean {
  return /\.py$/i.test(path);
}

/** JavaScript or TypeScript, which the compiler's parser reads. */
export function isScript(path: string): boolean {
  return /\.[cm]?[jt]sx?$/i.test(path);
}

/** Scripts and markup in one file. */
export function isComponent(path: string): boolean {
  return /\.(?:vue|svelte|astro|mdx|html?)$/i.test(path);
}

/** Commands that start something. */
export function isShell(path: string): boolean {
  return SHELL.test(path);
}

/** Settings in a known format: YAML, JSON and the like. */
export function isData(path: string): boolean {
  return DATA.test(path) && !isLockfile(path);
}

export function isEnvFile(path: string): boolean {
  const name = nameOf(path);
  if (!/^[\w.-]+$/.test(name)) return false;
  // `.env`, `api.env`, either with something behind, and `env.example`.
  return (
    /^\.env(?:$|\..)|.\.env(?:$|\..)/i.test(name) ||
    /^env\.(?:example|sample|template)$/i.test(name)
  );
}

export function isDockerfile(path: string): boolean {
  return /(?:^|\/)(?:(?:Docker|Container)file(?:\.[\w.-]+)?|[\w.-]+\.(?:docker|container)file)$/i.test(
    path,
  );
}

export function isCompose(path: string): boolean {
  return /(?:^|\/)(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$/i.test(path);
}

/** Manifests of Kubernetes, by where they lie: their content may be known in part alone. */
export function isKubernetes(path: string): boolean {
  return (
    isYaml(path) &&
    /(?:^|[/._-])(?:k8s|kubernetes|kube|helm|charts?|kustomi[sz]e|manifests?|deploy(?:ment)?s?|services?|pods?|ingress|statefulset|values)(?=[/._-])/i.test(
      path,
    )
  );
}

const RESOURCE =
  /^kind:\s*["']?(?:Service|Deployment|StatefulSet|DaemonSet|ReplicaSet|Pod|Job|CronJob|Ingress|ConfigMap)["']?\s*$/;

/** Whether YAML is manifests of Kubernetes by what it says, wherever it lies. */
export function describesKubernetes(
  path: string,
  lines: readonly { readonly text: string }[],
): boolean {
  return isYaml(path) && lines.some(({ text }) => RESOURCE.test(text));
}

function isYaml(path: string): boolean {
  return /\.ya?ml$/i.test(path);
}

/** Prose: what it says is a hint, and nothing that runs. */
export function isProse(path: string): boolean {
  return /\.(?:md|mdx|rst|adoc|txt)$/i.test(path) || /(?:^|\/)(?:README|CHANGELOG)$/i.test(path);
}

/** The OpenAPI document of a repository, by name. */
export function isOpenApi(path: string): boolean {
  const name = nameOf(path);
  const ending = /\.(?:json|ya?ml)$/i.exec(name);
  if (ending === null || !/^[\w.-]+$/.test(name)) return false;
  const stem = name.slice(0, ending.index);
  return /^(?:[\w-]+[.-])?(?:openapi|swagger)(?:$|[.-].)/i.test(stem);
}

/** Tests, examples and recorded data serve nobody. */
export function isTest(path: string): boolean {
  return (
    /(?:^|\/)(?:tests?|__tests__|__mocks__|specs?|e2e|fixtures|examples?|testdata)\//i.test(path) ||
    /(?:^|\/)(?:test_[^/]*|conftest|[^/]*[._-](?:test|spec))\.\w+$/i.test(path)
  );
}

/** Settings of the TypeScript compiler, by name: also `jsconfig.json` and `tsconfig.app.json`. */
export function isTsconfig(path: string): boolean {
  return /(?:^|\/)[jt]sconfig(?:[.-][\w.-]+)?\.json$/.test(path);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Versions that a package manager has chosen, written down by it. */
export function isLockfile(path: string): boolean {
  return /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|[\w.-]+\.lock)$/i.test(
    path,
  );
}
