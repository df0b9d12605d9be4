import { gzipSync } from "node:zlib";
import { Header } from "tar";

export type Member = Readonly<{
  path: string;
  content?: string;
  type?: "File" | "SymbolicLink" | "Link";
}>;

/** A tarball of any members, also those that no tool would write. */
export function tarballOf(members: readonly Member[]): Buffer {
  return gzipSync(tarOf(members));
}

export function tarOf(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ path, content = "", type = "File" }) => {
    const isFile = type === "File";
    const body = Buffer.from(isFile ? content : "");
    const header = new Header({
      path,
      type,
      size: body.length,
      mode: 0o777,
      ...(isFile ? {} : { linkpath: content }),
    });
    const block = Buffer.alloc(512);
    header.encode(block, 0);
    return [...longName(path), block, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** What GNU tar writes before a member whose name has more than 100 bytes. */
function longName(path: string): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  if (name.length <= 100) return [];
  const block = Buffer.alloc(512);
  new Header({ path: "././@LongLink", type: "NextFileHasLongPath", size: name.length }).encode(
    block,
    0,
  );
  return [block, name, Buffer.alloc((512 - (name.length % 512)) % 512)];
}

export function provider(version: string): Member[] {
  return [
    { path: "package/package.json", content: JSON.stringify({ name: "provider", version }) },
    { path: "package/index.d.ts", content: `export const version: "${version}";\n` },
  ];
}
