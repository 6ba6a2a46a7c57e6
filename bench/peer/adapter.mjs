// Remit's adapter for the peer kit. `bench/peers.mjs` puts it into a copy of the kit and measures it there.
//
// `asked`: the kit's form, 13 model calls. A coordinator agent is asked before each delegation who is next; edges guard on
// its typed answer. `native`: guards choose the edges and seven model calls do the job. Both with what every run has: journal
// with hash chain, contracts on both sides, allowlists, budget of the run, labels and flow rules.
// `asked-governed` has what a team turns on beside it: a policy of TypeScript rules, and values sealed by all detectors.
// `sqlite` takes the kit's models for paid ones: each call waits until all before it is on disk. `sqlite-free` takes them for
// what they are, models that cost nothing, which are asked again after a crash. Both write the same journal.
// In memory the journal's chain is made when somebody asks for it: `asked-proved` does, for the hash of each run.
import {
  createSupervisor,
  defineAgent,
  defineHandoff,
  definePolicy,
  defineTool,
  memoryEngine,
  outputOf,
  user,
} from "@remit/core";
import { z } from "zod";
import {
  DESCRIPTION,
  FINAL_TEXT,
  INSTRUCTIONS,
  ORDER,
  runTool,
  schemas,
  TOOL_DESCRIPTION,
  TOOL_OF,
  think,
  ticket,
  toolSchemas,
} from "../../lib/workload.mjs";

export const name = "remit";
export const packages = ["@remit/core", "zod"];
export const extraPackages = ["@remit/mcp-bridge", "@remit/tools"];
export const variants = {
  asked: { main: true },
  "asked-proved": { proved: true, main: true },
  "asked-governed": { governed: true, main: true },
  native: { native: true, main: true },
  sqlite: { durable: "sqlite FULL" },
  "sqlite-free": { durable: "sqlite FULL", free: true },
  "sqlite-native": { native: true, durable: "sqlite FULL" },
};

const principal = user("u_1");
const started = { tenant: "acme", principal };
const results = (S) => z.object(Object.fromEntries(ORDER.map((role) => [role, S[role].optional()])));

/** Every edge of the team is one that a rule allows; the write is for tickets of this desk, and for people alone. */
const deskPolicy = definePolicy({
  name: "desk",
  version: "1",
  rules: [
    { id: "work", on: ["handoff", "model", "egress"], effect: "allow", because: "the team works together" },
    { id: "search", on: "tool", tools: ["kb_search"], effect: "allow", because: "anybody may read" },
    {
      id: "ticket",
      on: "tool",
      tools: ["tickets_update"],
      effect: "allow",
      when: ({ arguments: { id }, principal: { kind } }) => /^T-\d+$/.test(id) && kind === "user",
      because: "people change tickets of this desk",
    },
    {
      id: "foreign",
      on: "tool",
      effect: "deny",
      when: ({ labels }) => labels.includes("web"),
      because: "no call after what the web says",
    },
  ],
});

const usage = { inputTokens: 10, outputTokens: 10 };

/** A model that answers at once, as the kit's `think` says. */
const fakeModel = (finished, free) => ({
  id: "fake",
  ...(free ? { cost: "zero" } : {}),
  provider: "fake",
  quote: () => ({ microUsd: 0, tokens: 20 }),
  generate: async (request) => {
    const { agent, messages, input } = request;
    if (agent === "supervisor") {
      const seen = ORDER.filter((role) => input.done[role] !== undefined).length;
      const { delegate } = await think("supervisor", seen);
      if (delegate === undefined) finished?.set(request.context.runId, input.done);
      const value = delegate === undefined ? { next: "nobody", text: FINAL_TEXT } : { next: delegate, text: "" };
      return { parts: [{ type: "output", value }], usage };
    }
    const answered = messages.some(({ role }) => role === "tool");
    const { tool, args, text } = await think(agent, answered);
    if (tool) return { parts: [{ type: "toolCall", callId: "c1", tool, input: args }], usage };
    return { parts: [{ type: "output", value: JSON.parse(text) }], usage };
  },
});

