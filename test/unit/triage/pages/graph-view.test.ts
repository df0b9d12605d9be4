import { expect, test } from "vitest";
import { graphView, layoutOf } from "../../../../src/triage/pages/graph-view.ts";

const edge = (source: string, target: string, look: string | null = null, isFork = false) => ({
  source,
  target,
  look,
  isFork,
});
const addressOf = (name: string) => `/ui/repositories?repo=${encodeURIComponent(name)}`;

test("a source lies to the left of its dependents, and nothing lies on another", () => {
  const names = ["a/app", "a/lib", "a/tool"];
  const { nodes } = layoutOf(names, [edge("a/lib", "a/app"), edge("a/lib", "a/tool")]);
  const [app, lib, tool] = nodes;

  expect(lib?.x).toBeLessThan(app?.x ?? 0);
  expect(app?.x).toBe(tool?.x);
  expect(Math.abs((app?.y ?? 0) - (tool?.y ?? 0))).toBeGreaterThan(30);
});

test("a circle, two relationships of one pair and a name of an object's own are drawn", () => {
  const names = ["__proto__", "constructor", "b"];
  const { edges } = layoutOf(names, [
    edge("__proto__", "constructor"),
    edge("constructor", "__proto__"),
    edge("constructor", "b"),
    edge("constructor", "b", "high", true),
  ]);

  expect(edges.map(({ points }) => points.length > 1)).toEqual([true, true, true, true]);
});

test("each repository is a link, and a name with markup is text", () => {
  const name = "<img src=x>/a";
  const shown = String(
    graphView(layoutOf([name, "b"], [edge(name, "b", "critical")]), { addressOf, selected: "b" }),
  );

  expect(shown.match(/<a href="\/ui\/repositories\?repo=/g)).toHaveLength(2);
  expect(shown).not.toContain("<img");
  expect(shown).toContain(`class="edge critical"`);
  expect(shown).toContain(`class="node selected" aria-current=page`);
  expect(shown).not.toMatch(/style=/);
});

test("the same relationships give the same drawing", () => {
  const edges = [edge("a", "b"), edge("b", "c"), edge("a", "c")];

  expect(layoutOf(["a", "b", "c"], edges)).toEqual(layoutOf(["a", "b", "c"], [...edges]));
});
