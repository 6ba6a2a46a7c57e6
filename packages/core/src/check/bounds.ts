import { defaultLimits, type Limits } from "../limits.ts";
import { modelsOf } from "../model/route.ts";
import type { Note, Rule } from "./rule.ts";

/** Limits against each other, and times against limits. Those of the outermost supervisor hold for the whole tree. */
export const checkBounds: Rule = ({ root, teams }, note, { models }) => {
  const { limits } = root;
  checkLimits(limits, [root.name], note);
  for (const { definition, path, depth, live } of teams) {
    if (depth > limits.depth) {
      note("check/too-deep", path, { supervisor: definition.name, depth, bound: limits.depth });
    }
    for (const edge of [...live.values()].flat()) {
      if (edge.kind !== "handoff" || edge.afterMs === undefined || edge.afterMs < limits.deadlineMs) continue;
      const { name, afterMs } = edge;
      note("check/delay-beyond-deadline", [...path, name], { edge: name, afterMs, deadlineMs: limits.deadlineMs });
    }
    for (const { agent, agentValue, atLeast, stronger } of definition.thresholds.values()) {
      const reason =
        atLeast === 0
          ? "no answer is below 0"
          : stronger === agentValue.model
            ? `${stronger} is the agent's own model`
            : undefined;
      if (reason !== undefined) note("check/threshold-idle", [...path, agent], { agent, reason });
    }
  }
  // `activeMs` may well end what a generous timeout would wait for; behind the deadline nothing is waited for at all.
  const { deadlineMs } = limits;
  const tell = (path: readonly string[], what: string, timeoutMs: number | undefined) => {
    if (timeoutMs === undefined || timeoutMs <= deadlineMs) return;
    note("check/timeout-beyond-deadline", [root.name, ...path], { what, timeoutMs, deadlineMs });
  };
  for (const { name, timeoutMs } of root.tools.values()) tell([name], `a call of ${name}`, timeoutMs);
  for (const [alias, source] of Object.entries(models ?? {})) {
    for (const { id, timeoutMs } of modelsOf(source)) tell([alias, id], `a call of the model ${id}`, timeoutMs);
  }
};

/** For each limit the others that make it never be the first. */
const before = [
  // Each turn is a step, and so is each call; each delivery is followed by a turn.
  ["turns", "steps"],
  ["callsPerTurn", "steps"],
  ["handoffs", "steps"],
  ["repairs", "turns"],
  ["repeats", "steps"],
  ["writeRepeats", "steps"],
  ["activeMs", "deadlineMs"],
  ["answerMs", "deadlineMs"],
] as const satisfies readonly (readonly [keyof Limits, keyof Limits])[];

function checkLimits(limits: Limits, path: readonly string[], note: Note): void {
  for (const [limit, other] of before) {
    const [value, bound] = [limits[limit], limits[other]];
    // What nobody set contradicts nothing.
    if (value <= bound || value === defaultLimits[limit]) continue;
    note("check/limits-contradict", [...path, limit], {
      limit: `limits.${limit}`,
      value,
      other: `limits.${other}`,
      bound,
    });
  }
}
