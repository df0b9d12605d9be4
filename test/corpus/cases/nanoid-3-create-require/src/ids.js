import { createRequire } from "node:module";

const load = createRequire(import.meta.url);
const { nanoid } = load("nanoid");

console.log(nanoid(8).length);
