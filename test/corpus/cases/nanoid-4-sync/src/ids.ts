import { customAlphabet, nanoid } from "nanoid";

const digits = customAlphabet("0123456789", 6);

export const newId = (): string => nanoid();
export const newPin = (): string => digits();
