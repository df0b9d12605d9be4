import { z } from "zod";

export const user = z.object({
  name: z.string({ required_error: "a name is needed" }).min(1),
  age: z.number().int().optional(),
});
export type User = z.infer<typeof user>;

export function problems(value: unknown): string[] {
  const parsed = user.safeParse(value);
  return parsed.success ? [] : parsed.error.errors.map(({ message }) => message);
}
