import { ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

/** What is set in this environment, and means nothing here. What may not be set ends it before. */
export const environmentProbe: Probe = {
  subject: "environment",
  look: ({ config }) =>
    Promise.resolve(
      config.leftOver.length === 0
        ? [ok("environment", "nothing that another system left")]
        : config.leftOver.map((found) =>
            warning("environment", found, "unset it, if it is for triaged"),
          ),
    ),
};
