import { createServer } from "node:http";
import type { Model, ModelRequest, Route } from "@remit/core";
import { expect, onTestFinished, test } from "vitest";
import { liveModels, whenOf } from "./live.ts";

const env = { OPENAI_API_KEY: "test", ANTHROPIC_API_KEY: "test" };
const aliases = ["careful", "fast"];
const routed = (text: string, model?: string) => ({ routes: { file: "r.yaml", text }, ...(model ? { model } : {}) });
const called = (source: Model | Route | undefined) => {
  if (!source) return [];
  return "candidates" in source ? source.candidates.map(({ id }) => id) : [source.id];
};

test("one model is asked under every alias, and says what a call may cost", async () => {
  const { careful, fast } = await liveModels({ model: "openai:gpt-5-mini" }, aliases, { env });
  expect(careful).toBe(fast);
  expect(careful).toMatchObject({ id: "gpt-5-mini", cost: "paid", provider: "openai", quote: expect.any(Function) });
});

test("each vendor reads its own variable, and a file may name another", async () => {
  const lacking = (text: string, given: NodeJS.ProcessEnv) => liveModels(routed(text), aliases, { env: given });
  const anthropic = "models: { a: 'anthropic:claude-haiku-4-5' }\nroutes: { '*': a }";
  await expect(lacking(anthropic, { OPENAI_API_KEY: "test" })).rejects.toMatchObject({
    code: "model/key-missing",
    data: { model: "anthropic:claude-haiku-4-5", variable: "ANTHROPIC_API_KEY" },
  });
  const own = "models: { a: { model: 'openai:gpt-5-mini', keyVariable: DESK_KEY } }\nroutes: { '*': a }";
  await expect(lacking(own, env)).rejects.toMatchObject({ data: { variable: "DESK_KEY" } });
  await expect(lacking(own, { DESK_KEY: "test" })).resolves.toBeDefined();
});

test("a model of the file that no route names needs no key", async () => {
  const text = "models: { a: 'anthropic:claude-haiku-4-5', b: 'openai:gpt-5-mini' }\nroutes: { '*': b }";
  const { fast } = await liveModels(routed(text), aliases, { env: { OPENAI_API_KEY: "test" } });
  expect(called(fast)).toEqual(["gpt-5-mini"]);
});

test("K1 a server on this machine costs nothing unless a price is given; any other one needs a price", async () => {
  const at = async (baseUrl: string, prices = "") => {
    const text = `models: { a: { model: compatible:own, baseUrl: "${baseUrl}" } }\nroutes: { "*": a }\n${prices}`;
    return (await liveModels(routed(text), aliases, { env: {} })).fast as Model;
  };
  const price = "prices: { own: { input: 1, output: 2 } }";
  for (const host of ["127.0.0.1:1", "localhost:1", "[::1]:1"]) {
    expect((await at(`http://${host}/v1`)).cost).toBe("zero");
  }
  expect(await at("http://127.0.0.1:1/v1", price)).toMatchObject({ cost: "paid", quote: expect.any(Function) });
  expect((await at("https://models.example/v1", price)).cost).toBe("paid");
  await expect(at("https://models.example/v1")).rejects.toMatchObject({
    code: "model/price-unknown",
    hint: expect.stringContaining('prices: { "own": { input: 0.25, output: 2 } }'),
  });
  // Not what another vendor takes for a model of that name.
  const famous = { model: "compatible:gpt-5-mini", baseUrl: "https://models.example/v1" };
  await expect(liveModels(famous, aliases, { env })).rejects.toMatchObject({ code: "model/price-unknown" });
});

test("routes are for aliases that there are, and every alias has one", async () => {
  const models = "models: { a: 'openai:gpt-5-mini', b: 'openai:gpt-5' }";
  const refused = (routes: string, model?: string) =>
    expect(liveModels(routed(`${models}\nroutes: ${routes}`, model), aliases, { env })).rejects;
  await refused("{ fats: a, '*': b }").toThrow(
    "r.yaml:2: routes.fats: the team has no such alias; its aliases are careful, fast, and * is all others",
  );
  await refused("{ fast: a }").toThrow("r.yaml:2: routes: the alias careful has no route");
  await refused("{ fast: a }", "c").toThrow("r.yaml:1: models: --model c is none of the models a, b");
  const { careful, fast } = await liveModels(routed(`${models}\nroutes: { fast: a }`, "b"), aliases, { env });
  expect([called(careful), called(fast)]).toEqual([["gpt-5"], ["gpt-5-mini"]]);
});

test("a route holds candidates, rules, a split and targets as the file has them", async () => {
  const text = `models: { a: "openai:gpt-5-mini", b: { model: "openai:gpt-5", cleared: [sensitive] } }
routes:
  "*":
    candidates: [a, b]
    rules: [{ name: private, labels: [sensitive], use: b }]
    split: { weights: { a: 3, b: 1 }, sticky: tenant }
    targets: { usd: 0.02, latencyMs: 900 }`;
  const { fast } = await liveModels(routed(text), aliases, { env });
  if (!fast || !("candidates" in fast)) throw new Error("no route");
  expect(called(fast)).toEqual(["gpt-5-mini", "gpt-5"]);
  expect(fast.rules.map(({ name, use }) => [name, use.map(({ id }) => id)])).toEqual([["private", ["gpt-5"]]]);
  expect(fast.split?.of.map(({ model, weight }) => [model.id, weight])).toEqual([
    ["gpt-5-mini", 3],
    ["gpt-5", 1],
  ]);
  expect(fast.split?.sticky).toBe("tenant");
  expect(fast.targets).toEqual({ microUsd: 20_000, latencyMs: 900 });
});

test("a rule holds where all that it names does", () => {
  const request = { agent: "triage", labels: ["sensitive"], instructions: "12345", input: "678", messages: [] };
  const holds = (rule: object) => whenOf({ name: "r", use: [], ...rule })(request as unknown as ModelRequest);
  // 5 of the instructions, 5 of the input as JSON, 2 of no messages.
  expect([12, 13].map((minChars) => holds({ minChars }))).toEqual([true, false]);
  expect([11, 12].map((maxChars) => holds({ maxChars }))).toEqual([false, true]);
  expect(holds({ agents: ["action", "triage"], labels: ["sensitive"] })).toBe(true);
  expect(holds({ agents: ["triage"], labels: ["personal"] })).toBe(false);
  expect(holds({ agents: ["action"] })).toBe(false);
});

test("K2 a call that could never succeed stays open until it is stopped, and is told", async () => {
  const told: string[] = [];
  const onRefused = ({ code }: { readonly code: string }) => told.push(code);
  for (const status of [401, 404]) {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error: {} }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as { readonly port: number };
    const choice = { model: "openai:gpt-5-mini", baseUrl: `http://127.0.0.1:${port}/v1` };
    const model = (await liveModels(choice, ["fast"], { env, onRefused })).fast as Model;
    const stop = new AbortController();
    const before = told.length;
    const call = Promise.resolve(model.generate(request, { signal: stop.signal }));
    await expect.poll(() => told.length).toBe(before + 1);
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: told.at(-1) });
  }
  expect(told).toEqual(["model/key-refused", "model/not-offered"]);
});

const request: ModelRequest = {
  agent: "triage",
  instructions: "Say what it is.",
  input: {},
  messages: [],
  tools: [],
  asks: [],
  outputSchema: { type: "object" },
  labels: [],
  context: { tenant: "t", runId: "r", path: "p", turn: 1, attempt: 1, agentCall: 0, attributes: {} },
};
