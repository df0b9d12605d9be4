import { isCode, isCompose, isDockerfile, isEnvFile, isKubernetes, isShell } from "./file-kinds.ts";
import type { Side } from "./sides.ts";
import { wordsOf } from "./words.ts";

/** A port that a line of a provider names. */
export type Port = {
  readonly port: number;
  /** Public: where the service answers. Exposed: that it might, as `EXPOSE` says, or inside. */
  readonly role: "public" | "exposed";
  /** What the line calls it: an option, a variable, a call. */
  readonly label: string;
  readonly file: string;
  readonly line: number | null;
};

/** The ports that one side of a file names. */
export function portsOf(path: string, side: Side): Port[] {
  return side.lines.flatMap(({ text, line }) =>
    portsIn(path, text)
      .filter(({ port }) => port >= 1 && port <= 65_535)
      .map((named) => ({ ...named, file: path, line })),
  );
}

type Named = Pick<Port, "port" | "role" | "label">;

function portsIn(path: string, text: string): Named[] {
  if (/^\s*(?:#|\/\/|\*)/.test(text)) return [];
  if (isDockerfile(path)) return dockerPorts(text);
  if (isCompose(path)) return [...mappedPorts(text), ...commandPorts(text)];
  if (isShell(path) || isEnvFile(path)) return [...commandPorts(text), ...assignedPorts(text)];
  if (isCode(path)) return [...commandPorts(text), ...listenPorts(text)];
  if (/(?:^|\/)package\.json$/.test(path)) return commandPorts(text);
  return isKubernetes(path) ? [...kubernetesPorts(text), ...commandPorts(text)] : [];
}

function dockerPorts(text: string): Named[] {
  const exposed = /^\s*EXPOSE\s(.*)/i.exec(text)?.[1];
  if (exposed !== undefined) {
    return exposed.split(/\s+/).flatMap((word) => {
      const port = /^(\d{1,5})(?:\/\w+)?$/.exec(word)?.[1];
      return port === undefined ? [] : [{ port: Number(port), role: "exposed", label: "" }];
    });
  }
  return [...commandPorts(text), ...(/^\s*(?:ENV|ARG)\s/i.test(text) ? assignedPorts(text) : [])];
}

/** `--port 8000`, `--port=8000`, `"--port", "8000"`, `--bind 0.0.0.0:8000`, `${PORT:-8000}`. */
function commandPorts(text: string): Named[] {
  // What listens on the loopback alone answers nobody outside.
  const role = LOOPBACK.test(text) ? "exposed" : "public";
  return [
    ...numbers(text.matchAll(/(--port)["']?[\s=,]+["']?(?:\$\{\w+:-)?(\d{2,5})\b/g), role),
    ...numbers(
      text.matchAll(/(--bind|-b|--listen|--addr)["']?[\s=,]+["']?[\w.*[\]]*:(\d{2,5})\b/g),
      role,
    ),
  ];
}

const LOOPBACK = /(?:--host|--bind|--listen|--addr)["']?[\s=,]+["']?(?:127\.|localhost\b|\[?::1\b)/;

/** `PORT=8000`, `PUBLIC_PORT=${PORT:-8000}`: by whole words, so that `REPORT=8080` is none. */
function assignedPorts(text: string): Named[] {
  const found = text.matchAll(/\b([A-Za-z_]\w*)\s*[=:]\s*["']?(?:\$\{\w+:-)?(\d{2,5})\b/g);
  return [...found]
    .filter(({ 0: whole, index }) => text.charAt(index + whole.length) !== ".")
    .filter(([, name = ""]) => wordsOf(name).includes("port"))
    .map(([, name = "", port]) => ({ port: Number(port), role: "public", label: name }));
}

/** `app.listen(8000)`, `listen({ port: 8000 })`, `uvicorn.run(app, port=8000)`. */
function listenPorts(text: string): Named[] {
  return [
    ...numbers(text.matchAll(/(\.listen)\(\s*(\d{2,5})\b/g), "public"),
    ...text.split("}").flatMap((part) => lastWithin(part, LISTEN)),
    ...text.split(")").flatMap((part) => lastWithin(part, RUN)),
    ...fallbackPorts(text),
  ];
}

type Within = { readonly label: string; readonly opens: RegExp; readonly port: RegExp };
const LISTEN: Within = {
  label: ".listen",
  opens: /\.listen\(\s*\{/,
  port: /\bport\s*:\s*(\d{2,5})\b/g,
};
const RUN: Within = { label: ".run", opens: /\.run\(/, port: /\bport\s*=\s*(\d{2,5})\b/g };

/** The last port behind the first opening in a part that a bracket ends. */
function lastWithin(part: string, { label, opens, port }: Within): Named[] {
  const opened = opens.exec(part);
  if (opened === null) return [];
  const last = [...part.slice(opened.index + opened[0].length).matchAll(port)].at(-1)?.[1];
  return last === undefined ? [] : [{ port: Number(last), role: "public", label }];
}

const SETTING = /\bport\b\s*[=:]/gi;
const OTHERWISE = /(?:\?\?|\|\|)\s*["']?(\d{2,5})\b/g;
const NEXT = /^\s*["']?(\d{2,5})\b/;

/** `port = env.PORT ?? 8000`, `port: int("PORT", 8000)`: what a port is unless somebody says. */
function fallbackPorts(text: string): Named[] {
  const found: Named[] = [];
  // Neither may be between the port's name and its number, but for one comma before that.
  const parts = [...text.matchAll(/[^;,]*[;,]?/g)].map(([part]) => part);
  for (const [place, part] of parts.entries()) {
    let from = 0;
    for (;;) {
      SETTING.lastIndex = from;
      const setting = SETTING.exec(part);
      if (setting === null) break;
      OTHERWISE.lastIndex = SETTING.lastIndex;
      const otherwise = OTHERWISE.exec(part);
      const next = part.endsWith(",") ? NEXT.exec(parts[place + 1] ?? "") : null;
      const port = (otherwise ?? next)?.[1];
      if (port !== undefined) {
        found.push({ port: Number(port), role: "public", label: setting[0].slice(0, 4) });
      }
      if (otherwise === null) break;
      from = OTHERWISE.lastIndex;
    }
  }
  return found;
}

/** `- "8080:80"`: what is left of the last colon is what the world sees. */
function mappedPorts(text: string): Named[] {
  return [
    ...numbers(
      text.matchAll(/^\s*(-)\s*["']?(?:[\d.]+:)?(\d{2,5}):\d{2,5}(?:\/\w+)?["']?\s*$/g),
      "public",
    ),
    ...numbers(text.matchAll(/^\s*(?:-\s*)?(published):\s*["']?(\d{2,5})\b/g), "public"),
  ];
}

function kubernetesPorts(text: string): Named[] {
  return [
    ...numbers(text.matchAll(/^\s*(?:-\s*)?(containerPort):\s*(\d{2,5})\b/g), "exposed"),
    ...numbers(text.matchAll(/^\s*(?:-\s*)?(port|nodePort):\s*(\d{2,5})\b/g), "public"),
  ];
}

/** The first group is the label, the second the number. */
function numbers(found: Iterable<RegExpMatchArray>, role: Port["role"]): Named[] {
  return [...found].map(([, label = "", port]) => ({ port: Number(port), role, label }));
}
