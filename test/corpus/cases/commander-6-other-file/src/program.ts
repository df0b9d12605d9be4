import { program } from "commander";

program.option("--region <name>", "where to deploy", "eu").parse(["node", "deploy"]);
export const cli = program;
