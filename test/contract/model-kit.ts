import type { ModelServer, ModelServerOptions, ServedAnswer } from "@remit/agents/testing";
import {
  type Cost,
  defineAgent,
  defineSupervisor,
  defineTool,
  type Json,
  type Message,
  type Model,
  type ModelRequest,
  type ResponsePart,
  type SupervisorDefinition,
  silentTracer,
  type Usage,
} from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import fc from "fast-check";
import { afterEach, test } from "vitest";
import { z } from "zod";
import { modelGateway } from "../../packages/core/src/model/gateway.ts";

/** A vendor's adapter, and the server that speaks as the vendor does. */
export interface ModelUnderTest {
  readonly serve: (options: ModelServerOptions) => Promise<ModelServer>;
  /** `url` is the server's own, without a path. */
  readonly model: (url: string, options?: ModelTestOptions) => Model;
  /** Its answers come in pieces. */
  readonly streams: boolean;
  /** Sealed reasoning comes back with the next call. */
  readonly seals: boolean;
  /** The vendor has no word of its own for a content filter: what it withholds is a refusal. */
  readonly refusesForFilter?: boolean;
  /**
   * The vendor counts the input before the answer comes, so that with prices one which breaks off says what it has cost at
   * most.
   */
  readonly countsFirst?: boolean;
  /** Why there is nothing to look at on the way to the vendor, where there is no way. */
  readonly noWire?: string;
}

export interface ModelTestOptions {
  readonly maxOutputTokens?: number;
  readonly price?: {
    readonly quote: (
      text: { chars: number; media: number },
      maxOutputTokens: number,
    ) => { microUsd: number; tokens: number };
    readonly cost: (usage: Usage) => Cost;
  };
  readonly headers?: (request: ModelRequest) => Readonly<Record<string, string>>;
}

const text = z.object({ text: z.string() });
export const shout = defineTool({
  name: "shout",
  description: "Says a text loudly.",
  input: text,
  output: text,
  effect: "read",
  execute: ({ text: said }) => ({ text: said.toUpperCase() }),
});
export const clerk = defineAgent({
  name: "clerk",
  description: "Answers.",
  model: "m",
  tools: [shout],
  asks: ["customer"],
  input: z.looseObject({ text: z.string() }),
  output: text,
  instructions: "Answer politely.",
});
export const team = { agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] } as const;
const definition = defineSupervisor(team) as unknown as SupervisorDefinition;
export const image = { $media: "image/png", data: Buffer.from("not quite a picture").toString("base64") };
export const said = (value: string): ServedAnswer => ({ parts: [{ type: "output", value: { text: value } }] });
export const called = (...ids: readonly string[]): ServedAnswer => ({
  parts: ids.map((callId) => ({ type: "toolCall", callId, tool: "shout", input: { text: `hi ${callId}` } })),
});

const arbText = fc.string({ unit: "grapheme", maxLength: 40 });
const arbJson = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const arbTurns: fc.Arbitrary<readonly Message[]> = fc
  .array(
    fc.oneof(
      fc.record({ texts: fc.array(arbText, { maxLength: 2 }), inputs: fc.array(arbJson, { maxLength: 3 }) }),
      fc.record({ answer: arbJson }),
      fc.record({ issues: fc.array(fc.record({ pointer: arbText, message: arbText }), { maxLength: 2 }) }),
    ),
    { maxLength: 4 },
  )
  .map((turns) =>
    turns.flatMap((turn, place): readonly Message[] => {
      if ("answer" in turn) return [{ role: "answer", of: "customer", answer: turn.answer }];
      if ("issues" in turn) return [{ role: "repair", issues: turn.issues }];
      const texts = turn.texts.map((said): ResponsePart => ({ type: "text", text: said }));
      const calls = turn.inputs.map((input, index) => ({
        type: "toolCall" as const,
        callId: `c${place}_${index}`,
        tool: "shout",
        input,
      }));
      const results = calls.map(({ callId, tool, input }) => ({
        callId,
        tool,
        status: "done" as const,
        output: input,
      }));
      const said: Message = { role: "assistant", parts: [...texts, ...calls] };
      return calls.length > 0 ? [said, { role: "tool", results }] : [said];
    }),
  );
