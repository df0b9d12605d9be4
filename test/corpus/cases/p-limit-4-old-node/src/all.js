import pLimit from "p-limit";

const limit = pLimit(1);
export const one = (job) => limit(job);
