import { program } from "commander";

program
  .name("deploy")
  .argument("<service>", "what to deploy")
  .option("-d, --dry-run", "say what would be done")
  .action((service: string, options: { dryRun?: boolean }) => {
    console.log(options.dryRun ? `would deploy ${service}` : `deploying ${service}`);
  });

await program.parseAsync();
