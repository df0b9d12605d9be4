import { readFile } from "node:fs/promises";

export const lines = async (file: string) => (await readFile(file, "utf8")).split("\n");
