import type { Json } from "@remit/core";
import { type Change, type Expectation, type External, isDecision, type Turn } from "@remit/core/testing";
import { z } from "zod";
import { openTrial, type Trial } from "../world/trial.ts";
import type { World } from "../world/world.ts";

/** What a world made of a script's writes. */
export interface TriedScript {
  /** Names of the writes that were done, in order. */
  readonly writes: readonly string[];
  readonly changes: readonly Change[];
}

/**
 * Tries a script's writes out on a world, without any agent: those that nobody denies, as people decide on them. A scenario that
 * says which calls are denied can expect these writes and changes, and none that were written down by hand.
 */
export function tryScript<State extends object>(
  { world, start }: { readonly world: World<State>; readonly start: State },
  script: readonly Turn[],
  external: readonly External[],
  denied: NonNullable<Expectation["denied"]>,
): TriedScript {
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
      const next = decisions.findIndex((one) => one.tool === part.tool);
      const [decision] = next < 0 ? [] : decisions.splice(next, 1);
      if (decision !== undefined && decision.decision !== "approve") continue;
      if (did(trial, part.tool, part.input)) writes.push(part.tool);
    }
  }
  return { writes, changes: trial.changes() as readonly Change[] };
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
