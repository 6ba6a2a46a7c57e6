import { canonicalJson, type Json, type Model, type ModelRequest, type ResponsePart } from "@remit/core";
import type { BreakerWatch } from "./breakers.ts";
import type { Faults } from "./fault.ts";
import { type History, modelCommandOf } from "./history.ts";
import { draw, drawOne, type Random } from "./random.ts";
import type { Restraint } from "./restraint.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import { argumentIds } from "./specs.ts";
import type { Violations } from "./violation.ts";
import type { ModelCall, World } from "./world.ts";

export const modelTimeoutMs = 20_000;
const thinkMsMax = 3_000;

/**
 * A model that says anything: calls, answers, questions, verdicts, and the faults of real providers. What it means to say
 * is drawn by what it was asked; whether it fails on the way, by the order of things.
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
  readonly restraint: Restraint;
  readonly watch: BreakerWatch;
  /** The breaker before each tool. */
  readonly breakerOf: ReadonlyMap<string, string>;
  /** Told of every call when it is made: its run, and its command. */
  readonly onCall: (run: string, command: string) => void;
  /** Names that some agent may call. */
  readonly tools: readonly string[];
}): Model {
  const {
    seed,
    scheduler,
    owner,
    faults,
    random,
    history,
    violations,
    world,
    tools,
    restraint,
    watch,
    breakerOf,
    onCall,
  } = options;
  const cost = draw(seed, "model cost") < 0.7 ? "paid" : "zero";

  const meant = (request: ModelRequest): ResponsePart[] => {
    const about = [request.context.runId, request.agent, request.context.agentCall] as const;
    const luck = draw(seed, "turn", ...about);
    if (request.agent === "compliance") return [judged(luck)];
    if (request.agent === "reviewer") return [packed(luck)];
    const long = draw(seed, "long", ...about) < 0.05 ? "word ".repeat(300) : request.agent;
    const call = (index: number): ResponsePart => ({
      type: "toolCall",
      callId: `c${index}`,
      tool: drawOne(
        draw(seed, "oversteps", ...about, index) < 0.12 || request.tools.length === 0
          ? tools
          : request.tools.map(({ name }) => name),
        seed,
        "tool",
        ...about,
        index,
      ),
      input:
        draw(seed, "args", ...about, index) < 0.06
          ? { wrong: true }
          : { id: drawOne(argumentIds, seed, "id", ...about, index) },
    });
    if (luck < 0.55) {
      return Array.from({ length: 1 + Math.floor(draw(seed, "many", ...about) * 3) }, (_, index) => call(index));
    }
    if (luck < 0.61) return [{ type: "ask", of: "customer", question: "which?" }];
    return [{ type: "output", value: { n: Math.floor(draw(seed, "n", ...about) * 20), text: long } }];
  };

  const quote = ({ agent, context }: ModelRequest) => {
    const size = draw(seed, "quote", context.runId, agent, context.agentCall);
    return { microUsd: 200 + Math.floor(size * 800), tokens: 300 + Math.floor(size * 700) };
  };

  /** What is true of the call before it is made. */
  const observe = (request: ModelRequest): ModelCall | undefined => {
    const { tenant, runId, path, turn } = request.context;
    const known = history.run(runId);
    const command = modelCommandOf(request.context);
    onCall(runId, command);
    restraint.assertAllowed({ tenant, agent: request.agent, owner });
    for (const { name } of request.tools) {
      if (watch.isOpen(`tool:${breakerOf.get(name) ?? name}`)) {
        violations.add("R3", `${name} was offered though its breaker was open`);
      }
    }
    if (cost === "zero") return undefined;
    // Only a paid call is durable before it is made; another may be of a turn that was undone, or that somebody else won.
    const decided = known.models.get(`${path} ${turn}`);
    if (decided === undefined) {
      violations.add("R1", `turn ${turn} of ${path} was paid for before its entry was durable`);
    }
    const asked: ModelCall = {
      run: runId,
      path,
      command,
      agent: request.agent,
      input: canonicalJson(request.input),
      instructions: request.instructions,
      definitions: [known.definition, decided ?? known.definition],
      quoted: quote(request),
      actual: { microUsd: 0, tokens: 0 },
      told: undefined,
    };
    world.asked.push(asked);
    if (known.budgeted) {
      const calls = world.asked.filter((one) => one.run === runId && one.command === command).length;
      if ((known.reserved.get(command) ?? 0) < calls) {
        violations.add("R10", `turn ${turn} of ${path} was called ${calls} times, with fewer reservations`);
      }
    }
    return asked;
  };

  /** What the provider charges, and what it tells of it. */
  const charge = (asked: ModelCall | undefined): object => {
    if (!asked) return {};
    const { quoted } = asked;
    // More than it said is charged only by one that says so.
    const dear = faults.strikes("model-overcharges");
    const share = dear ? 1.5 : 0.2 + random.unit() * 0.8;
    asked.actual = { microUsd: Math.floor(quoted.microUsd * share), tokens: Math.floor(quoted.tokens * share) };
    const says = dear || random.chance(0.7);
    const counts = dear || random.chance(0.7);
    const inputTokens = Math.floor(asked.actual.tokens / 3);
    asked.told = {
      ...(says ? { microUsd: asked.actual.microUsd } : {}),
      ...(counts ? { tokens: asked.actual.tokens } : {}),
    };
    return {
      ...(says ? { cost: { microUsd: asked.actual.microUsd, basis: "reported" } } : {}),
      ...(counts ? { usage: { inputTokens, outputTokens: asked.actual.tokens - inputTokens } } : {}),
    };
  };

  return {
    id: "random",
    cost,
    timeoutMs: modelTimeoutMs,
    quote,
    generate: async (request) => {
      const asked = observe(request);
      const failing = (error: Error) => {
        // A call that failed may have cost something all the same.
        if (asked) asked.actual = { microUsd: Math.floor(asked.quoted.microUsd * random.unit()), tokens: 0 };
        return error;
      };
      /** Nothing is charged for what nobody looked at, and that is told by how it failed. */
      const turnedAway = (error: Error) => {
        failing(error);
        if (asked) {
          asked.actual = { microUsd: 0, tokens: 0 };
          asked.told = asked.actual;
        }
        return error;
      };
      if (world.isAway("model:random", "model-outage")) throw turnedAway(unreachable());
      if (faults.strikes("model-silent")) return new Promise<never>(() => {});
      await scheduler.wait("model", owner, random.below(thinkMsMax));
      if (faults.strikes("model-error")) throw failing(new Error("no model of this name"));
      if (faults.strikes("model-rate-limited")) {
        const headers = { "retry-after": String(random.between(0, 90)) };
        throw turnedAway(Object.assign(new Error("too many requests"), { status: 429, headers }));
      }
      if (faults.strikes("model-overloaded")) {
        throw failing(Object.assign(new Error("overloaded"), { status: random.pick([500, 503, 529]) }));
      }
      if (faults.strikes("model-cut")) {
        throw failing(Object.assign(new Error("the stream was cut"), { error: { type: "overloaded_error" } }));
      }
      const paid = charge(asked);
      if (faults.strikes("model-malformed")) {
        // Nobody reads what it charged.
        if (asked) asked.actual.microUsd = Math.min(asked.actual.microUsd, asked.quoted.microUsd);
        if (asked) asked.actual.tokens = Math.min(asked.actual.tokens, asked.quoted.tokens);
        return { parts: random.pick([[], [{ type: "odd" }], "text"]) as never };
      }
      if (faults.strikes("model-refusal")) return { parts: [{ type: "refusal", reason: "no" }], ...paid };
      if (faults.strikes("model-wrong-schema"))
        return { parts: [{ type: "output", value: { n: "bad" } as Json }], ...paid };
      if (faults.strikes("model-made-up-tool")) {
        return { parts: [{ type: "toolCall", callId: "c0", tool: "made_up", input: {} }], ...paid };
      }
      return { parts: meant(request), ...paid };
    },
  };
}

/** What compliance says, garbage included. */
function judged(luck: number): ResponsePart {
  const say = (verdict: string, conditions: string[] = []): ResponsePart => ({
    type: "output",
    value: { verdict, ruleIds: ["rule-1"], reasons: ["drawn"], conditions },
  });
  if (luck < 0.5) return say("allow");
  if (luck < 0.65) return say("revise", ["less"]);
  if (luck < 0.85) return say("escalate");
  if (luck < 0.93) return { type: "output", value: { verdict: "perhaps" } };
  return { type: "toolCall", callId: "c0", tool: "read_a", input: { id: "i1" } };
}

/** What the reviewer prepares, garbage included. */
function packed(luck: number): ResponsePart {
  if (luck < 0.12) return { type: "output", value: { what: "" } };
  if (luck < 0.2) return { type: "toolCall", callId: "c0", tool: "read_a", input: { id: "i2" } };
  return { type: "output", value: { what: "it", why: "drawn", evidence: [], diff: [], risk: "high" } };
}

function unreachable(): Error {
  return Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
}
