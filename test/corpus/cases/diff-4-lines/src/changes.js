import { createTwoFilesPatch, diffLines } from "diff";

export const added = (before, after) =>
  diffLines(before, after)
    .filter((part) => part.added)
    .map((part) => part.value);

console.log(added("a\nb\n", "a\nc\n"));
console.log(createTwoFilesPatch("a", "b", "x\n", "y\n").split("\n").length);
