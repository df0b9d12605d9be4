exports.report = (steps, chalk) => {
  for (const { name, ok } of steps) {
    console.log(ok ? chalk.green(`✓ ${name}`) : chalk.red.bold(`✗ ${name}`));
  }
};
