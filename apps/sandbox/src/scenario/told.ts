import type { Json } from "@remit/core";
import {
  type Change,
  type Expectation,
  type External,
  isDecision,
  type PersonDecision,
  type Turn,
} from "@remit/core/testing";
import { z } from "zod";
import { openTrial, type Trial } from "../world/trial.ts";
import type { World } from "../world/world.ts";

/** How scenarios of packs are told in code: turns of agents, and what a world makes of the writes in them. */

/** A turn in which an agent asks for calls, all at once. */
export const call = (agent: string, ...calls: readonly (readonly [tool: string, input: Json])[]): Turn => ({
  agent,
  parts: calls.map(([tool, input], index) => ({ type: "toolCall", callId: `call_${index + 1}`, tool, input })),
});

/** A turn in which an agent gives its output. */
export const says = (agent: string, value: Json): Turn => ({ agent, parts: [{ type: "output", value }] });

/** What a world makes of the writes of a script that are to be made: those that nobody denies, as people decide on them. */
export function tryOut<State extends object>(
  { world, start }: { readonly world: World<State>; readonly start: State },
  script: readonly Turn[],
  external: readonly External[],
  denied: NonNullable<Expectation["denied"]>,
): { readonly writes: readonly string[]; readonly changes: readonly Change[]; readonly end: State } {
  const trial = openTrial(world, start);
  const decisions = external.filter(isDecision);
  // What a person said no to was decided, and is below.
  const left = denied.filter(({ code }) => !code?.startsWith("approval/"));
  const writes: string[] = [];
  for (const { agent, parts } of script) {
    for (const part of parts) {
      if (part.type !== "toolCall") continue;
      const at = left.findIndex((one) => one.agent === agent && one.tool === part.tool);
      const tool = world.tools.find(({ name }) => name === part.tool);
      if (tool?.effect !== "write") continue;
      // Of a repetition the later call is the denied one, else the first.
      if (at >= 0 && !(left[at]?.code === "limits/repeated-call" && !writes.includes(part.tool))) {
        left.splice(at, 1);
        continue;
      }
      const input = decidedInput(part.tool, part.input, decisions);
      if (input === undefined) continue;
      if (did(trial, part.tool, input)) writes.push(part.tool);
    }
  }
  return { writes, changes: trial.changes() as readonly Change[], end: trial.state() };
}

/** The arguments that a call is made with after people have decided; nothing where they said no, or nobody did. */
function decidedInput(tool: string, input: Json, decisions: PersonDecision[]): Json | undefined {
  const next = decisions.findIndex((one) => one.tool === tool);
  const [decision] = next < 0 ? [] : decisions.splice(next, 1);
  if (decision === undefined || decision.decision === "approve") return input;
  // Who edits has asked for it anew, and somebody decides on that.
  return decision.decision === "edit" ? decidedInput(tool, decision.input ?? null, decisions) : undefined;
}

function did<State extends object>(trial: Trial<State>, tool: string, input: Json): boolean {
  try {
    const answer = trial.call(tool, input as object);
    return !(typeof answer === "string" && answer.startsWith("refused: "));
  } catch (thrown) {
    if (thrown instanceof z.ZodError) return false;
    throw thrown;
  }
}
