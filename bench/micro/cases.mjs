// @ts-check
/** The parts of a run, each as small as it can be timed. Every act is one message, one transition, one call, one batch. */
import { defineAgent, definePolicy, defineTool, detection } from "@remit/core";
import { allDetectors } from "@remit/tools/detect";
import { z } from "zod";
import { memoryBus } from "../../packages/core/src/bus/memory.ts";
import { dispatcher } from "../../packages/core/src/effect/dispatcher.ts";
import { sha256 } from "../../packages/core/src/hash.ts";
import { sealBatch } from "../../packages/core/src/journal/chain.ts";
import { emptyHead } from "../../packages/core/src/journal/draft.ts";
import { memoryJournal } from "../../packages/core/src/journal/memory.ts";
import { modelGateway } from "../../packages/core/src/model/gateway.ts";
import { policyGate } from "../../packages/core/src/policy/gate.ts";
import { systemClock } from "../../packages/core/src/port/clock.ts";
import { silentTracer } from "../../packages/core/src/port/tracer.ts";
import { loopSteps } from "../../packages/core/src/run/invocation.ts";
import { firstStep, nextStep } from "../../packages/core/src/step.ts";
import { defineSupervisor } from "../../packages/core/src/supervisor/definition.ts";

const question = z.object({ query: z.string(), limit: z.int() });
const passages = z.object({ passages: z.array(z.string()) });
const asked = { query: "duplicate charge", limit: 3 };
const found = { passages: ["Duplicate charges are refunded within five days.", "Exports fail above 10,000 rows."] };
const search = defineTool({
  name: "search_policy",
  description: "Finds passages.",
  input: question,
  output: passages,
  effect: "read",
  execute: () => found,
});
const clerk = defineAgent({
  name: "clerk",
  description: "Reads.",
  model: "m",
  tools: [search],
  input: question,
  output: passages,
  instructions: "Read it.",
});
const rules = definePolicy({
  name: "rules",
  version: "1",
  rules: [
    { id: "work", on: ["handoff", "model", "egress"], effect: "allow", because: "they work" },
    ...Array.from({ length: 20 }, (_, index) => ({
      id: `never-${index}`,
      on: /** @type {const} */ ("tool"),
      effect: /** @type {const} */ ("deny"),
      when: (/** @type {import("@remit/core").RequestOn<"tool">} */ { labels }) =>
        labels.includes(`mcp:server-${index}`),
      because: "read from there",
    })),
    { id: "read", on: "tool", effect: "allow", tools: ["search_policy"], because: "they read" },
  ],
});

const definition = /** @type {any} */ (
  defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] })
);
const ruled = /** @type {any} */ (
  defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [], policy: rules })
);
const clock = systemClock();
const gates = { definition, clock, tracer: silentTracer };
const key = { tenant: "acme", runId: "run_1" };
const common = { path: "clerk#1", agent: "clerk", attempt: 1, attributes: {}, labels: [] };
const signal = new AbortController().signal;

/** What plain functions would do at each of these places: read a value by its schema, write it down, take its hash. */
function floor() {
  const parsed = passages.parse(found);
  const text = JSON.stringify(parsed);
  return sha256(text).length + JSON.parse(text).passages.length;
}

function bus() {
  const many = 32;
  const accepts = /** @type {ReadonlySet<any>} */ (new Set(["call.settled"]));
  return () => {
    const made = memoryBus({ capacity: many });
    made.join("clerk#1", { accepts, receive: () => {} });
    for (let index = 0; index < many; index++) {
      const envelope = {
        id: `m${index}`,
        type: "call.settled",
        from: "a",
        to: "clerk#1",
        correlation: "r",
        causation: 1,
      };
      made.publish(/** @type {any} */ ({ ...envelope, payload: found }));
    }
    made.drain();
  };
}

function transition() {
  return () => {
    const { snapshot } = nextStep(loopSteps(), firstStep(loopSteps()), /** @type {any} */ (deliver));
    return nextStep(loopSteps(), snapshot, { type: "model.output" });
  };
}
const deliver = { type: "deliver", turns: 10, repairs: 2 };

function dispatch() {
  const gate = dispatcher(gates);
  const command = /** @type {any} */ ({
    ...common,
    type: "callTool",
    id: "clerk#1/tool#1",
    tool: "search_policy",
    callId: "c1",
    input: asked,
    effect: "read",
    grant: {},
    key: "",
    tier: "none",
    policyVersion: "1",
  });
  return () => gate.call(key, command, signal);
}

function gateway() {
  const answer = { parts: [{ type: /** @type {const} */ ("output"), value: found }] };
  const models = { m: { id: "fake", cost: /** @type {const} */ ("zero"), generate: async () => answer } };
  const gate = modelGateway({ ...gates, models });
  const command = /** @type {any} */ ({
    ...common,
    type: "callModel",
    id: "clerk#1/model#1",
    alias: "m",
    turn: 1,
    agentCall: 0,
    input: asked,
    messages: [],
    tools: ["search_policy"],
    tried: [],
  });
  return () => gate.call(key, { ...command }, signal);
}

/** Batches of three entries, one behind the other, a hundred to a stream. */
function append() {
  const journal = memoryJournal();
  const body = { message: "clerk#1/message#1", agent: "clerk", output: found };
  const draft = /** @type {any} */ ({ type: "handoff.returned", at: 1, path: "clerk#1", cause: 0, body });
  const drafts = [draft, draft, draft];
  let head = emptyHead;
  let stream = 0;
  return () => {
    if (head.seq >= 300) {
      head = emptyHead;
      stream++;
    }
    const batch = sealBatch(head, drafts, () => "AAAAAAAAAAAAAAAAAAAAAA");
    journal.append({ tenant: "acme", kind: "run", id: `run_${stream}` }, batch, head.seq);
    head = { seq: batch.lastSeq, hash: batch.hash };
  };
}

function policy() {
  const gate = policyGate(ruled);
  const principal = { id: "u_1", kind: "user", roles: ["customer"], authenticated: true };
  const facts = { supervisor: "desk", principal, labels: ["user", "tool:get_order"] };
  const command = /** @type {any} */ ({ ...common, tool: "search_policy", facts });
  return () => gate.tool(key, command, search, asked);
}

function seal() {
  const finder = detection(allDetectors());
  const text = `${"The customer was charged twice for March and asks for one refund. ".repeat(6)}Write to ada@example.org.`;
  return () => finder.find(text);
}

/** How many acts one call is. */
const acts = { bus: 32 };

/** @type {readonly { readonly name: string, readonly act: () => unknown, readonly acts: number }[]} */
export const cases = Object.entries({
  floor: () => floor,
  bus,
  transition,
  dispatch,
  "journal append": append,
  gateway,
  policy,
  seal,
}).map(([name, make]) => ({ name, act: make(), acts: /** @type {Record<string, number>} */ (acts)[name] ?? 1 }));
