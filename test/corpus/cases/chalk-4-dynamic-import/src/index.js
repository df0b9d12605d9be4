async function main() {
  const { default: chalk } = await import("chalk");
  console.log(chalk.bold("ready"));
}

main();
