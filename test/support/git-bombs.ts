import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import type { Repository } from "./repository.ts";

type Entry = { readonly mode: string; readonly name: string | Buffer; readonly id: string };

/** Writes objects that git itself would refuse to make, or take long over. */
export class Bomb {
  readonly #gitDir: string;

  constructor({ path }: Pick<Repository, "path">) {
    this.#gitDir = join(path, ".git");
  }

  async object(type: "blob" | "tree" | "commit", body: Buffer): Promise<string> {
    const whole = Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body]);
    const id = createHash("sha1").update(whole).digest("hex");
    const folder = join(this.#gitDir, "objects", id.slice(0, 2));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, id.slice(2)), deflateSync(whole));
    return id;
  }

  async blob(content: string): Promise<string> {
    return await this.object("blob", Buffer.from(content));
  }

  async tree(entries: readonly Entry[]): Promise<string> {
    const parts = entries.map(({ mode, name, id }) =>
      Buffer.concat([
        Buffer.from(`${mode} `),
        Buffer.from(name),
        Buffer.from([0]),
        Buffer.from(id, "hex"),
      ]),
    );
    return await this.object("tree", Buffer.concat(parts));
  }

  /** Make it the head of main, on top of `parent`. */
  async commit(tree: string, { message = "x", parent = "" } = {}): Promise<string> {
    const parents = parent === "" ? "" : `parent ${parent}\n`;
    const who = "A <a@example.org> 1 +0000";
    const text = `tree ${tree}\n${parents}author ${who}\ncommitter ${who}\n\n${message}`;
    const id = await this.object("commit", Buffer.from(text));
    await writeFile(join(this.#gitDir, "refs", "heads", "main"), `${id}\n`);
    return id;
  }

  /** Ten folders with ten folders each, and so on: ten to the power of `levels` files. */
  async nested(levels: number): Promise<string> {
    let [mode, id] = ["100644", await this.blob("x\n")];
    for (let level = 0; level < levels; level++) {
      const names = Array.from({ length: 10 }, (_, at) => `d${at}`);
      const entries = names.map((name) => ({ mode, name, id }));
      [mode, id] = ["40000", await this.tree(entries)];
    }
    return id;
  }

  /** A file below so many folders. */
  async deep(levels: number): Promise<string> {
    let [mode, id] = ["100644", await this.blob("x\n")];
    for (let level = 0; level < levels; level++) {
      [mode, id] = ["40000", await this.tree([{ mode, name: "a", id }])];
    }
    return id;
  }
}
