const NodeCache = require("node-cache");

const cache = new NodeCache({ stdTTL: 60 });

cache.set("user", { name: "ada" }, (error) => {
  if (error) throw error;
  cache.get("user", (_error, user) => console.log(user.name));
});
