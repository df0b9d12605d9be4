type Options = import("execa", { with: { "resolution-mode": "import" }}).Options;

export const quiet: Options = { stdout: "ignore", stderr: "ignore" };
