/**
 * Two hundred packages of npm and some more: those on which most others depend, directly or by
 * their types and tools, as rankings of 2019 to 2025 roughly agree. `@types/x` stands for x.
 */
export const MOST_DEPENDED: ReadonlySet<string> = new Set(
  `lodash react chalk commander express axios typescript debug react-dom async fs-extra moment
  prop-types bluebird underscore vue request tslib glob yargs colors inquirer webpack uuid classnames
  minimist body-parser rxjs jquery mkdirp core-js semver dotenv rimraf js-yaml zone.js object-assign
  cheerio q eslint gulp winston redux shelljs node-fetch ws mongoose mocha chai jest ora socket.io
  babel-core babel-runtime @babel/core @babel/runtime @babel/parser @babel/preset-env @types/node
  through2 yeoman-generator yosay prettier superagent ramda mysql mongodb pg redis ioredis joi ajv
  validator jsonwebtoken bcrypt bcryptjs cors cookie-parser morgan helmet passport multer compression
  path-to-regexp qs cookie http-errors iconv-lite mime mime-types ms nanoid zod yup immer immutable
  date-fns dayjs luxon handlebars ejs pug mustache nunjucks marked markdown-it highlight.js postcss
  autoprefixer less sass node-sass css-loader style-loader file-loader babel-loader ts-loader
  loader-utils html-webpack-plugin rollup esbuild vite parcel nodemon concurrently cross-env
  cross-spawn execa which signal-exit graceful-fs glob-parent fast-glob globby minimatch micromatch
  picomatch chokidar lru-cache source-map source-map-support acorn esprima escodegen estraverse
  uglify-js terser strip-ansi string-width ansi-styles supports-color camelcase change-case
  escape-string-regexp find-up resolve p-limit p-queue p-retry async-retry retry eventemitter3 mitt
  type-fest react-router react-router-dom react-redux redux-thunk styled-components emotion
  @emotion/react @mui/material antd bootstrap vuex vue-router next graphql apollo-server sequelize
  knex typeorm sinon jasmine karma nyc supertest nock ts-node ts-jest tsx babel-jest enzyme husky
  lint-staged standard xml2js fast-xml-parser form-data tmp ini yaml toml pino bunyan log4js
  nodemailer aws-sdk @aws-sdk/client-s3 firebase googleapis stripe got deepmerge extend inherits
  safe-buffer readable-stream bn.js web3 ethers clsx hoist-non-react-statics
  regenerator-runtime whatwg-fetch isomorphic-fetch query-string url-parse`
    .split(/\s+/)
    .filter((name) => name !== ""),
);

export function isMostDepended(name: string): boolean {
  return MOST_DEPENDED.has(name) || MOST_DEPENDED.has(name.replace(/^@types\//, ""));
}
