import { program } from "commander";

program.name("lint").option("--fix", "repair what can be repaired").parse();

for (const file of program.args) {
  console.log(program.opts<{ fix?: boolean }>().fix ? `repairing ${file}` : `reading ${file}`);
}
