import chalk from "chalk";

export function printStatus(name: string, failures: number): void {
  const mark = failures === 0 ? chalk.green("ok") : chalk.red.bold(`${failures} failed`);
  console.log(`${chalk.dim(name)} ${mark}`);
}
