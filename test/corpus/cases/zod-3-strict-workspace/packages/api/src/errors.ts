import type { ZodError } from "zod";

export const messages = (error: ZodError): string[] => error.errors.map(({ message }) => message);
