const chalk = require("chalk");

const plain = new chalk.constructor({ level: 0 });
console.log(plain.red("error"));
