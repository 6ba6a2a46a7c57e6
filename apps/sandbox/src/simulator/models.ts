import { canonicalJson, type Json, type Model, type ModelRequest, type ResponsePart } from "@remit/core";
import type { Faults } from "./fault.ts";
import type { History } from "./history.ts";
import { draw, drawOne, type Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import type { Violations } from "./violation.ts";
import type { World } from "./world.ts";

export const modelTimeoutMs = 20_000;
const thinkMsMax = 3_000;

/**
 * A model that says anything: calls, answers, questions, and the faults of real providers. What it means to say is drawn
 * by what it was asked; whether it fails on the way, by the order of things.
 */
export function randomModel(options: {
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly owner: Owner;
  readonly faults: Faults;
  readonly random: Random;
  readonly history: History;
  readonly violations: Violations;
  readonly world: World;
  /** Names that some agent may call. */
  readonly tools: readonly string[];
}): Model {
  const { seed, scheduler, owner, faults, random, history, violations, world, tools } = options;
  const cost = draw(seed, "model cost") < 0.5 ? "paid" : "zero";

  const meant = (request: ModelRequest): ResponsePart[] => {
    const about = [request.context.runId, request.agent, request.context.agentCall] as const;
    const luck = draw(seed, "turn", ...about);
    const long = draw(seed, "long", ...about) < 0.05 ? "word ".repeat(300) : request.agent;
    const call = (index: number): ResponsePart => ({
      type: "toolCall",
      callId: `c${index}`,
      tool: drawOne(
        draw(seed, "oversteps", ...about, index) < 0.15 || request.tools.length === 0
          ? tools
          : request.tools.map(({ name }) => name),
        seed,
        "tool",
        ...about,
        index,
      ),
      input:
        draw(seed, "args", ...about, index) < 0.08
          ? { wrong: true }
          : { id: `i${Math.floor(draw(seed, "id", ...about, index) * 12)}` },
    });
    if (luck < 0.55) {
      return Array.from({ length: 1 + Math.floor(draw(seed, "many", ...about) * 3) }, (_, index) => call(index));
    }
    if (luck < 0.63) return [{ type: "ask", of: "customer", question: "which?" }];
    return [{ type: "output", value: { n: Math.floor(draw(seed, "n", ...about) * 20), text: long } }];
  };

  return {
    id: "random",
    cost,
    timeoutMs: modelTimeoutMs,
    generate: async (request) => {
      const { runId, path, turn } = request.context;
      const durable = history.run(runId).models.has(`${path} ${turn}`);
      // Only a paid call is durable before it is made; another may be of a turn that was undone, or that somebody else won.
      if (cost === "paid" && durable) world.asked.push({ run: runId, path, input: canonicalJson(request.input) });
      if (cost === "paid" && !durable) {
        violations.add("R1", `turn ${turn} of ${path} was paid for before its entry was durable`);
      }
      if (faults.strikes("model-silent")) return new Promise<never>(() => {});
      await scheduler.wait("model", owner, random.below(thinkMsMax));
      if (faults.strikes("model-error")) throw new Error("overloaded");
      if (faults.strikes("model-malformed")) return { parts: random.pick([[], [{ type: "odd" }], "text"]) as never };
      if (faults.strikes("model-refusal")) return { parts: [{ type: "refusal", reason: "no" }] };
      if (faults.strikes("model-wrong-schema")) return { parts: [{ type: "output", value: { n: "bad" } as Json }] };
      if (faults.strikes("model-made-up-tool")) {
        return { parts: [{ type: "toolCall", callId: "c0", tool: "made_up", input: {} }] };
      }
      return { parts: meant(request) };
    },
  };
}
