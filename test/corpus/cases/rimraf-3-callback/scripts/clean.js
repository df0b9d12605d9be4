const rimraf = require("rimraf");

rimraf("dist", (error) => {
  if (error) throw error;
  console.log("clean");
});
