import { nanoid } from "#ids";

const token = await nanoid(24);
console.log(token.length);
