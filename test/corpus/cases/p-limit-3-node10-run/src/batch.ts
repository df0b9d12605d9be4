import pLimit from "p-limit";

const limit = pLimit(2);

void Promise.all([1, 2, 3].map((part) => limit(() => part * 2))).then((all) =>
  console.log(all.join(" ")),
);
