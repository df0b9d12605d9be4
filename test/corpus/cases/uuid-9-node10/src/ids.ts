import { v4, validate } from "uuid";

export const newId = (): string => v4();
console.log(validate(newId()));
