import { camelCase, headerCase, paramCase } from "change-case";

export const property = (name: string): string => camelCase(name);
export const header = (name: string): string => headerCase(name);
export const file = (name: string): string => `${paramCase(name)}.ts`;
