import { expect, test } from "vitest";
import { describeConfig, readConfig } from "../../../src/settings/config.ts";

test.for([
  ["WEBHOOK_URL", "s3cret"],
  ["GITHUB_API_URL", "file:///s3cret"],
  ["DEV_NEXUS_URL", "//s3cret"],
  ["CONTEXT_URL", "ftp://s3cret"],
] as const)("%s is refused where it is no address, without quoting it", ([name, value]) => {
  const sentence = `${name}: expected an http:// or https:// address`;

  expect(() => readConfig({ [name]: value })).toThrow(
    expect.objectContaining({ message: sentence, exitCode: 78 }),
  );
});

test("of the secrets a description tells only that they are set", () => {
  const described = describeConfig(
    readConfig({ GITHUB_TOKEN: "gh-s3cret", WEBHOOK_URL: "https://hooks.example.org/s3cret" }),
  );

  expect(described).toMatchObject({ GITHUB_TOKEN: "****", WEBHOOK_URL: "****" });
  expect(JSON.stringify(described)).not.toContain("s3cret");
});
