import got from "got";

export const client = got.extend({ prefixUrl: "http://localhost/", retry: 2, timeout: 100 });
console.log(typeof client.get);
