const LRU = require("lru-cache");

const cache = new LRU({ max: 10 });
cache.set("a", 1);
console.log(`holds ${cache.length}`);
