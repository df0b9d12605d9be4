import abbrev from "abbrev";

abbrev.monkeyPatch();

console.log(Object.keys(["install", "info"].abbrev()).length);
