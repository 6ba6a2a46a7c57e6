import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseRoutes } from "./routes-file.ts";

const good = `models:
  small: openai:gpt-5-mini
  local: { model: "compatible:qwen3:8b", baseUrl: http://127.0.0.1:11434/v1, cleared: [sensitive] }
routes:
  careful:
    candidates: [small, local]
    rules:
      - { name: private, labels: [sensitive], use: local }
    split: { weights: { small: 9, local: 1 } }
    targets: { usd: 0.02 }
  "*": small
prices:
  qwen3:8b: { input: 0.1, output: 0.3 }
`;

test("models, routes and prices come out as they stand there", () => {
  const { models, routes, prices } = parseRoutes(good, "routes.yaml");
  expect({ models, routes, prices }).toEqual({
    models: {
      small: { reference: { vendor: "openai", name: "gpt-5-mini" } },
      local: {
        reference: { vendor: "compatible", name: "qwen3:8b" },
        baseUrl: "http://127.0.0.1:11434/v1",
        cleared: ["sensitive"],
      },
    },
    routes: {
      careful: {
        candidates: ["small", "local"],
        rules: [{ name: "private", labels: ["sensitive"], use: ["local"] }],
        split: { weights: { small: 9, local: 1 }, sticky: "run" },
        targets: { usd: 0.02 },
      },
      "*": { candidates: ["small"], rules: [], targets: {} },
    },
    prices: { "qwen3:8b": { inputPerMillion: 0.1, outputPerMillion: 0.3 } },
  });
});

test("the file on the page is one", () => {
  const page = readFileSync(new URL("../../../../docs/guides/run-scenarios.md", import.meta.url), "utf8");
  const text = /^```yaml\n(models:\n[\s\S]*?)^```$/m.exec(page)?.[1] ?? "";
  const { models, routes, prices } = parseRoutes(text, "routes.yaml");
  expect([models, routes, prices].map(Object.keys)).toEqual([
    ["small", "large", "local", "other"],
    ["careful", "*"],
    ["my-model"],
  ]);
});

describe("F1 whoever misspells a name is told where, and what there is", () => {
  const mistakes: Readonly<Record<string, readonly [from: string, to: string, says: string]>> = {
    "no YAML": ["models:", "models: [", "routes/not-yaml: routes.yaml:"],
    "an unknown field": [
      "targets: { usd",
      "targets: { eur",
      "routes.yaml:10: routes.careful.targets.eur: there is no such",
    ],
    "an unknown field of a model": [
      "baseUrl: http",
      "url: http",
      "routes.yaml:3: models.local.url: there is no such field",
    ],
    "an unknown vendor": ["openai:gpt", "mistral:gpt", "routes.yaml:2: models.small: mistral:gpt-5-mini is no model"],
    "a server that is none": [
      "http://127",
      "ftp://127",
      "routes.yaml:3: models.local.baseUrl: the address of a server",
    ],
    "a candidate that is none": [
      "[small, local]",
      "[small, loca]",
      "routes.yaml:6: routes.careful.candidates.1: there is no",
    ],
    "a model of a rule that is none": ["use: local", "use: big", "no model big; the models are small, local"],
    "a weight of a model that is none": [
      "local: 1 }",
      "big: 1 }",
      "routes.careful.split.weights.big: there is no model",
    ],
    "weights of nothing": ["small: 9, local: 1", "small: 0", "routes.careful.split.weights: one weight is above 0"],
    "a rule that says no when": [
      "labels: [sensitive], ",
      "",
      "routes.yaml:8: routes.careful.rules.0: a rule says when",
    ],
    "a negative price": ["input: 0.1", "input: -1", "routes.yaml:13: prices.qwen3:8b.input"],
    "a price of a model by our name": [
      "qwen3:8b: {",
      "local: {",
      "a price is by the vendor's name of a model: qwen3:8b",
    ],
  };
  for (const [what, [from, to, says]] of Object.entries(mistakes)) {
    test(what, () => {
      expect(good).toContain(from);
      expect(() => parseRoutes(good.replace(from, to), "routes.yaml")).toThrow(says);
    });
  }
});
