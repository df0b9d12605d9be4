const Promise = require("bluebird");

const load = Promise.promisify((done) => done(null, "a", "b"));
load().then((value) => console.log(value));
