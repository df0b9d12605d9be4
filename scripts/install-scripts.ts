import { z } from "zod";

const Manifest = z.object({ scripts: z.record(z.string(), z.unknown()).default({}) });

/** What npm runs of a package that is installed, from a registry, a tarball or git. */
const AT_INSTALL = [
  "preinstall",
  "install",
  "postinstall",
  "prepublish",
  "preprepare",
  "prepare",
  "postprepare",
];

/** Those of them that a package has; a file binding.gyp has npm run a compiler. */
export function installScripts(manifest: unknown, files: readonly string[]): string[] {
  const { scripts } = Manifest.parse(manifest);
  return [
    ...AT_INSTALL.filter((name) => name in scripts),
    ...files.filter((file) => file === "binding.gyp"),
  ];
}
