import { cases } from "./text.js";

export const slug = (title: string): string => cases.paramCase(title);
