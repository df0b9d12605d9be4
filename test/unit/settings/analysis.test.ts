import { expect, test } from "vitest";
import { describeConfig, readConfig } from "../../../src/settings/config.ts";

test("a key of the older name does nothing unless its provider is named", () => {
  expect(readConfig({ ANTHROPIC_API_KEY: "sk-1", LLM_MODEL: "m" }).adjudication).toBeNull();
});

test("without a key there is no model, whatever else is set", () => {
  expect(readConfig({ LLM_MODEL: "m", LLM_PROVIDER: "openai" }).adjudication).toBeNull();
});

test.for([
  ["a key without a model", { LLM_API_KEY: "s3cret" }, "LLM_MODEL: expected the name of a model"],
  [
    "an address that is none",
    { LLM_API_KEY: "s3cret", LLM_MODEL: "m", LLM_BASE_URL: "ftp://s3cret" },
    "LLM_BASE_URL: expected an http:// or https:// address",
  ],
  ["a key of two lines", { LLM_API_KEY: "s3cret\nx: y" }, "LLM_API_KEY: expected printable ASCII"],
] as const)("%s is refused in words", ([, environment, sentence]) => {
  expect(() => readConfig(environment)).toThrow(sentence);
  expect(() => readConfig(environment)).not.toThrow("s3cret");
});

test("of the key a description tells only that it is set", () => {
  const described = describeConfig(
    readConfig({ LLM_API_KEY: "s3cret", LLM_MODEL: "m", LLM_PROVIDER: "openai" }),
  );

  expect(described).toMatchObject({
    LLM_API_KEY: "****",
    LLM_PROVIDER: "openai",
    LLM_BASE_URL: "https://api.openai.com",
    LLM_MODEL: "m",
    LLM_MAX_INPUT_CHARS: "60000",
    LLM_TIMEOUT_MS: "60000",
  });
  expect(JSON.stringify(described)).not.toContain("s3cret");
});
