import got from "got";

export const client = got.extend({
  prefixUrl: "http://localhost/",
  retry: { limit: 0 },
  timeout: { request: 100 },
});
console.log(typeof client.get);
