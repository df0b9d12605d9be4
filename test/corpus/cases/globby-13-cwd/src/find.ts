import { globby, type Options } from "globby";

const options: Options = { cwd: "content", gitignore: true };
export const pages = async (): Promise<string[]> => await globby("**/*.md", options);
