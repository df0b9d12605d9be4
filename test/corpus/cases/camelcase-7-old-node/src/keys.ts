import camelCase from "camelcase";

export const key = (header: string): string => camelCase(header);
