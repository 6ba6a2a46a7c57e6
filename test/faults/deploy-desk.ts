import {
  createSupervisor,
  defineAgent,
  defineDenial,
  defineHandoff,
  defineTool,
  type Engine,
  type Model,
  type Risk,
} from "@remit/core";
import { z } from "zod";

/** A desk in versions that differ in a guard and a prompt; each run's end shows both. */

export interface Version {
  readonly number: "1" | "2" | "3";
  /** Amounts up to this are closed, those above are denied. */
  readonly limitCents: number;
  readonly risk: Risk;
}
export const one: Version = { number: "1", limitCents: 1_000, risk: "high" };
export const two: Version = { number: "2", limitCents: 500, risk: "high" };
/** Asks nobody before it transfers. */
export const three: Version = { number: "3", limitCents: 500, risk: "low" };

export function desk(engine: Engine, { number, limitCents, risk }: Version, effects: string[] = []) {
  const order = z.object({ to: z.string(), amountCents: z.int() });
  const done = z.object({ to: z.string(), amountCents: z.int(), prompt: z.string() });
  const transfer = defineTool({
    name: "transfer_money",
    description: "Transfers money.",
    input: order,
    output: z.object({ done: z.boolean() }),
    effect: "write",
    risk,
    idempotency: "key",
    execute: ({ to }) => {
      effects.push(to);
      return { done: true };
    },
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Transfers.",
    model: "m",
    tools: [transfer],
    input: order,
    output: done,
    instructions: `Prompt ${number}.`,
  });
  const closer = defineAgent({
    name: "closer",
    description: "Closes.",
    model: "m",
    tools: [],
    input: done,
    output: done,
    instructions: "Close it.",
  });
  const model: Model = {
    id: "instant",
    cost: "zero",
    generate: async ({ agent, input, instructions, messages }) => {
      const wish = input as { readonly to: string; readonly amountCents: number };
      if (agent === "clerk" && messages.length === 0) {
        return { parts: [{ type: "toolCall", callId: "c", tool: "transfer_money", input: wish }] };
      }
      return { parts: [{ type: "output", value: agent === "clerk" ? { ...wish, prompt: instructions } : wish }] };
    },
  };
  return createSupervisor({
    name: "desk",
    agents: { clerk, closer },
    entry: "clerk",
    exit: "closer",
    handoffs: [
      defineHandoff({
        from: clerk,
        to: closer,
        version: number,
        when: ({ amountCents }) => amountCents <= limitCents,
        map: (output) => output,
      }),
      defineDenial({ from: clerk, reason: "too much", packet: (output) => output }),
    ],
    models: { m: model },
    engine,
  });
}
export type Desk = ReturnType<typeof desk>;

/** Does something for each, so many at a time, in no order. */
export async function each<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await act(item);
  };
  await Promise.all(Array.from({ length: 100 }, work));
}

const tenant = "acme";

/** How often each end was reached. */
export async function endsOf(at: Desk, ids: readonly string[]): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  await each(ids, async (id) => {
    const result = await (await at.find(id, { tenant })).result();
    const prompt =
      result.status === "completed"
        ? result.output.prompt
        : result.status === "denied"
          ? (result.packet as { prompt?: string }).prompt
          : JSON.stringify(result);
    const end = `${result.status}: ${prompt}`;
    ends[end] = (ends[end] ?? 0) + 1;
  });
  return ends;
}

/** How many runs a definition decides again as it did, and from which entry on. */
export async function replayed(at: Desk, ids: readonly string[]): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  await each(ids, async (id) => {
    const { ok, status, fromSeq, fault } = await at.replay(id, { tenant });
    const what = `${ok ? "ok" : `${fault?.kind} ${fault?.reason}`}, ${status}, ${fromSeq === 1 ? "from the start" : "from its migration"}`;
    found[what] = (found[what] ?? 0) + 1;
  });
  return found;
}
