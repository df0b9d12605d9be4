import { fetchPage } from "./client.ts";

const url = process.argv[2] ?? "https://example.org/";
console.log((await fetchPage(url)).length);
