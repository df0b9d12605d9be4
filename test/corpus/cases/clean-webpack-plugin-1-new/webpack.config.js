const path = require("node:path");
const CleanWebpackPlugin = require("clean-webpack-plugin");

module.exports = {
  entry: "./src/index.js",
  output: { path: path.join(__dirname, "dist") },
  plugins: [new CleanWebpackPlugin(["dist"])],
};
