import type { Json } from "@remit/core";
import type { Turn } from "@remit/core/testing";

/** Turns of agents, for scenarios that packs tell in code. */

/** A turn in which an agent asks for calls, all at once. */
export const call = (agent: string, ...calls: readonly (readonly [tool: string, input: Json])[]): Turn => ({
  agent,
  parts: calls.map(([tool, input], index) => ({ type: "toolCall", callId: `call_${index + 1}`, tool, input })),
});

/** A turn in which an agent gives its output. */
export const says = (agent: string, value: Json): Turn => ({ agent, parts: [{ type: "output", value }] });
