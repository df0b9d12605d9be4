import { EXIT_CODES } from "../errors.ts";
import { readFacts } from "../postgres/facts-store.ts";
import { readSchemaState } from "../postgres/schema-state.ts";
import { defineCommand } from "./command.ts";
import { diagnose, diagnoseSchema, type Finding } from "./diagnose.ts";
import { print, printJson } from "./print.ts";
import { plain } from "./table.ts";
import { withAnySchema } from "./with-database.ts";

export const doctor = defineCommand({
  name: "doctor",
  summary: "look for what hurts: server settings, schema, workers, held-back vacuum",
  description: "Exits 0 when nothing must change (warnings do not count), else 78.",
  args: [],
  options: { json: { about: "print a JSON array of findings" } },
  examples: [["doctor", "each finding with what to do about it"]],
  run: ({ flags }) =>
    withAnySchema(async ({ db, config }) => {
      const schema = diagnoseSchema(await readSchemaState(db));
      const rest = schema.level === "bad" ? [] : diagnose(await readFacts(db), config.pool);
      const findings = [schema, ...rest];
      if (flags.json) {
        printJson(findings);
      } else {
        print(findings.map(render).join("\n"));
      }
      return findings.some(({ level }) => level === "bad") ? EXIT_CODES.config : EXIT_CODES.done;
    }),
});

function render({ level, subject, found, advice }: Finding): string {
  const line = `${level.padEnd(4)}  ${subject.padEnd(11)}  ${plain(found)}`;
  return advice === null ? line : `${line}\n                     ${plain(advice)}`;
}
