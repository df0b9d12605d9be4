import { ok, warning } from "./finding.ts";
import type { Probe } from "./probe.ts";

/** What is set in this environment, and means nothing here. What may not be set ends it before. */
export const settingsProbe: Probe = {
  subject: "settings",
  look: ({ config }) =>
    Promise.resolve(
      config.leftOver.length === 0
        ? [ok("settings", "nothing that another system left")]
        : config.leftOver.map((found) =>
            warning("settings", found, "unset it, if it is for triaged"),
          ),
    ),
};
