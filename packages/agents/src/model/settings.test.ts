import { expect, test } from "vitest";
import { anthropic } from "./anthropic.ts";
import { openai, openaiCompatible } from "./openai.ts";

const apiKey = "sk-a-key-that-nobody-has";
const baseUrl = "http://127.0.0.1:1/v1";

test.each([
  [
    "anthropic",
    anthropic("m", { apiKey }),
    [
      anthropic("m", { apiKey, temperature: 0 }),
      anthropic("m", { apiKey, maxOutputTokens: 9 }),
      anthropic("m", { apiKey, thinking: "adaptive" }),
      anthropic("m", { apiKey, structured: "tool" }),
      anthropic("m", { apiKey, baseUrl }),
    ],
  ],
  [
    "openai",
    openai("m", { apiKey }),
    [
      openai("m", { apiKey, temperature: 0 }),
      openai("m", { apiKey, maxOutputTokens: 9 }),
      openai("m", { apiKey, reasoningEffort: "low" }),
      openai("m", { apiKey, baseUrl }),
      openaiCompatible("m", { baseUrl }),
      openaiCompatible("m", { baseUrl, structured: "never" }),
      openaiCompatible("m", { baseUrl: `${baseUrl}/other` }),
    ],
  ],
])("what answers of %s depend on tells its models apart, and its key does not", (_, model, others) => {
  const settings = [model, ...others].map((one) => JSON.stringify(one.settings));
  expect(new Set(settings).size).toBe(others.length + 1);
  expect(settings.join()).not.toContain(apiKey);
});
