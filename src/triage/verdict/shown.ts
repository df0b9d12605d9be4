// Names, types and compiler messages as the texts of a verdict show them: in backticks where
// Markdown would make a mention, a tag or a link of them. A wall: pure, with tests of its own.

/** A text as code: a backtick in it would end it. */
export function code(text: string): string {
  return `\`${text.replaceAll("`", "'").replaceAll(/\s+/g, " ").trim()}\``;
}

/** A word of a command, in quotes where a shell would see more in it. */
export function shellWord(text: string): string {
  return /^[\w@%+:,./^~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The name of a package or a repository: as it is, but for what would call a team or be a tag. */
export function shownName(name: string): string {
  return /^[\w./-]+$/.test(name) ? name : code(name);
}

/** A text that begins with a name: `@types/node 20.1.0 → 22.0.0`. */
export function withShownName(text: string, name: string): string {
  return text.startsWith(name) ? `${shownName(name)}${text.slice(name.length)}` : text;
}

/**
 * A message of the compiler, in which the names and types that it quotes are code: `'Promise<T>'`
 * would lose its tag as text.
 */
export function shownMessage(message: string): string {
  const parts = message.split("'");
  let shown = bare(parts[0] ?? "");
  for (let at = 1; at < parts.length; at++) {
    const [quoted = "", behind] = parts.slice(at, at + 2);
    const opens = /(?:^|[\s(])$/.test(shown) && quoted !== "" && !quoted.includes("\n");
    const closes = behind !== undefined && /^(?:[\s.,;:)?!]|$)/.test(behind);
    if (opens && closes) {
      shown += code(quoted) + bare(behind);
      at++;
    } else shown += bare(`'${quoted}`);
  }
  return shown;
}

/** A sentence of the package, in whose code and notes backticks stand around code as well. */
export function shownSentence(text: string): string {
  return shownMessage(text.replaceAll("`", "'"));
}

/** Outside of quotes a backtick would begin code. */
function bare(text: string): string {
  return text.replaceAll("`", "'");
}

/** What begins a statement, which stands in no type. */
const KEYWORD =
  /^(?:return|const|let|var|if|for|while|do|throw|try|switch|await|yield|function|debugger|this|super|new)\b/;
const NAME = /^[\w$.]+/;

function beginsStatement(text: string): boolean {
  const rest = text.trimStart();
  if (/^(?:\}|\/[/*])/.test(rest) || KEYWORD.test(rest)) return true;
  const name = NAME.exec(rest)?.[0] ?? "";
  const behind = rest.slice(name.length).trimStart();
  return name !== "" && (behind.startsWith("(") || /^[-+*/]?=[^=>]/.test(behind));
}

/** What a type stands behind: a brace there is one of a type or of a pattern. */
const BEFORE_TYPE = /[:|&<,(=?[]$/;

/** The signature of a declaration: without the body of a function or a class. */
export function signatureOf(text: string): string {
  if (/^(?:export\s+|default\s+|declare\s+|abstract\s+)*class\b/.test(text)) {
    return headUntil(text, text.indexOf("{"));
  }
  let depth = 0;
  let hasParameters = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === "(" || letter === "[") depth++;
    else if (letter === ")" || letter === "]") {
      depth--;
      hasParameters ||= letter === ")" && depth === 0;
    } else if (letter === "{") {
      if (depth === 0 && opensBody(text, at, hasParameters)) return headUntil(text, at);
      depth++;
    } else if (letter === "}" && depth > 0) depth--;
  }
  return text;
}

function opensBody(text: string, at: number, hasParameters: boolean): boolean {
  const before = text.slice(0, at).trimEnd();
  if (!hasParameters) return false;
  // A type may be what an arrow leads to, and then it holds no statement.
  if (before.endsWith("=>")) return beginsStatement(text.slice(at + 1));
  return !BEFORE_TYPE.test(before);
}

function headUntil(text: string, end: number): string {
  if (end === -1) return text;
  const head = text.slice(0, end).trimEnd();
  return head.endsWith("=>") ? `${head} …` : head;
}
