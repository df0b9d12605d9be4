import { z } from "zod";
import type { HandlerContext } from "../../handler.ts";

const Dependent = z.object({
  role: z.enum(["consumer", "derivative", "parent"]),
  task_type: z.string(),
  target_repo: z.string(),
  relationship_type: z.string(),
  relationship_config: z.record(z.string(), z.unknown()),
});
/** A repository that a change of the source concerns, and the task that finds out how. */
export type Dependent = z.output<typeof Dependent>;

type Query = HandlerContext["query"];

/** Consumers, derivatives, and parents of a bidirectional derivative, in a fixed order. */
export async function dependentsOf(query: Query, sourceRepo: string): Promise<Dependent[]> {
  const rows = await query("select * from triaged.dependents_of($1)", [sourceRepo]);
  return rows.map((row) => Dependent.parse(row));
}

export async function isRegistered(query: Query, repo: string): Promise<boolean> {
  const rows = await query("select from triaged.repositories where lower(repo_name) = lower($1)", [
    repo,
  ]);
  return rows.length > 0;
}