function team({ native }) {
  const S = schemas(z);
  const T = toolSchemas(z);
  const hit = z.object({ id: z.string(), title: z.string(), score: z.number() });
  const tools = {
    kb_search: defineTool({
      name: "kb_search",
      description: TOOL_DESCRIPTION.kb_search,
      input: T.kb_search,
      output: z.object({ hits: z.array(hit) }),
      effect: "read",
      execute: (input) => runTool("kb_search", input),
    }),
    tickets_update: defineTool({
      name: "tickets_update",
      description: TOOL_DESCRIPTION.tickets_update,
      input: T.tickets_update,
      output: z.object({ ok: z.boolean(), id: z.string(), status: z.string() }),
      effect: "write",
      risk: "low",
      idempotency: "key",
      protect: ["id"],
      execute: (input) => runTool("tickets_update", input),
    }),
  };
  const given = z.object({ ticket: z.string() });
  const specialists = Object.fromEntries(
    ORDER.map((role) => [
      role,
      defineAgent({
        name: role,
        description: DESCRIPTION[role],
        model: "fake",
        tools: TOOL_OF[role] ? [tools[TOOL_OF[role]]] : [],
        input: given,
        output: S[role],
        instructions: INSTRUCTIONS[role],
      }),
    ]),
  );
  if (native) {
    const handoffs = ORDER.slice(1).map((role, index) => {
      const from = specialists[ORDER[index]];
      return defineHandoff({
        from,
        to: specialists[role],
        with: { asked: { ...outputOf(from), side: "input" } },
        map: (_, { asked }) => ({ ticket: asked.ticket }),
      });
    });
    return { agents: specialists, entry: "triage", exit: "reviewer", handoffs };
  }
  const state = z.object({ ticket: z.string(), done: results(S) });
  const supervisor = defineAgent({
    name: "supervisor",
    description: "Runs the desk",
    model: "fake",
    tools: [],
    input: state,
    output: z.object({ next: z.enum([...ORDER, "nobody"]), text: z.string() }),
    instructions: INSTRUCTIONS.supervisor,
  });
  const sources = { before: { ...outputOf(supervisor), side: "input" } };
  const handoffs = ORDER.flatMap((role) => [
    defineHandoff({
      from: supervisor,
      to: specialists[role],
      with: sources,
      when: ({ next }) => next === role,
      map: (_, { before }) => ({ ticket: before.ticket }),
    }),
    defineHandoff({
      from: specialists[role],
      to: supervisor,
      with: sources,
      map: (output, { before }) => ({ ticket: before.ticket, done: { ...before.done, [role]: output } }),
    }),
  ]);
  return { agents: { supervisor, ...specialists }, entry: "supervisor", exit: "supervisor", handoffs };
}

export async function setup({ native = false, proved = false, governed = false, durable, free = false }, { tmp }) {
  // Each variant loads what it needs: the kit times the import of this file as that of the framework.
  const { sqliteEngine } = durable ? await import("@remit/core/sqlite") : {};
  const { allDetectors } = governed ? await import("@remit/tools/detect") : {};
  // The kit parks 2,000 runs inside a model call, and each of them is driven while it waits.
  const engine = durable ? sqliteEngine({ path: `${tmp}/remit.db` }) : memoryEngine({ driving: 4_096 });
  const finished = new Map();
  const desk = createSupervisor({
    name: "desk",
    ...team({ native }),
    budget: { run: { tokens: 1_000_000 } },
    ...(governed ? { policy: deskPolicy, vault: { key: "11".repeat(32) }, seal: { detectors: allDetectors() } } : {}),
    engine,
    models: { fake: fakeModel(finished, free) },
  });
  return {
    async runOnce(index) {
      const asked = ticket(index);
      const run = await desk.start(native ? { ticket: asked } : { ticket: asked, done: {} }, started);
      const result = await run.result();
      if (proved && result.journalHash.length !== 43) throw new Error("the run has no hash");
      if (result.status !== "completed") throw new Error(`the run ${result.status}: ${JSON.stringify(result)}`);
      if (!native) {
        const done = finished.get(run.id);
        finished.delete(run.id);
        return done;
      }
      const out = {};
      for (const { type, body } of await run.entries()) if (type === "handoff.returned") out[body.agent] = body.output;
      return out;
    },
    async close() {
      await engine.close?.();
    },
  };
}

export async function mcp({ command, args }) {
  const { connectMcp, stdio } = await import("@remit/mcp-bridge");
  const connection = await connectMcp({
    name: "echo",
    transport: stdio(command, args),
    tools: { echo: { effect: "read" } },
  });
  const { echo } = connection.tools;
  const context = {
    signal: new AbortController().signal,
    idempotencyKey: "",
    tenant: "acme",
    runId: "run_1",
    agent: "a",
    path: "a#1/tool#1",
    attempt: 1,
    attributes: {},
  };
  return {
    call: async (text) => {
      const said = await echo.execute({ text }, context);
      return typeof said === "string" ? said : (said.text ?? said.content?.[0]?.text);
    },
    close: () => connection.close(),
  };
}
