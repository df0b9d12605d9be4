// Do the links between the pages of a folder lead anywhere? For what is published: a page that is
// left out of the package, or a heading that is renamed, breaks links that nobody clicks here.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Heading, Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";

/**
 * Where pictures are: the repository has them, and the package does not. Links to them lead
 * somewhere where the pages are read on a web site.
 */
const PICTURES = "docs/images";

/**
 * Each relative link of the Markdown files among `files` (paths in `folder`) that leads to none of
 * them, or to no heading of its page: "page: link".
 */
export function brokenLinks(folder: string, files: readonly string[]): string[] {
  const known = new Set([...files, ...picturesOf(ROOT)]);
  const pages = files
    .filter((file) => file.endsWith(".md"))
    .map((file) => ({ file, ...readPage(path.join(folder, file)) }));
  const anchors = new Map(pages.map((page) => [page.file, page.anchors]));
  return pages.flatMap(({ file, links }) =>
    links
      .filter((link) => !leadsSomewhere(link, { file, known, anchors }))
      .map((link) => `${file}: ${link}`),
  );
}

const ROOT = path.join(import.meta.dirname, "..");

function picturesOf(repository: string): string[] {
  return readdirSync(path.join(repository, PICTURES)).map((name) => `${PICTURES}/${name}`);
}

type Known = {
  readonly file: string;
  readonly known: ReadonlySet<string>;
  readonly anchors: ReadonlyMap<string, ReadonlySet<string>>;
};

function leadsSomewhere(link: string, { file, known, anchors }: Known): boolean {
  const [target = "", anchor] = link.split("#");
  const found =
    target === "" ? file : path.posix.normalize(path.posix.join(path.dirname(file), target));
  if (!known.has(found)) {
    // A folder is as good as a file where something of it is there.
    const folder = found.endsWith("/") ? found : `${found}/`;
    return anchor === undefined && [...known].some((each) => each.startsWith(folder));
  }
  return anchor === undefined || anchors.get(found)?.has(anchor) !== false;
}

function readPage(file: string): { links: string[]; anchors: Set<string> } {
  const root = fromMarkdown(readFileSync(file, "utf8"), {
    extensions: [gfm()],
    mdastExtensions: [gfmFromMarkdown()],
  });
  const nodes = [...nodesOf(root)];
  const links = nodes.flatMap((node) =>
    (node.type === "link" || node.type === "image" || node.type === "definition") &&
    !/^[a-z][a-z\d+.-]*:/i.test(node.url)
      ? [node.url]
      : [],
  );
  return { links, anchors: anchorsOf(nodes.filter((node) => node.type === "heading")) };
}

function* nodesOf(node: Nodes): Generator<Nodes> {
  yield node;
  for (const child of "children" in node ? node.children : []) yield* nodesOf(child);
}

/** As GitHub names headings: small letters, no signs but - and _, blanks as -, doubles counted. */
function anchorsOf(headings: readonly Heading[]): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headings) {
    const slug = textOf(heading)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

function textOf(node: Nodes): string {
  if ("value" in node) return node.value;
  return "children" in node ? node.children.map(textOf).join("") : "";
}
