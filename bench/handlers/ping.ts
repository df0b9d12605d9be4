import { defineHandler } from "triaged";
import { z } from "zod";
import { report } from "../frame/report.ts";

export default defineHandler({
  payload: z.object({ place: z.int().optional() }),
  run: ({ place }) => report("started", place),
});
