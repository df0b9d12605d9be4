import type { SettingEffect } from "./effect-settings.ts";

/** One value for each variable that bounds an analysis, and what it becomes. */
export const ANALYSIS_SETTINGS: Record<string, SettingEffect> = {
  ANALYSIS_TIMEOUT_MS: {
    given: { ANALYSIS_TIMEOUT_MS: "5000" },
    seen: (config) => config.analysis.timeoutMs,
    as: 5_000,
  },
  ANALYSIS_MEMORY_MIB: {
    given: { ANALYSIS_MEMORY_MIB: "512" },
    seen: (config) => config.analysis.memoryMib,
    as: 512,
  },
};
