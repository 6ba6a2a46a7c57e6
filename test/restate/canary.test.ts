import { createSupervisor, defineAgent, defineQuestion, defineTool, type Model, operator, user } from "@remit/core";
import { allDetectors } from "@remit/tools/detect";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { canaries, heardIn, song } from "../seal/plant.ts";
import { closeNode, openEngine, theNode } from "./place.ts";

/** R12 on a cluster: what is sent to a run is stored there before the run's own door can seal it. */

afterEach(() => {
  vi.unstubAllGlobals();
});
afterAll(closeNode);

const person = z.object({ text: z.string(), name: z.string().meta({ dataClass: "person" }) });

/**
 * A start, a call that a person changes and approves, a question and its answer, and a cancelled run: all of them sing.
 * Returns whatever was sent to the cluster by those who did not drive the runs.
 */
async function sing(namespace: string, more: object): Promise<string> {
  const sent: string[] = [];
  const { fetch } = globalThis;
  vi.stubGlobal("fetch", (to: string, init?: RequestInit) => {
    sent.push(to, String(init?.body));
    return fetch(to, init);
  });
  const engine = openEngine(await theNode(), namespace);
  const write = defineTool({
    name: "write_note",
    description: "",
    input: person,
    output: z.object({ done: z.boolean() }),
    effect: "write",
    risk: "high",
    idempotency: "key",
    execute: () => ({ done: true }),
  });
  const agent = { description: "", model: "m", input: person, output: person, instructions: "" } as const;
  const first = defineAgent({ ...agent, name: "first", tools: [write] });
  const last = defineAgent({ ...agent, name: "last", tools: [] });
  const model: Model = {
    id: "m",
    cost: "zero",
    generate: ({ agent: name, input, messages }) => ({
      parts:
        name === "first" && !messages.some(({ role }) => role === "tool")
          ? [{ type: "toolCall", callId: "c1", tool: "write_note", input: input as never }]
          : [{ type: "output", value: input as never }],
    }),
  };
  const desk = createSupervisor({
    name: "singers",
    agents: { first, last },
    entry: "first",
    exit: "last",
    handoffs: [
      defineQuestion({ from: first, to: last, of: "customer", answer: person, ask: () => "Who?", map: (said) => said }),
    ],
    engine,
    models: { m: model },
    check: "log",
    ...more,
  });
  const input = { text: song, name: "Quentin Canary" };
  const start = { tenant: "acme", principal: user("u_1"), attributes: { from: canaries.email ?? "" } };
  const run = await desk.start(input, start);
  await run.settled();
  for (const { address } of await run.approvals()) {
    const decision = { reason: song, principal: operator("o_1"), key: "edit" };
    await desk.approvals.edit("acme", address, { ...input, text: `${song}!` }, decision);
  }
  await run.settled();
  for (const { address } of await run.approvals()) {
    await desk.approvals.approve("acme", address, { reason: song, principal: operator("o_2"), key: "yes" });
  }
  await run.settled();
  await run.send(input);
  expect((await run.result()).status).toBe("completed");
  const other = await desk.start(input, start);
  await other.settled();
  await other.cancel(`no: ${song}`);
  expect((await other.result()).status).toBe("cancelled");
  await engine.close();
  vi.unstubAllGlobals();
  expect(sent.length).toBeGreaterThan(10);
  return sent.join("\n");
}

test("R12 nothing that is sent to a cluster has a canary, whoever sent it, and each would be heard", async () => {
  expect(heardIn(await sing("singing", {}))).toEqual(Object.keys(canaries));
  const sealed = { vault: { key: Buffer.alloc(32, 11) }, seal: { detectors: allDetectors() } };
  const sent = await sing("humming", sealed);
  expect(heardIn(sent)).toEqual([]);
  expect(sent).not.toContain("Quentin Canary");
});
