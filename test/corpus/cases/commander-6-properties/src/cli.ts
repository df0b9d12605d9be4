import { program } from "commander";

program
  .version("1.4.0")
  .option("-p, --port <number>", "port to listen on", "8080")
  .option("--verbose", "log every request")
  .parse(process.argv);

if (program.verbose) console.log("verbose");
console.log(`listening on ${Number(program.port)}`);
