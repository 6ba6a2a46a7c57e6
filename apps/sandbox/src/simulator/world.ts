import { type LookupAnswer, type ToolContext, ToolRefusal } from "@remit/core";
import type { Faults } from "./fault.ts";
import type { History } from "./history.ts";
import type { Plant } from "./plant.ts";
import { draw, type Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import { type ToolKind, type ToolSpec, toolTimeoutMs } from "./specs.ts";
import type { Violations } from "./violation.ts";

/** One request that left a process for the outside. */
export interface WorldCall {
  readonly run: string;
  readonly path: string;
  readonly agent: string;
  readonly tool: string;
  readonly kind: ToolKind;
  readonly key: string;
  readonly attempt: number;
  /** What it was asked for. */
  readonly id: string;
}

/** One call of a model, as the provider saw it. */
export interface ModelCall {
  readonly run: string;
  readonly path: string;
  /** The command that it was made by: a further try has one of its own. */
  readonly command: string;
  readonly agent: string;
  readonly input: string;
  readonly instructions: string;
  /**
   * Hashes of the definitions that may speak here: the one that decided the run when the call was made, and the one
   * that had the call made. They differ where a process was slow to make it and another one migrated the run meanwhile.
   */
  readonly definitions: readonly string[];
  readonly quoted: { readonly microUsd: number; readonly tokens: number };
  /** What the provider charges in the end. */
  actual: { microUsd: number; tokens: number };
  /** What it told of that. */
  told: { readonly microUsd?: number; readonly tokens?: number } | undefined;
}

export interface ToolAnswer {
  readonly value: number;
  /** Path of the call that was answered. */
  readonly ref: string;
}

const travelMsMax = 900;
/** Longer than any request is on its way: a key that was good when it was sent is good when it arrives. */
const keyGraceMs = 60_000;
const outageMsMax = 90_000;

/**
 * The outside: a ledger of what really happened. It is no part of the framework and never crashes; requests that are on
 * their way when their process dies still arrive.
 */
export class World {
  readonly calls: WorldCall[] = [];
  /** Calls of paid models. */
  readonly asked: ModelCall[] = [];
  /** How often each intent took effect, by run and path of the call: whatever key it came under. */
  readonly effects = new Map<string, number>();
  readonly #done = new Map<string, { readonly answer: ToolAnswer; readonly at: number }>();
  /** Attempts below this one are refused for a key: `never` was said of them (D7). */
  readonly #fences = new Map<string, number>();
  /** Epoch ms until which nobody answers there. */
  readonly #away = new Map<string, number>();
  readonly #options: WorldOptions;

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  /** True while a target is away as a whole; now and then one goes. */
  isAway(target: string, fault: "tool-outage" | "model-outage"): boolean {
    const { scheduler, faults, random } = this.#options;
    if (faults.strikes(fault)) this.#away.set(target, scheduler.now + random.below(outageMsMax));
    return scheduler.now < (this.#away.get(target) ?? 0);
  }

  async call(spec: ToolSpec, id: string, context: ToolContext): Promise<ToolAnswer> {
    const { scheduler, faults, random, plant, history, violations, ownerOf, onCall } = this.#options;
    const { runId: run, path, agent, attempt, signal } = context;
    const { name: tool, kind } = spec;
    const owner = ownerOf(context);
    const key =
      plant === "key-not-passed" && kind !== "read" ? `${context.idempotencyKey}.${attempt}` : context.idempotencyKey;
    this.calls.push({ run, path, agent, tool, kind, key, attempt, id });
    onCall(context, tool);
    if (kind !== "read") {
      const known = history.run(run);
      if (!known.intents.has(key))
        violations.add("R7", `${tool} was called at ${path} before its intent was durable under the key it got`);
      if (!known.called.has(attempt === 1 ? path : `${path}/try#${attempt}`)) {
        violations.add("R1", `attempt ${attempt} of ${tool} at ${path} was made before its entry was durable`);
      }
    }
    if (this.isAway(`tool:${spec.breaker}`, "tool-outage")) throw unreachable();
    if (faults.strikes(attempt === 1 ? "tool-unreachable" : "tool-unreachable-again")) {
      throw random.chance(0.5)
        ? unreachable()
        : Object.assign(new Error("nobody answers at this address"), { mayHaveExecuted: false });
    }
    if (faults.strikes("tool-error")) throw new Error("the line broke before anything was sent");
    if (faults.strikes("tool-timeout-before")) return never();
    await this.#ask(spec, id, context);
    const late = faults.strikes("tool-late");
    const silent = faults.strikes("tool-timeout-after");
    const malformed = faults.strikes("tool-malformed");
    // Its client listens to the signal; the request is on its way all the same.
    const givesUp = faults.strikes("tool-gives-up");
    const twice = kind === "key" && faults.strikes("tool-twice");
    const lateMs = late ? toolTimeoutMs * random.between(1, 8) + 1 : random.below(travelMsMax);
    // What a tool promises of its time it keeps.
    const delayMs = Math.min(lateMs, (spec.settlesWithinMs ?? Number.POSITIVE_INFINITY) - 1);
    const arrive = () => this.#land(spec, id, key, { run, path, attempt });
    if (twice) scheduler.add({ kind: "request", delayMs: random.below(toolTimeoutMs * 3), act: () => void arrive() });
    return new Promise<ToolAnswer>((resolve, reject) => {
      if (givesUp) signal.addEventListener("abort", () => reject(new Error("stopped waiting")), { once: true });
      scheduler.add({
        kind: "request",
        delayMs,
        act: () => {
          const answer = arrive();
          if (silent) return;
          const act = () => {
            if (answer === "refused") reject(new ToolRefusal("against the rules"));
            else if (answer === "fenced") reject(new Error("this attempt was given up"));
            else resolve(malformed ? ({ odd: true } as never) : answer);
          };
          scheduler.add({ kind: "answer", owner, delayMs: random.below(travelMsMax), act });
        },
      });
    });
  }

  /** Some calls ask people first: the same ones at each try, so that an answer may be told again. */
  async #ask({ name }: ToolSpec, id: string, { runId, path, attempt, elicit }: ToolContext): Promise<void> {
    const { seed, history, violations } = this.#options;
    const count = Math.max(0, Math.floor(draw(seed, "asks people", name, id) * 10) - 7);
    for (let index = 1; elicit && index <= count; index++) {
      const { action } = await elicit({ mode: "url", message: `${name} ${id}`, url: `https://example.com/${index}` });
      const command = attempt === 1 ? path : `${path}/try#${attempt}`;
      if (!history.run(runId).told.has(`${command} ${path}/question#${index}`)) {
        violations.add("R1", `${name} at ${path} was told an answer before it was durable`);
      }
      if (action === "decline") throw new ToolRefusal("a person said no");
    }
  }

  async lookup(spec: ToolSpec, context: ToolContext): Promise<LookupAnswer<ToolAnswer>> {
    const { scheduler, faults, random, violations, history, ownerOf } = this.#options;
    const { runId: run, path, attempt, idempotencyKey: key } = context;
    if (!history.run(run).called.has(`${path}/lookup#${attempt}`)) {
      violations.add("R1", `${spec.name} was asked about ${path} before that was durable`);
    }
    if (faults.strikes("lookup-silent")) return never();
    await scheduler.wait("lookup", ownerOf(context), random.below(travelMsMax));
    if (faults.strikes("lookup-unknown")) return { outcome: "unknown" };
    const done = this.#done.get(key);
    if (done) return { outcome: "found", output: done.answer };
    // One that names a time does not fence: what has not shown itself by then never will.
    if (spec.settlesWithinMs === undefined) this.#fences.set(key, Math.max(attempt, this.#fences.get(key) ?? 0));
    return { outcome: "never" };
  }

  /** What the ledger says of an intent. */
  effectsOf(run: string, path: string): number {
    return this.effects.get(`${run} ${path}`) ?? 0;
  }

  #land(
    { name: tool, kind, keyValidForMs }: ToolSpec,
    id: string,
    key: string,
    { run, path, attempt }: { readonly run: string; readonly path: string; readonly attempt: number },
  ): ToolAnswer | "refused" | "fenced" {
    const { seed, scheduler } = this.#options;
    const known = kind === "key" ? this.#done.get(key) : undefined;
    if (known && scheduler.now - known.at < (keyValidForMs ?? Number.POSITIVE_INFINITY) + keyGraceMs)
      return known.answer;
    const luck = draw(seed, "world", tool, id);
    if (luck < 0.15) return "refused";
    const answer = { value: Math.floor(luck * 100), ref: path };
    if (kind === "read") return answer;
    if (attempt < (this.#fences.get(key) ?? 0)) return "fenced";
    this.#done.set(key, { answer, at: scheduler.now });
    const intent = `${run} ${path}`;
    this.effects.set(intent, (this.effects.get(intent) ?? 0) + 1);
    return answer;
  }
}

/** The attribute of a call that names the process which makes it. */
export const callerAttribute = "caller";

/** Which call of which run, made by which process. */
export type CallPlace = Pick<ToolContext, "runId" | "path" | "attempt" | "attributes">;

export function callerKey({ runId, path, attempt, attributes }: CallPlace): string {
  return `${attributes[callerAttribute]} ${runId} ${path} ${attempt}`;
}

export interface WorldOptions {
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly plant: Plant | undefined;
  readonly history: History;
  readonly violations: Violations;
  /** The process that made a call. */
  readonly ownerOf: (context: ToolContext) => Owner | undefined;
  /** Told of every call of a tool when it is made. */
  readonly onCall: (context: ToolContext, tool: string) => void;
}

function unreachable(): Error {
  return Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", mayHaveExecuted: false });
}

function never(): Promise<never> {
  return new Promise(() => {});
}
