import mime from "mime";

export const headersOf = (file) => ({ "content-type": mime.lookup(file) });

console.log(headersOf("index.html"));
