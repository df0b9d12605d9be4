import dayjs, { type Dayjs } from "dayjs";

export const tomorrow = (now: Dayjs = dayjs()): string => now.add(1, "day").format("YYYY-MM-DD");
