import { once } from "node:events";
import { defineHandler } from "triaged";
import { z } from "zod";

/** Holds its task for as long as its worker lives; ends at once when it runs again. */
export default defineHandler({
  payload: z.object({}),
  run: async (_, { attempt, signal }) => {
    if (attempt === 1) {
      await once(signal, "abort");
    }
  },
});
