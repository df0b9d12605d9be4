import format from "date-fns/format";

export const dueOn = (date: Date): string => format(date, "yyyy-MM-dd");
