import type { Client } from "pg";

/** What one node of a plan did, over all of its loops. */
export type PlanNode = {
  readonly type: string;
  /** The table or index that it reads, if any. */
  readonly relation: string | undefined;
  /** Rows that it returned, and rows that it read and dropped. */
  readonly rowsRead: number;
  readonly loops: number;
  /** Its statement, for people. */
  readonly query: string;
};

type RawNode = Record<string, unknown> & { Plans?: RawNode[] };

/** Run `work`, and resolve to the nodes of every plan that ran, in functions and triggers too. */
export async function watchPlans(db: Client, work: () => Promise<unknown>): Promise<PlanNode[]> {
  await db.query(`load 'auto_explain';
    set local auto_explain.log_min_duration = 0;
    set local auto_explain.log_analyze = on;
    set local auto_explain.log_timing = off;
    set local auto_explain.log_nested_statements = on;
    set local auto_explain.log_format = json;
    set local auto_explain.log_level = notice`);
  const nodes: PlanNode[] = [];
  const note = ({ message = "" }: { message?: string | undefined }) => {
    const plan = message.indexOf("plan:\n");
    if (plan >= 0) {
      const { "Query Text": text, Plan: root } = JSON.parse(message.slice(plan + 6));
      nodes.push(...flatten(root, String(text)));
    }
  };
  db.on("notice", note);
  try {
    await work();
  } finally {
    db.off("notice", note);
    await db.query("set local auto_explain.log_min_duration = -1");
  }
  return nodes;
}

function flatten(node: RawNode, text: string): PlanNode[] {
  const loops = Number(node["Actual Loops"] ?? 1);
  const rows = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"]
    .concat("Rows Removed by Index Recheck")
    .map((key) => Number(node[key] ?? 0));
  const relation = node["Relation Name"];
  return [
    {
      type: String(node["Node Type"]),
      relation: typeof relation === "string" ? relation : undefined,
      rowsRead: rows.reduce((sum, each) => sum + each, 0) * loops,
      loops,
      query: text,
    },
    ...(node.Plans ?? []).flatMap((child) => flatten(child, text)),
  ];
}
