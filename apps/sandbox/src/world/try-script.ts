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
import { openTrial, type Trial } from "./trial.ts";
import type { World } from "./world.ts";

/**
 * What a world makes of the writes that a script asks for, without any agent: those that nobody denies, as people decide on
 * them. It is what a run of the script has to leave behind.
 */
export function tryScript<State extends object>(
  { world, start }: { readonly world: World<State>; readonly start: State },
  script: readonly Turn[],
  external: readonly External[],
  denied: NonNullable<Expectation["denied"]>,
): { readonly writes: readonly string[]; readonly changes: readonly Change[] } {
  const trial = openTrial(world, start);
  const decisions = external.filter(isDecision);
  // What a person said no to was decided, and is below.
  const left = denied.filter(({ code }) => !code?.startsWith("approval/"));
  const writes: string[] = [];
  const made = new Set<string>();
  for (const { agent, parts } of script) {
    for (const part of parts) {
      if (part.type !== "toolCall") continue;
      const at = left.findIndex((one) => one.agent === agent && one.tool === part.tool);
      const tool = world.tools.find(({ name }) => name === part.tool);
      if (tool?.effect !== "write") continue;
      // Of a repetition the later call is the denied one, else the first.
      const same = `${part.tool} ${JSON.stringify(part.input)}`;
      if (at >= 0 && (left[at]?.code !== "limits/repeated-call" || made.has(same))) {
        left.splice(at, 1);
        continue;
      }
      const input = decidedInput(part.tool, part.input, decisions);
      if (input !== undefined && did(trial, part.tool, input)) {
        writes.push(part.tool);
        made.add(same);
      }
    }
  }
  return { writes, changes: trial.changes() as readonly Change[] };
}

/** The arguments that a call is made with when people have decided; nothing where they said no, or nobody did in time. */
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
