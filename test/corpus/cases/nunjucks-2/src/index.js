const nunjucks = require("nunjucks");

const env = new nunjucks.Environment(null, { autoescape: true });
console.log(
  env.renderString("Hi {{ name }}{% for tag in tags %}, {{ tag }}{% endfor %}", {
    name: "<Ann>",
    tags: [1, 2],
  }),
);
