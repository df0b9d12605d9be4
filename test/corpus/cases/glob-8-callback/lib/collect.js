const glob = require("glob");

exports.collect = (folder, done) => {
  glob("**/*.md", { cwd: folder, nodir: true }, (error, files) => {
    if (error) return done(error);
    done(null, files.sort());
  });
};
