/** Who depends on whom, drawn in layers: sources to the left of their dependents. */
import { Graph, layout } from "@dagrejs/dagre";
import { type Html, html, shownLine } from "../../index.ts";

/** Repositories and relationships of one drawing. A page that has more draws those around one. */
export const GRAPH_NODES_MAX = 40;
export const GRAPH_EDGES_MAX = 80;
/** Characters of a name that are drawn. */
const NAME_CHARS_MAX = 34;
/** About the width of a letter, in units of the drawing. */
const LETTER_WIDTH = 7.6;
const NODE_HEIGHT = 30;
const MARGIN = 12;

export type GraphEdge = {
  readonly source: string;
  readonly target: string;
  readonly isFork: boolean;
  /** How it is drawn: the urgency of the last verdict, `none` for no action, null for no verdict. */
  readonly look: string | null;
};

/** A drawing's point or box, its middle at x and y. */
type Point = { readonly x: number; readonly y: number };
type Box = Point & { readonly width: number; readonly height: number };

export type GraphLayout = {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly (Box & { readonly name: string })[];
  readonly edges: readonly (GraphEdge & { readonly points: readonly Point[] })[];
};

/** Drawings that were asked for last: one of the largest takes 0.1 s of a processor. */
const laidOut = new Map<string, GraphLayout>();
const LAID_OUT_MAX = 20;

/** Where all of it lies. The same relationships in the same order give the same drawing. */
export function layoutOf(names: readonly string[], edges: readonly GraphEdge[]): GraphLayout {
  const key = JSON.stringify([names, edges]);
  const known = laidOut.get(key) ?? computeLayout(names, edges);
  laidOut.delete(key);
  laidOut.set(key, known);
  const [oldest] = laidOut.keys();
  if (laidOut.size > LAID_OUT_MAX && oldest !== undefined) {
    laidOut.delete(oldest);
  }
  return known;
}

function computeLayout(names: readonly string[], edges: readonly GraphEdge[]): GraphLayout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 18, ranksep: 56, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  // By place: the library keeps its nodes in plain objects, in which some names have a meaning.
  const nodeOf = new Map(names.map((name, place) => [name, `n${place}`]));
  for (const [name, node] of nodeOf) {
    const width = Math.min(name.length, NAME_CHARS_MAX) * LETTER_WIDTH + 24;
    graph.setNode(node, { width, height: NODE_HEIGHT });
  }
  const known = edges.flatMap((edge, place) => {
    const [source, target] = [nodeOf.get(edge.source), nodeOf.get(edge.target)];
    if (source === undefined || target === undefined) return [];
    graph.setEdge(source, target, {}, `e${place}`);
    return [{ edge, points: () => pointsIn(graph.edge(source, target, `e${place}`)) }];
  });
  layout(graph);
  const size: unknown = graph.graph();
  return {
    width: numberIn(size, "width"),
    height: numberIn(size, "height"),
    nodes: [...nodeOf].map(([name, node]) => ({ name, ...boxIn(graph.node(node)) })),
    edges: known.map(({ edge, points }) => ({ ...edge, points: points() })),
  };
}

function numberIn(holder: unknown, key: string): number {
  const value: unknown =
    typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function boxIn(node: unknown): Box {
  const [x, y, width, height] = ["x", "y", "width", "height"].map((key) => numberIn(node, key));
  return { x: x ?? 0, y: y ?? 0, width: width ?? 0, height: height ?? 0 };
}

function pointsIn(edge: unknown): Point[] {
  const points: unknown =
    typeof edge === "object" && edge !== null ? Reflect.get(edge, "points") : undefined;
  return Array.isArray(points)
    ? points.map((point) => ({ x: numberIn(point, "x"), y: numberIn(point, "y") }))
    : [];
}

/**
 * The drawing. Each repository is a link to what `addressOf` says; the relationships are for the eye,
 * so that a page has them as a list too.
 */
export function graphView(
  { width, height, nodes, edges }: GraphLayout,
  {
    addressOf,
    selected,
  }: { readonly addressOf: (name: string) => string; readonly selected: string | null },
): Html {
  return html`<div class="graph" tabindex="0" role="region" aria-label="Graph of repositories">
    <svg width="${Math.ceil(width)}" height="${Math.ceil(height)}" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" role="group" aria-label="Who depends on whom: sources to the left of their dependents">
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" /></marker></defs>
      <g aria-hidden="true">${edges.map(edgeView)}</g>
      ${nodes.map((node) => nodeView(node, addressOf(node.name), node.name === selected))}
    </svg>
  </div>`;
}

function edgeView({ points, isFork, look }: GraphLayout["edges"][number]): Html {
  const path = points
    .map(({ x, y }, at) => `${at === 0 ? "M" : "L"}${x.toFixed(1)},${y.toFixed(1)}`)
    .join(" ");
  return html`<path class="edge ${look ?? "unknown"}${isFork && " fork"}" d="${path}" marker-end="url(#arrow)" />`;
}

function nodeView(
  { name, x, y, width, height }: GraphLayout["nodes"][number],
  address: string,
  isSelected: boolean,
): Html {
  return html`<a href="${address}" class="node${isSelected && " selected"}" ${isSelected && "aria-current=page"}>
    <title>${shownLine(name)}</title>
    <rect x="${(x - width / 2).toFixed(1)}" y="${(y - height / 2).toFixed(1)}" width="${width.toFixed(1)}" height="${height}" rx="6" />
    <text x="${x.toFixed(1)}" y="${(y + 4).toFixed(1)}" text-anchor="middle">${shownLine(name, NAME_CHARS_MAX)}</text>
  </a>`;
}
