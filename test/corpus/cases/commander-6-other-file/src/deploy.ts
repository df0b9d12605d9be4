import { cli } from "./program.js";

console.log(`deploying to ${String(cli.region).toUpperCase()}`);
