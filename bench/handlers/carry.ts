import { defineHandler } from "triaged";
import { z } from "zod";
import { countCall } from "../frame/report.ts";

/** Takes a payload that weighs something, and does nothing with it. */
export default defineHandler({ payload: z.object({ data: z.string() }), run: () => countCall() });
