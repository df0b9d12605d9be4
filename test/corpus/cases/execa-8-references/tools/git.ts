import { type ExecaReturnValue, execa } from "execa";

export const git = async (...words: string[]): Promise<ExecaReturnValue> => execa("git", words);
