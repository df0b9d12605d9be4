import { counted } from "../counted.ts";
import { EnvironmentError } from "../errors.ts";
import { refuseUnmigrated, type SchemaState } from "../postgres/schema-state.ts";
import { error, type Finding, ok, warning } from "./finding.ts";

/** Judge the migrations: without the right ones there is nothing else to look at. */
export function judgeSchema(state: SchemaState): Finding {
  try {
    refuseUnmigrated(state);
  } catch (err) {
    if (err instanceof EnvironmentError) {
      return error("schema", err.message, err.hint);
    }
    throw err;
  }
  return state.repeatablesCurrent
    ? ok("schema", `${state.schema}, ${counted(state.applied.length, "migration")}`)
    : warning(
        "schema",
        "functions and views are those of another version",
        "run `triaged migrate`",
      );
}
