import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import {
  asAgent,
  createSupervisor,
  defineAgent,
  defineHandoff,
  defineRoute,
  defineSupervisor,
  defineTool,
  type Engine,
  type Model,
  type ModelRequest,
  type ModelResponse,
  memoryEngine,
  OrchestrationError,
  user,
} from "@remit/core";
import { type OtelTracerOptions, otelTracer } from "@remit/core/otel";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { type CollectedSpan, openCollector } from "./collector.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A tracer whose spans and metrics go over HTTP to a collector of this test. */
async function measured(options: OtelTracerOptions = {}) {
  const collector = await openCollector();
  const exporter = new OTLPTraceExporter({ url: `${collector.url}/v1/traces` });
  const tracerProvider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
  const metricExporter = new OTLPMetricExporter({ url: `${collector.url}/v1/metrics` });
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 1_000_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracer = otelTracer({ tracerProvider, meterProvider, ...options });
  closing.push(
    collector.close,
    () => tracerProvider.shutdown(),
    () => meterProvider.shutdown(),
  );
  const flush = async () => {
    await tracerProvider.forceFlush();
    await meterProvider.forceFlush();
  };
  return { tracer, collector, flush };
}

const note = z.object({ text: z.string() });
const secret = "the parcel of Mrs Miller";

const lookUp = defineTool({
  name: "look_up",
  description: "Looks it up.",
  input: note,
  output: note,
  effect: "read",
  execute: ({ text }) => {
    if (text === "burst") throw new Error(`burst over ${secret}`);
    return { text: `found ${secret}` };
  },
});
const agent = <const Name extends string>(name: Name, asks: readonly ["customer"] | readonly [] = []) =>
  defineAgent({
    name,
    description: "Works.",
    model: "m",
    tools: [lookUp],
    input: note,
    output: note,
    asks,
    instructions: `Work well, ${name}.`,
  });
const clerk = agent("clerk", ["customer"]);
const closer = { ...agent("closer"), tools: [] as const };

type Say = (request: ModelRequest) => ModelResponse;
const says = (text: string): ModelResponse => ({ parts: [{ type: "output", value: { text } }] });
const calls = (text: string): ModelResponse => ({
  parts: [{ type: "toolCall", callId: "call_7", tool: "look_up", input: { text } }],
});
const paid = { usage: { inputTokens: 120, outputTokens: 30, cachedInputTokens: 100 } } as const;

/** A model that says its turns of each agent in order. */
function model(script: Readonly<Record<string, readonly (ModelResponse | Say)[]>>, more: Partial<Model> = {}): Model {
  return {
    id: "small-1",
    provider: "acme-ai",
    cost: "zero",
    generate: async (request) => {
      const turn = script[request.agent]?.[request.context.agentCall];
      if (!turn) throw new Error(`${request.agent} has no such turn`);
      return typeof turn === "function" ? turn(request) : turn;
    },
    ...more,
  };
}

function desk(m: Model | ReturnType<typeof defineRoute>, more: object = {}) {
  const engine: Engine = memoryEngine();
  closing.push(() => engine.close());
  const supervisor = createSupervisor({
    name: "desk",
    agents: { clerk, closer },
    entry: "clerk",
    exit: "closer",
    handoffs: [defineHandoff({ from: clerk, to: closer, map: ({ text }) => ({ text }) })],
    engine,
    models: { m },
    ...more,
  });
  return { engine, supervisor };
}

const start = { tenant: "acme", principal: user("u") } as const;
const named = (spans: readonly CollectedSpan[], name: string) => spans.filter((span) => span.name === name);
const only = (spans: readonly CollectedSpan[], name: string): CollectedSpan => {
  const [first, ...more] = named(spans, name);
  if (!first || more.length > 0) throw new Error(`${name}: ${more.length + (first ? 1 : 0)} spans`);
  return first;
};
/** A span and all above it, by name. */
const ancestry = (spans: readonly CollectedSpan[], span: CollectedSpan): readonly string[] => {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [span.name, ...(parent ? ancestry(spans, parent) : [])];
};

