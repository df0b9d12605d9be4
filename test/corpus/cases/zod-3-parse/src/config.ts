import { z } from "zod";

const S = z.object({ port: z.coerce.number().default(3000) });

export const config = S.parse(process.env);
