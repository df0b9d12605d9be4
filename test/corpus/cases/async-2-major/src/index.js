const async = require("async");

async.parallel([(done) => done(null, 1), (done) => done(null, 2)], (error, results) => {
  console.log(error ?? results.join(" "));
});
