import hash from "object-hash";

export function cacheKey(query: Record<string, unknown>): string {
  return hash(query, { algorithm: "sha256", encoding: "hex", unorderedArrays: true });
}

console.log(cacheKey({ b: [1, 2], a: "x" }));
