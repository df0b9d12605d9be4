import deepEqual from "deep-equal";

export const changedKeys = (before, after) =>
  Object.keys(after).filter((key) => !deepEqual(before[key], after[key], { strict: true }));

console.log(changedKeys({ a: [1], b: { c: 1 } }, { a: [1], b: { c: 2 } }));