export const arbRequest: fc.Arbitrary<ModelRequest> = fc
  .record({ instructions: arbText, input: arbJson, messages: arbTurns, tools: fc.nat(6), asks: fc.boolean() })
  .map(({ instructions, input, messages, tools, asks }) => ({
    agent: "clerk",
    instructions,
    input,
    messages,
    tools: Array.from({ length: tools }, (_, index) => ({
      name: `shout_${index}`,
      description: shout.description,
      inputSchema: shout.inputSchema,
    })),
    asks: asks ? ["customer", "operator"] : [],
    outputSchema: clerk.outputSchema,
    labels: [],
    context: { tenant: "acme", runId: "run_1", path: "clerk#1", turn: 1, attempt: 1, agentCall: 0, attributes: {} },
  }));

/** A model under test with its server, and ways to call it. To be made where tests are collected. */
export function modelKit(under: ModelUnderTest) {
  const servers: ModelServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  const served = async (
    answer: ModelServerOptions["answer"] | ServedAnswer,
    faults?: ModelServerOptions["faults"],
    options?: ModelTestOptions,
  ) => {
    const server = await under.serve({
      answer: typeof answer === "function" ? answer : () => answer,
      ...(faults ? { faults } : {}),
    });
    servers.push(server);
    return { server, model: under.model(server.url, options) };
  };

  /** One call through the gate. */
  const ask = async (
    model: Model,
    wish: { input?: Json; messages?: readonly Message[]; signal?: AbortSignal } = {},
  ) => {
    const gate = modelGateway({
      models: { m: model },
      definition,
      clock: fakeClock(1_700_000_000_000),
      tracer: silentTracer,
    });
    const event = await gate.call(
      { tenant: "acme", runId: "run_1" },
      {
        type: "callModel",
        id: "clerk#1/model#1",
        path: "clerk#1",
        agent: "clerk",
        alias: "m",
        turn: 1,
        attempt: 1,
        agentCall: 0,
        input: wish.input ?? { text: "hello" },
        messages: wish.messages ?? [],
        tools: ["shout"],
        labels: [],
        tried: [],
        attributes: {},
      },
      wish.signal ?? new AbortController().signal,
    );
    if (event.type !== "model.responded" && event.type !== "model.failed") throw new Error(`saw ${event.type}`);
    return event;
  };
  const parts = async (...given: Parameters<typeof ask>): Promise<readonly ResponsePart[]> => {
    const event = await ask(...given);
    if (event.type !== "model.responded") throw new Error(JSON.stringify(event.body));
    return event.body.parts.filter(({ type }) => type !== "reasoning");
  };
  const failure = async (...given: Parameters<typeof ask>) => {
    const event = await ask(...given);
    if (event.type !== "model.failed") throw new Error(`expected a failure, saw ${JSON.stringify(event.body)}`);
    return event.body;
  };
  const priceOf = (usage: Usage) => usage.inputTokens * 2 + usage.outputTokens * 3;
  const price = {
    quote: () => ({ microUsd: 1_000_000, tokens: 1_000_000 }),
    cost: (usage: Usage): Cost => ({ microUsd: priceOf(usage), basis: "reported" }),
  };
  const request: ModelRequest = {
    agent: "clerk",
    instructions: "Answer politely.",
    input: { text: "hello" },
    messages: [],
    tools: [{ name: "shout", description: shout.description, inputSchema: shout.inputSchema }],
    asks: [],
    outputSchema: clerk.outputSchema,
    labels: [],
    context: { tenant: "acme", runId: "run_1", path: "clerk#1", turn: 1, attempt: 1, agentCall: 0, attributes: {} },
  };

  /** A test of what goes over the wire. */
  const wired: typeof test | typeof test.skip = under.noWire === undefined ? test : test.skip;
  const told = (title: string) => (under.noWire === undefined ? title : `${title} (not here: ${under.noWire})`);
  const onWire = (title: string, play: () => Promise<void>) => wired(told(title), play);
  return { served, servers, ask, parts, failure, priceOf, price, request, onWire };
}

export type ModelKit = ReturnType<typeof modelKit>;
