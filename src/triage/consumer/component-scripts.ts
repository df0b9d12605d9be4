import { extname } from "node:path/posix";
import ts from "typescript";
import { isComponent } from "../facts/file-kinds.ts";
import type { ConsumerFile } from "./consumer-files.ts";

/**
 * The code of components: files in which scripts and markup stand together. Their own compilers
 * would turn markup into code as well, but are as large as TypeScript, differ from release to
 * release of each framework, and move lines. Here all that is no code becomes blanks, so that each
 * place stays where its author wrote it; the code itself is for the compiler to read.
 */

/** The code of a component, under the path of a script beside it; other files as they are. */
export function scriptOf(file: ConsumerFile): ConsumerFile {
  if (!isComponent(file.path)) return file;
  const kind = extname(file.path).toLowerCase();
  const code = new CodeOf(file.text);
  if (kind === ".astro") code.keepFrontmatter();
  if (kind === ".mdx") code.keepModuleBlocks();
  else code.keepScripts();
  if (kind === ".vue") code.keepDirectives();
  else if (!kind.startsWith(".htm")) code.keepBraces();
  const extension = kind === ".astro" || kind === ".mdx" ? ".tsx" : code.extension;
  return { path: file.path + extension, text: code.text };
}

/** The path of the component that a script stands for; other paths as they are. */
export function componentPath(path: string): string {
  const bare = path.replace(/\.[jt]sx?$/, "");
  return bare !== path && isComponent(bare) ? bare : path;
}

type Range = readonly [start: number, end: number];

/** Collects the ranges of a text that are code. Each is looked for once, from the left. */
class CodeOf {
  /** As the scripts say by `lang`. */
  extension: ".ts" | ".tsx" | ".js" = ".js";

  readonly #source: string;
  readonly #kept: string[];

  constructor(source: string) {
    this.#source = source;
    // By code units, as the compiler counts.
    this.#kept = source.replaceAll(/[^\r\n]/g, " ").split("");
  }

  get text(): string {
    return this.#kept.join("");
  }

  /** What stands in `<script>` tags. */
  keepScripts(): void {
    const lower = this.#source.toLowerCase();
    for (let from = 0; ; ) {
      const tag = lower.indexOf("<script", from);
      const open = tag === -1 ? -1 : lower.indexOf(">", tag);
      const end = open === -1 ? -1 : lower.indexOf("</script", open);
      if (end === -1) return;
      const attributes = lower.slice(tag, open);
      if (/\blang\s*=\s*["']?tsx/.test(attributes)) this.extension = ".tsx";
      else if (/\blang\s*=\s*["']?(?:ts|typescript)/.test(attributes)) this.extension = ".ts";
      if (!attributes.includes("application/") && !attributes.endsWith("/")) {
        this.#keep([open + 1, end]);
        // Two scripts of one file do not run on into each other.
        this.#kept[end] = ";";
      }
      from = end;
    }
  }

  /** What stands between two lines of `---` at the beginning. */
  keepFrontmatter(): void {
    const start = this.#source.indexOf("---");
    const end = start === -1 ? -1 : this.#source.indexOf("\n---", start + 3);
    if (end !== -1 && this.#source.slice(0, start).trim() === "") this.#keep([start + 3, end]);
  }

  /** Blocks of lines that begin with `import` or `export`, outside of fenced code. */
  keepModuleBlocks(): void {
    let at = 0;
    let isFenced = false;
    let isKept = false;
    for (const line of this.#source.split("\n")) {
      if (/^\s*(?:```|~~~)/.test(line)) isFenced = !isFenced;
      if (line.trim() === "") isKept = false;
      else if (!isFenced && /^(?:import|export)\b/.test(line)) isKept = true;
      if (isKept && !isFenced) this.#keep([at, at + line.length]);
      at += line.length + 1;
    }
  }

  /** Vue: `{{ … }}` and the values of `:name`, `@name`, `#name` and `v-name`. */
  keepDirectives(): void {
    const braces = /\{\{([^{}]*)\}\}/g;
    for (const { index, 1: inner = "" } of this.#source.matchAll(braces)) {
      this.#keepExpression([index + 2, index + 2 + inner.length]);
    }
    const directives = /\s(?:v-|[:@#])[\w:.-]*="([^"]*)"/g;
    for (const { index, 0: all, 1: inner = "" } of this.#source.matchAll(directives)) {
      const end = index + all.length - 1;
      this.#keepExpression([end - inner.length, end]);
    }
  }

  /** Svelte, Astro, MDX: what stands in braces. */
  keepBraces(): void {
    const source = this.#source;
    for (let start = source.indexOf("{"); start !== -1; start = source.indexOf("{", start + 1)) {
      if (this.#kept[start] !== " ") continue;
      const end = closingBrace(source, start);
      if (end === -1) continue;
      const word = /^\s*(?:[#:@][a-z]+(?:\s+if)?|\/[a-z]+)/.exec(source.slice(start + 1, end))?.[0];
      const from = start + 1 + (word?.length ?? 0);
      const each = word?.trim() === "#each" ? source.slice(from, end).lastIndexOf(" as ") : -1;
      if (this.#keepExpression([from, each === -1 ? end : from + each])) start = end;
    }
  }

  /** An expression that parses, between semicolons; false for anything else. */
  #keepExpression([start, end]: Range): boolean {
    const text = this.#source.slice(start, end);
    const isFree = this.#kept.slice(start, end).every((unit) => unit.trim() === "");
    if (text.trim() === "" || text.length > EXPRESSION_MAX || !isFree) return false;
    if (!parses(text)) return false;
    this.#keep([start, end]);
    this.#kept[start - 1] = ";";
    this.#kept[end] = ";";
    return true;
  }

  #keep([start, end]: Range): void {
    for (let at = start; at < end; at++) this.#kept[at] = this.#source.charAt(at);
  }
}

/** Characters of an expression in markup that is looked at. */
const EXPRESSION_MAX = 2_000;

/** Where the brace that stands at `start` is closed; -1 where it is not, or too far away. */
function closingBrace(text: string, start: number): number {
  let depth = 0;
  const last = Math.min(text.length, start + EXPRESSION_MAX);
  for (let at = start; at < last; at++) {
    const unit = text.charAt(at);
    if (unit === "{") depth++;
    else if (unit === "}" && --depth === 0) return at;
  }
  return -1;
}

/** One that does not parse would take the code behind it along. */
function parses(expression: string): boolean {
  const { diagnostics } = ts.transpileModule(`;${expression};`, {
    fileName: "expression.tsx",
    reportDiagnostics: true,
    compilerOptions: { jsx: ts.JsxEmit.Preserve, target: ts.ScriptTarget.ESNext },
  });
  return diagnostics?.length === 0;
}
