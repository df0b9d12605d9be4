const R = require("ramda");

const total = R.pipe(
  R.map((n) => n * 2),
  R.filter((n) => n > 2),
  R.sum,
);
console.log(total([1, 2, 3]), R.path(["a", "b"], { a: { b: 1 } }));