test("a run is one trace: the run, its agents, their model and tool calls, by the names of the convention", async () => {
  const { tracer, collector, flush } = await measured();
  const script = {
    clerk: [calls(secret), { ...says(secret), ...paid, cost: { microUsd: 1_500, basis: "estimated" as const } }],
    closer: [{ ...says("closed"), model: "small-1-2026" }],
  };
  const { engine, supervisor } = desk(model(script), { tracer });
  const run = await supervisor.start({ text: secret }, { ...start, conversationId: "conv-1" });
  expect((await run.result()).status).toBe("completed");
  await engine.idle();
  await flush();
  const spans = collector.spans();
  expect(spans.map(({ name }) => name).sort()).toEqual([
    "chat small-1",
    "chat small-1",
    "chat small-1",
    "execute_tool look_up",
    "invoke_agent clerk",
    "invoke_agent closer",
    "invoke_workflow desk",
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const common = { "remit.tenant": "acme", "remit.run.id": run.id, "gen_ai.conversation.id": "conv-1" };
  const root = only(spans, "invoke_workflow desk");
  expect(root).toMatchObject({ kind: 1, parentSpanId: undefined, status: 0 });
  expect(root.attributes).toEqual({
    ...common,
    "gen_ai.operation.name": "invoke_workflow",
    "gen_ai.workflow.name": "desk",
    "remit.run.status": "completed",
  });
  const worker = only(spans, "invoke_agent clerk");
  expect(worker).toMatchObject({ kind: 1, parentSpanId: root.spanId, status: 0 });
  expect(worker.attributes).toEqual({
    ...common,
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "clerk",
    "remit.path": "clerk#1",
  });
  const tool = only(spans, "execute_tool look_up");
  expect(tool).toMatchObject({ kind: 1, parentSpanId: worker.spanId, status: 0 });
  expect(tool.attributes).toEqual({
    ...common,
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "look_up",
    "gen_ai.tool.type": "function",
    "gen_ai.tool.call.id": "call_7",
    "gen_ai.agent.name": "clerk",
    "remit.path": "clerk#1/tool#1",
    "remit.attempt": 1,
    "remit.tool.effect": "read",
  });
  const chats = named(spans, "chat small-1");
  expect(chats.map((span) => ancestry(spans, span))).toEqual([
    ["chat small-1", "invoke_agent clerk", "invoke_workflow desk"],
    ["chat small-1", "invoke_agent clerk", "invoke_workflow desk"],
    ["chat small-1", "invoke_agent closer", "invoke_workflow desk"],
  ]);
  expect(chats.map(({ kind }) => kind)).toEqual([3, 3, 3]);
  expect(chats[1]?.attributes).toEqual({
    ...common,
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "acme-ai",
    "gen_ai.request.model": "small-1",
    "gen_ai.response.model": "small-1",
    "gen_ai.agent.name": "clerk",
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 30,
    "gen_ai.usage.cache_read.input_tokens": 100,
    "remit.path": "clerk#1",
    "remit.attempt": 1,
    "remit.model.alias": "m",
    "remit.cost.usd": 0.0015,
    "remit.cost.basis": "estimated",
  });
  expect(chats[2]?.attributes).toMatchObject({ "gen_ai.response.model": "small-1-2026" });
  expect(spans.every(({ tookNs }) => tookNs >= 0n)).toBe(true);
});

test("metrics add up what calls took, used and cost, told apart by few values", async () => {
  const { tracer, collector, flush } = await measured();
  const cost = { microUsd: 250_000, basis: "reported" } as const;
  const told = { usage: { inputTokens: 7, outputTokens: 0 }, cost };
  const dead: Model = {
    id: "dead",
    cost: "zero",
    generate: () => Promise.reject(Object.assign(new Error("busy"), { status: 529, ...told })),
  };
  const script = {
    clerk: [calls("a"), { ...says("b"), ...paid, cost }],
    closer: [{ ...says("c"), ...paid, cost }],
  };
  const { engine, supervisor } = desk(defineRoute("r", { candidates: [dead, model(script)] }), { tracer });
  const run = await supervisor.start({ text: "go" }, start);
  expect((await run.result()).status).toBe("completed");
  await engine.idle();
  await flush();
  const metrics = new Map(collector.metrics().map((metric) => [metric.name, metric]));
  const totals = (name: string) =>
    metrics
      .get(name)
      ?.points.map(({ attributes, sum, count }) => ({
        model: attributes["gen_ai.request.model"],
        agent: attributes["gen_ai.agent.name"],
        error: attributes["error.type"],
        type: attributes["gen_ai.token.type"],
        sum,
        count,
      }))
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const point = (agent: string, model: string, type: string | undefined, sum: unknown, count?: number) => {
    const error = model === "dead" ? "model/overloaded" : undefined;
    return { model, agent, error, type, sum, count };
  };
  expect(metrics.get("gen_ai.client.operation.duration")).toMatchObject({ unit: "s", kind: "histogram" });
  expect(metrics.get("gen_ai.client.operation.duration")?.points[0]?.bounds).toHaveLength(14);
  expect(totals("gen_ai.client.operation.duration")).toEqual(
    [
      point("clerk", "dead", undefined, expect.any(Number), 2),
      point("closer", "dead", undefined, expect.any(Number), 1),
      point("clerk", "small-1", undefined, expect.any(Number), 2),
      point("closer", "small-1", undefined, expect.any(Number), 1),
    ].sort((a, b) => (`${a.model}${a.agent}` < `${b.model}${b.agent}` ? -1 : 1)),
  );
  expect(metrics.get("gen_ai.client.token.usage")).toMatchObject({ unit: "{token}", kind: "histogram" });
  expect(totals("gen_ai.client.token.usage")).toEqual([
    point("clerk", "dead", "input", 14, 2),
    point("clerk", "dead", "output", 0, 2),
    point("closer", "dead", "input", 7, 1),
    point("closer", "dead", "output", 0, 1),
    point("clerk", "small-1", "input", 120, 1),
    point("clerk", "small-1", "output", 30, 1),
    point("closer", "small-1", "input", 120, 1),
    point("closer", "small-1", "output", 30, 1),
  ]);
  expect(metrics.get("remit.cost")).toMatchObject({ unit: "USD", kind: "sum" });
  expect(totals("remit.cost")).toEqual([
    point("clerk", "dead", undefined, 0.5),
    point("closer", "dead", undefined, 0.25),
    point("clerk", "small-1", undefined, 0.25),
    point("closer", "small-1", undefined, 0.25),
  ]);
  expect(totals("gen_ai.execute_tool.duration")).toMatchObject([{ agent: "clerk", count: 1 }]);
  const dimensions = [...metrics.values()].flatMap(({ points }) =>
    points.flatMap(({ attributes }) => Object.keys(attributes)),
  );
  expect(dimensions.filter((name) => /remit\.(run|tenant|path)/.test(name))).toEqual([]);
});

test("a failure says its code and nothing else, at the call and above it, and a fallback is told as one", async () => {
  const { tracer, collector, flush } = await measured();
  const wrong = Object.assign(new Error(`no key for ${secret}`), { status: 401 });
  const first = model({}, { id: "large-1", generate: () => Promise.reject(wrong) });
  const second = model({ clerk: [calls("burst")], closer: [] });
  const { engine, supervisor } = desk(defineRoute("both", { candidates: [first, second] }), { tracer });
  const run = await supervisor.start({ text: secret }, start);
  expect(await run.result()).toMatchObject({ status: "failed", error: { code: "model/failed" } });
  await engine.idle();
  await flush();
  const spans = collector.spans();
  const told = spans.map(({ name, status, attributes }) => [
    name,
    status,
    attributes["error.type"],
    attributes["remit.route.choice"],
    attributes["remit.route.next"],
    attributes["remit.attempt"],
  ]);
  expect(told).toEqual([
    ["chat large-1", 2, "model/failed", "first", "small-1", 1],
    ["chat small-1", 0, undefined, "fallback", undefined, 2],
    ["execute_tool look_up", 2, "tool/failed", undefined, undefined, 1],
    ["chat large-1", 2, "model/failed", "first", "small-1", 1],
    ["chat small-1", 2, "model/failed", "fallback", undefined, 2],
    ["invoke_agent clerk", 2, "model/failed", undefined, undefined, undefined],
    ["invoke_workflow desk", 2, "model/failed", undefined, undefined, undefined],
  ]);
  expect(collector.bodies.join()).not.toContain("Miller");
});

test("nothing that was said leaves by default; all of a model's does where it is asked for, unless it is sensitive", async () => {
  const script = { clerk: [calls(secret), says(secret)], closer: [says(secret)] };
  const bodies = async (options: OtelTracerOptions, cleared: readonly string[] = [], labels?: readonly string[]) => {
    const { tracer, collector, flush } = await measured(options);
    const read = defineTool({ ...lookUp, ...(labels ? { labels } : {}), execute: () => ({ text: secret }) } as never);
    const worker = { ...clerk, tools: [read] };
    const handoffs = [defineHandoff({ from: worker, to: closer, map: ({ text }) => ({ text }) })];
    const { engine, supervisor } = desk(model(script, { cleared }), {
      tracer,
      agents: { clerk: worker, closer },
      handoffs,
    });
    const run = await supervisor.start({ text: secret }, start);
    expect((await run.result()).status).toBe("completed");
    await engine.idle();
    await flush();
    return { spans: collector.spans(), body: collector.bodies.join() };
  };
  const silent = await bodies({});
  expect(silent.spans).toHaveLength(7);
  expect(silent.body).not.toMatch(/Miller|Work well/);

  const { spans } = await bodies({ captureContent: true });
  const [, second] = named(spans, "chat small-1");
  const json = (name: string) => JSON.parse(String(second?.attributes[name]));
  expect(json("gen_ai.system_instructions")).toEqual([{ type: "text", content: "Work well, clerk." }]);
  expect(json("gen_ai.input.messages")).toEqual([
    { role: "user", parts: [{ type: "text", content: JSON.stringify({ text: secret }) }] },
    { role: "assistant", parts: [{ type: "tool_call", id: "call_7", name: "look_up", arguments: { text: secret } }] },
    { role: "tool", parts: [{ type: "tool_call_response", id: "call_7", response: { text: secret } }] },
  ]);
  expect(json("gen_ai.output.messages")).toEqual([
    { role: "assistant", parts: [{ type: "text", content: JSON.stringify({ text: secret }) }] },
  ]);

  const sensitive = await bodies({ captureContent: true }, ["sensitive"], ["sensitive:health"]);
  const contents = named(sensitive.spans, "chat small-1").map((span) => "gen_ai.input.messages" in span.attributes);
  // The first call came before anything sensitive was read.
  expect(contents).toEqual([true, false, false]);
});

test("a run that parks ends its spans; when it goes on it has new ones, of the same run and conversation", async () => {
  const { tracer, collector, flush } = await measured();
  const ask: ModelResponse = { parts: [{ type: "ask", of: "customer", question: "Which one?" }] };
  const { engine, supervisor } = desk(model({ clerk: [ask, says("that")], closer: [says("closed")] }), { tracer });
  const run = await supervisor.start({ text: "go" }, { ...start, conversationId: "conv-2" });
  expect(await run.settled()).toBe("parked");
  await engine.idle();
  await flush();
  const before = collector.spans();
  expect(before.map(({ name }) => name)).toEqual(["chat small-1", "invoke_agent clerk", "invoke_workflow desk"]);
  expect(before[2]?.attributes).not.toHaveProperty("remit.run.status");
  await run.send("the blue one", { key: "k1" });
  expect((await run.result()).status).toBe("completed");
  await engine.idle();
  await flush();
  const after = collector.spans().slice(before.length);
  expect(after.map(({ name }) => name)).toEqual([
    "chat small-1",
    "invoke_agent clerk",
    "chat small-1",
    "invoke_agent closer",
    "invoke_workflow desk",
  ]);
  expect(new Set(after.map(({ traceId }) => traceId))).not.toContain(before[0]?.traceId);
  for (const { attributes } of [...before, ...after]) {
    expect(attributes).toMatchObject({ "remit.run.id": run.id, "gen_ai.conversation.id": "conv-2" });
  }
});

test("an agent of a team stands under its team, and runs at the same time keep their spans apart", async () => {
  const { tracer, collector, flush } = await measured();
  const inner = defineSupervisor({
    name: "inner",
    agents: { clerk, closer },
    entry: "clerk",
    exit: "closer",
    handoffs: [defineHandoff({ from: clerk, to: closer, map: ({ text }) => ({ text }) })],
  });
  const team = asAgent(inner, { name: "team", description: "A team.", input: note, output: note });
  const engine = memoryEngine();
  closing.push(() => engine.close());
  const outer = createSupervisor({
    name: "outer",
    agents: { team },
    entry: "team",
    exit: "team",
    handoffs: [],
    engine,
    models: { m: model({ clerk: [calls("a"), says("b")], closer: [says("c")] }) } as never,
    tracer,
  });
  const runs = await Promise.all([1, 2, 3].map((n) => outer.start({ text: `${n}` }, start)));
  for (const run of runs) expect((await run.result()).status).toBe("completed");
  await engine.idle();
  await flush();
  const spans = collector.spans();
  for (const { id } of runs) {
    const own = spans.filter(({ attributes }) => attributes["remit.run.id"] === id);
    expect(own).toHaveLength(8);
    expect(new Set(own.map(({ traceId }) => traceId)).size).toBe(1);
    expect(ancestry(own, only(own, "execute_tool look_up"))).toEqual([
      "execute_tool look_up",
      "invoke_agent clerk",
      "invoke_agent team",
      "invoke_workflow outer",
    ]);
  }
});

test("an exporter that throws costs its spans and nothing else", async () => {
  const burst = (): never => {
    throw new Error("no disk");
  };
  const broken = { onStart: burst, onEnd: burst, forceFlush: async () => {}, shutdown: async () => {} };
  const tracer = otelTracer({ tracerProvider: new TracerProvider({ spanProcessors: [broken] }) });
  const { supervisor } = desk(model({ clerk: [says("b")], closer: [says("c")] }), { tracer });
  expect((await (await supervisor.start({ text: "go" }, start)).result()).status).toBe("completed");
});

test("without a provider of anybody's nothing is measured, and all goes on", async () => {
  const { supervisor } = desk(model({ clerk: [says("b")], closer: [says("c")] }), { tracer: otelTracer() });
  expect((await (await supervisor.start({ text: "go" }, start)).result()).status).toBe("completed");
  const span = otelTracer().span("chat m", {});
  span.end({ code: new OrchestrationError("model/failed", { model: "m", reason: "x" }).code });
  span.end();
});
