import { defineHandler } from "triaged";
import { z } from "zod";
import { countCall } from "../frame/report.ts";

/** A no-op that several processes share: each tells how many it was called for. */
export default defineHandler({ payload: z.object({}), run: () => countCall() });
