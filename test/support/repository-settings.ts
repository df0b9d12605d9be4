import path from "node:path";
import type { SettingEffect } from "./effect-settings.ts";

/** The settings of the repositories that triage reads, as config.test.ts wants them. */
export const REPOSITORY_SETTINGS: Record<string, SettingEffect> = {
  REPO_CACHE_DIR: {
    given: { REPO_CACHE_DIR: "mirrors" },
    seen: (config) => config.repositories.cacheFolder,
    as: path.resolve("mirrors"),
  },
  MAX_REPO_BYTES: {
    given: { MAX_REPO_BYTES: "2000000" },
    seen: (config) => config.repositories.repositoryBytesMax,
    as: 2_000_000,
  },
  MAX_GIT_MEMORY_MIB: {
    given: { MAX_GIT_MEMORY_MIB: "512" },
    seen: (config) => config.gitMemoryMib,
    as: 512,
  },
  MAX_PACKAGE_CACHE_BYTES: {
    given: { MAX_PACKAGE_CACHE_BYTES: "0" },
    seen: (config) => config.repositories.packageCacheBytesMax,
    as: 0,
  },
  GITHUB_CLONE_BASE: {
    given: { GITHUB_CLONE_BASE: "https://git.example.org/" },
    seen: (config) => config.repositories.cloneBase,
    as: "https://git.example.org",
  },
  GITHUB_TOKEN: {
    given: { GITHUB_TOKEN: " ghp_abc " },
    seen: (config) => config.repositories.token,
    as: "ghp_abc",
  },
};
