import { createSupervisor, defineAgent, defineHandoff, defineTool, type Engine, type ToolContext } from "@remit/core";
import { z } from "zod";
import { call, turns } from "../../contract/engine-desk.ts";

/**
 * The team of the crash cases. Each run makes five writes, one of each kind that differs after a crash, waits for a time
 * and for a person.
 */

/** What reaches the outside for one write. */
export interface Effect {
  readonly run: string;
  /** Which of the run's writes, 1 to 5. */
  readonly write: number;
  readonly key: string;
  readonly attempt: number;
  readonly kind: "key" | "lookup" | "none" | "plain";
}
export interface Outside {
  readonly apply: (effect: Effect, signal: AbortSignal) => Promise<void>;
  readonly lookUp: (effect: Effect) => Promise<"found" | "never">;
}
export const writesOfRun = 5;

/** Reaches the ledger over HTTP. */
export function outsideAt(address: string): Outside {
  const ask = async (path: string, effect: Effect, signal?: AbortSignal) => {
    const init = { method: "POST", body: JSON.stringify(effect), ...(signal ? { signal } : {}) };
    const response = await fetch(`${address}/${path}`, init);
    if (!response.ok) throw new Error(`the ledger said ${response.status}`);
    return response.text();
  };
  return {
    apply: async (effect, signal) => void (await ask("apply", effect, signal)),
    lookUp: async (effect) => (await ask("look", effect)) as "found" | "never",
  };
}

const input = z.object({ id: z.string() });
const done = z.object({ done: z.boolean() });
const note = z.object({ text: z.string() });

export interface TeamOptions {
  readonly engine: Engine;
  readonly outside: Outside;
  readonly version?: string;
  /** How long the second half of a run waits; 1,000 when absent. */
  readonly afterMs?: number;
}

export function openTeam({ engine, outside, version = "1", afterMs = 1_000 }: TeamOptions) {
  const write = (name: string, kind: "key" | "lookup" | "none", risk: "low" | "high") => {
    const effectOf = (
      { id }: { readonly id: string },
      { runId, idempotencyKey: key, attempt }: ToolContext,
    ): Effect => ({
      run: runId,
      write: Number(id),
      key,
      attempt,
      kind,
    });
    return defineTool({
      name,
      description: "Writes.",
      input,
      output: done,
      effect: "write",
      risk,
      idempotency: kind,
      timeoutMs: 10_000,
      version,
      ...(kind === "lookup"
        ? {
            lookup: async (given: z.infer<typeof input>, context: ToolContext) => {
              const outcome = await outside.lookUp(effectOf(given, context));
              return outcome === "found" ? ({ outcome, output: { done: true } } as const) : ({ outcome } as const);
            },
          }
        : {}),
      execute: async (given: z.infer<typeof input>, context: ToolContext) => {
        await outside.apply(effectOf(given, context), context.signal);
        return { done: true };
      },
    } as never) as never;
  };
  const first = defineAgent({
    name: "first",
    description: "Writes thrice.",
    model: "m",
    tools: [
      write("send_keyed", "key", "low"),
      write("send_looked", "lookup", "low"),
      write("send_plain", "none", "low"),
    ],
    input: note,
    output: note,
    instructions: "Write.",
  } as never) as never;
  const second = defineAgent({
    name: "second",
    description: "Writes with an approval.",
    model: "m",
    tools: [write("send_more", "key", "low"), write("pay", "key", "high")],
    input: note,
    output: note,
    instructions: "Write.",
  } as never) as never;
  const finish = [{ type: "output", value: { text: `by ${version}` } }] as const;
  return createSupervisor({
    check: "log",
    name: "couriers",
    version,
    agents: { first, second },
    entry: "first",
    exit: "second",
    handoffs: [
      defineHandoff({ from: first, to: second, afterMs, map: ({ text }: { text: string }) => ({ text }) } as never),
    ],
    models: {
      m: turns({
        first: [[call("send_keyed", "1")], [call("send_looked", "2")], [call("send_plain", "3")], finish],
        second: [[call("send_more", "4")], [call("pay", "5")], finish],
      }),
    },
    waitingRuns: "leave",
    // A worker that stands still for longer than a tool may take finds all of its calls late at once. A breaker would then
    // keep writes back that this team's model asks for only once, and here each write is counted.
    breaker: { failuresMax: 1_000_000 },
    engine,
  } as never) as unknown as import("@remit/core").Supervisor<{ text: string }, { text: string }>;
}
