import { z } from "zod";

const form = z.object({ email: z.string().email() });

export function problems(input: unknown): string[] {
  const parsed = form.safeParse(input);
  return parsed.success ? [] : parsed.error.errors.map(({ message }) => message);
}
