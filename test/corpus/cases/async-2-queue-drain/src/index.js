const async = require("async");

const queue = async.queue((job, done) => setImmediate(done), 1);
queue.drain = () => console.log("drained");
queue.push([1, 2]);
