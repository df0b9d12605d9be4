const Bottleneck = require("bottleneck");

const limiter = new Bottleneck(2, 10);

limiter.schedule((name) => Promise.resolve(name), "a").then(console.log);
