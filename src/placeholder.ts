/** Values that somebody meant to replace. */

/** Whole values, in lowercase and without blanks, _ and -. No word that a dummy key may be. */
const WORDS = new Set([
  "changeit",
  "changeme",
  "fixme",
  "none",
  "notconfigured",
  "notset",
  "null",
  "placeholder",
  "replaceme",
  "tba",
  "tbd",
  "todo",
  "undefined",
  "unset",
]);
const EXAMPLE_HOST = /(?:^|\.)example\.com$/i;

/** Settings of which a placeholder is never the value: secrets, addresses and names. */
export const NO_PLACEHOLDERS = [
  "DATABASE_URL",
  "DATABASE_DIRECT_URL",
  "POSTGRES_HOST",
  "GITHUB_TOKEN",
  "GITHUB_API_URL",
  "GITHUB_CLONE_BASE",
  "WEBHOOK_URL",
  "DEV_NEXUS_URL",
  "LLM_API_KEY",
  "LLM_BASE_URL",
  "LLM_MODEL",
] as const;

/**
 * Which placeholder a value is, for a sentence; null where it is none. Of the value itself, which
 * may be a secret, only words that stand for one are quoted.
 */
export function placeholderIn(value: string): string | null {
  return templateIn(value) ?? (value.includes("://") ? addressIn(value) : wordIn(value.trim()));
}

/** What a shell, compose or a chart should have put in; of any setting. */
export function templateIn(value: string): string | null {
  const isWhole = /^\$[A-Za-z_]\w{0,100}$/.test(value.trim());
  if (isWhole || /\$\{\w{1,100}[:?+}-]/.test(value) || /\$\(\w{1,100}\)/.test(value)) {
    return "a variable that was not put in, such as ${…}";
  }
  const opens = value.search(/\{\{[\s-]{0,9}[.$A-Za-z_]/);
  return opens >= 0 && value.includes("}}", opens)
    ? "a template that was not filled in, {{…}}"
    : null;
}

function wordIn(value: string): string | null {
  if (WORDS.has(value.toLowerCase().replaceAll(/[\s_-]/g, "")) || /^x{3,}$/i.test(value)) {
    return `the placeholder "${value.slice(0, 40)}"`;
  }
  const isMeant =
    /^(?:<[^<>]*>|\[[^[\]]*\]|\*{3,}|\.{3,}|…)$/.test(value) ||
    /^(?:your|insert|replace|enter|put)[\s_-]/i.test(value) ||
    /[\s_-]here$/i.test(value);
  return isMeant ? "a placeholder such as <token> or your-token-here" : null;
}

function addressIn(value: string): string | null {
  const host = URL.parse(value)?.hostname ?? "";
  if (EXAMPLE_HOST.test(host)) {
    return `a host of examples, ${host}`;
  }
  return /<[^<>]*>|…|[/@.=]your[_-]|\/x{3,}(?:[/?]|$)|\/\.{3}(?:[/?]|$)/i.test(value)
    ? "an address with a placeholder in it"
    : null;
}
