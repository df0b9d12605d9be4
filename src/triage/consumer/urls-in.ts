/** A URL as it stands in a text. */
export type FoundUrl = {
  readonly host: string;
  readonly port: string | undefined;
  /** With its slash; "" for none. */
  readonly path: string;
  /** Where it begins. */
  readonly index: number;
};

const SCHEME = /\b(?:https?|wss?|grpc):\/\//gi;
// Each begins where the part before it ends.
const LOGIN = /[\w.~%-]+(?::[^@\s/"'`]*)?@/y;
const HOST = /\[[\da-f:]+\]|[\w.-]+/iy;
const PORT = /:(\d{2,5})/y;
const PATH = /(?:\/[\w.~%{}$:-]*)+/y;

/** The URLs of a line, from the left. */
export function urlsIn(text: string): FoundUrl[] {
  const found: FoundUrl[] = [];
  let end = 0;
  for (const { 0: scheme, index } of text.matchAll(SCHEME)) {
    if (index < end) continue;
    const start = index + scheme.length;
    const login = matchAt(LOGIN, text, start)?.[0] ?? "";
    const withLogin = matchAt(HOST, text, start + login.length);
    const at = withLogin === null ? start : start + login.length;
    const host = (withLogin ?? matchAt(HOST, text, start))?.[0];
    if (host === undefined) continue;
    end = at + host.length;
    const port = matchAt(PORT, text, end);
    end += port?.[0].length ?? 0;
    const path = matchAt(PATH, text, end)?.[0] ?? "";
    end += path.length;
    found.push({ host, port: port?.[1], path, index });
  }
  return found;
}

function matchAt(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(text);
}
