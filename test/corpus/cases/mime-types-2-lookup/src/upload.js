import { extension, lookup } from "mime-types";

export const headersOf = (file) => ({ "content-type": lookup(file) || "application/octet-stream" });

console.log(JSON.stringify(headersOf("report.pdf")), extension("image/png"));
