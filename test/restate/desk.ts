import { z } from "zod";
import { defineAgent } from "../../packages/core/src/agent.ts";
import type { InputEvent } from "../../packages/core/src/event.ts";
import { defineHandoff } from "../../packages/core/src/handoff.ts";
import { memoryJournal } from "../../packages/core/src/journal/memory.ts";
import { systemClock } from "../../packages/core/src/port/clock.ts";
import type { Engine, RunHost } from "../../packages/core/src/port/engine.ts";
import type { Batch } from "../../packages/core/src/port/journal.ts";
import { user } from "../../packages/core/src/principal.ts";
import type { ReplayReport } from "../../packages/core/src/run/replay.ts";
import { createSupervisor } from "../../packages/core/src/supervisor/supervisor.ts";
import { answers, asks, calls, scriptedModel } from "../../packages/core/src/testing/index.ts";
import { defineTool } from "../../packages/core/src/tool.ts";

/** A small real team, driven by the kernel's own driver: two agents, a read, a question to the customer, a write. */

/** Same for worker and replay; a real one comes from where an installation keeps its secrets. */
export const tenantKey = "not a secret";

/** Reaches the outside; throws when it cannot. */
export type CallWorld = (
  tool: string,
  context: { readonly runId: string; readonly key: string; readonly attempt: number; readonly signal: AbortSignal },
) => Promise<string>;

/** The team's host, for the worker: one serves every activation. */
export function deskHost(callWorld: CallWorld): RunHost {
  return openDesk(callWorld).host;
}

/** The event that starts a run of the team. */
export async function deskStart(): Promise<{ readonly runId: string; readonly event: InputEvent }> {
  const { supervisor, delivered } = openDesk(async () => "");
  const { id: runId } = await supervisor.start({ text: "stool 7 wobbles" }, { tenant: "t", principal: user("u_1") });
  return { runId, event: delivered[0]! };
}

/** Decides a finished run's journal again, without models, tools or Restate. */
export async function deskReplay(runId: string, batches: readonly Batch[]): Promise<ReplayReport> {
  const { supervisor, journal } = openDesk(async () => "");
  let seq = 0;
  for (const batch of batches) {
    await journal.append({ tenant: "t", kind: "run", id: runId }, batch, seq);
    seq = batch.lastSeq;
  }
  return supervisor.replay(runId, { tenant: "t" });
}

function openDesk(callWorld: CallWorld) {
  const journal = memoryJournal({ newKey: () => tenantKey });
  const delivered: InputEvent[] = [];
  const hosts: RunHost[] = [];
  // Takes what the supervisor hands to an engine; the engine itself is Restate's handler.
  const engine: Engine = {
    name: "restate",
    journal,
    clock: systemClock(),
    register: (_definition, host) => void hosts.push(host),
    isRegistered: () => true,
    drives: () => true,
    deliver: async (_key, _definition, event) => void delivered.push(event),
    resume: async () => 0,
    watch: () => () => {},
    idle: async () => {},
    close: () => journal.close(),
  };
  const lookUpPart = defineTool({
    name: "look_up",
    description: "Finds the part that a stool needs.",
    input: z.object({ stool: z.string() }),
    output: z.object({ part: z.string() }),
    effect: "read",
    execute: async (_input, { runId, attempt, signal }) => ({
      part: await callWorld("look_up", { runId, key: "", attempt, signal }),
    }),
  });
  const sendPart = defineTool({
    name: "put_down",
    description: "Sends one part.",
    input: z.object({ part: z.string() }),
    output: z.object({ parcel: z.string() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: async (_input, { runId, idempotencyKey: key, attempt, signal }) => ({
      parcel: await callWorld("put_down", { runId, key, attempt, signal }),
    }),
  });
  const triage = defineAgent({
    name: "triage",
    description: "Finds out what is needed.",
    model: "scripted",
    tools: [lookUpPart],
    asks: ["customer"],
    input: z.object({ text: z.string() }),
    output: z.object({ part: z.string() }),
    instructions: "Find the part.",
  });
  const action = defineAgent({
    name: "action",
    description: "Sends it.",
    model: "scripted",
    tools: [sendPart],
    input: z.object({ part: z.string() }),
    output: z.object({ parcel: z.string() }),
    instructions: "Send the part once.",
  });
  const supervisor = createSupervisor({
    agents: { triage, action },
    entry: "triage",
    exit: "action",
    handoffs: [defineHandoff({ from: triage, to: action, map: ({ part }) => ({ part }) })],
    models: {
      scripted: scriptedModel([
        calls(triage, "look_up", { stool: "7" }),
        asks(triage, "customer", "Which leg?"),
        answers(triage, { part: "leg" }),
        calls(action, "put_down", { part: "leg" }),
        answers(action, { parcel: "p1" }),
      ]),
    },
    engine,
  });
  return { supervisor, host: hosts[0]!, journal, delivered };
}
