import { z } from "zod";

export const signUp = z.object({ email: z.string().email(), age: z.number().int().min(18) });
export type SignUp = z.infer<typeof signUp>;
export const read = (input: unknown): SignUp => signUp.parse(input);
