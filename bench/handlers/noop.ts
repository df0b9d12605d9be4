import { defineHandler } from "triaged";
import { z } from "zod";
import { countCall } from "../frame/report.ts";

export default defineHandler({
  payload: z.object({ of: z.int() }),
  run: ({ of }) => countCall(of),
});
