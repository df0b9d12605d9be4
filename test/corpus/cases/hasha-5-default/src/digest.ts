import hasha from "hasha";

export const digestOf = (text: string): string => hasha(text, { algorithm: "sha256" });

export const digestOfFile = (path: string): Promise<string | null> =>
  hasha.fromFile(path, { algorithm: "sha256" });
