import { type LookupAnswer, type ToolContext, ToolRefusal } from "@remit/core";
import type { Faults } from "./fault.ts";
import type { History } from "./history.ts";
import type { Plant } from "./plant.ts";
import { draw, type Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import type { Violations } from "./violation.ts";

export type ToolKind = "read" | "key" | "lookup" | "none";

/** One request that left a process for the outside. */
export interface WorldCall {
  readonly run: string;
  readonly path: string;
  readonly agent: string;
  readonly tool: string;
  readonly kind: ToolKind;
  readonly key: string;
  readonly attempt: number;
}

export interface ToolAnswer {
  readonly value: number;
  /** Path of the call that was answered. */
  readonly ref: string;
}

const travelMsMax = 900;
/** A tool's own timeout; a late request lands long after it. */
export const toolTimeoutMs = 5_000;

/**
 * The outside: a ledger of what really happened. It is no part of the framework and never crashes; requests that are on
 * their way when their process dies still arrive.
 */
export class World {
  readonly calls: WorldCall[] = [];
  /** What models were shown, as canonical JSON, by run and path of who asked; of paid models only. */
  readonly asked: { readonly run: string; readonly path: string; readonly input: string }[] = [];
  /** How often each intent took effect, by run and path of the call: whatever key it came under. */
  readonly effects = new Map<string, number>();
  readonly #done = new Map<string, ToolAnswer>();
  /** Attempts below this one are refused for a key: `never` was said of them (D7). */
  readonly #fences = new Map<string, number>();
  readonly #options: WorldOptions;

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  async call(kind: ToolKind, tool: string, id: string, context: ToolContext): Promise<ToolAnswer> {
    const { scheduler, faults, random, plant, history, violations, ownerOf } = this.#options;
    const { runId: run, path, agent, attempt, signal } = context;
    const owner = ownerOf(run, path, attempt);
    const key =
      plant === "key-not-passed" && kind !== "read" ? `${context.idempotencyKey}.${attempt}` : context.idempotencyKey;
    this.calls.push({ run, path, agent, tool, kind, key, attempt });
    if (kind !== "read") {
      const known = history.run(run);
      if (!known.intents.has(key))
        violations.add("R7", `${tool} was called at ${path} before its intent was durable under the key it got`);
      if (!known.called.has(attempt === 1 ? path : `${path}/try#${attempt}`)) {
        violations.add("R1", `attempt ${attempt} of ${tool} at ${path} was made before its entry was durable`);
      }
    }
    if (faults.strikes(attempt === 1 ? "tool-unreachable" : "tool-unreachable-again")) {
      throw Object.assign(new Error("nobody answers at this address"), { mayHaveExecuted: false });
    }
    if (faults.strikes("tool-error")) throw new Error("the line broke before anything was sent");
    if (faults.strikes("tool-timeout-before")) return never();
    const late = faults.strikes("tool-late");
    const silent = faults.strikes("tool-timeout-after");
    const malformed = faults.strikes("tool-malformed");
    // Its client listens to the signal; the request is on its way all the same.
    const givesUp = faults.strikes("tool-gives-up");
    const twice = kind === "key" && faults.strikes("tool-twice");
    const delayMs = late ? toolTimeoutMs * random.between(1, 8) + 1 : random.below(travelMsMax);
    const arrive = () => this.#land(kind, tool, id, key, { run, path, attempt });
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

  async lookup(tool: string, context: ToolContext): Promise<LookupAnswer<ToolAnswer>> {
    const { scheduler, faults, random, violations, history, ownerOf } = this.#options;
    const { runId: run, path, attempt, idempotencyKey: key } = context;
    if (!history.run(run).called.has(`${path}/lookup#${attempt}`)) {
      violations.add("R1", `${tool} was asked about ${path} before that was durable`);
    }
    if (faults.strikes("lookup-silent")) return never();
    await scheduler.wait("lookup", ownerOf(run, path, attempt), random.below(travelMsMax));
    if (faults.strikes("lookup-unknown")) return { outcome: "unknown" };
    const output = this.#done.get(key);
    if (output) return { outcome: "found", output };
    this.#fences.set(key, Math.max(attempt, this.#fences.get(key) ?? 0));
    return { outcome: "never" };
  }

  /** What the ledger says of an intent. */
  effectsOf(run: string, path: string): number {
    return this.effects.get(`${run} ${path}`) ?? 0;
  }

  #land(
    kind: ToolKind,
    tool: string,
    id: string,
    key: string,
    { run, path, attempt }: { readonly run: string; readonly path: string; readonly attempt: number },
  ): ToolAnswer | "refused" | "fenced" {
    const { seed } = this.#options;
    const known = kind === "key" ? this.#done.get(key) : undefined;
    if (known) return known;
    const luck = draw(seed, "world", tool, id);
    if (luck < 0.15) return "refused";
    const answer = { value: Math.floor(luck * 100), ref: path };
    if (kind === "read") return answer;
    if (attempt < (this.#fences.get(key) ?? 0)) return "fenced";
    this.#done.set(key, answer);
    const intent = `${run} ${path}`;
    this.effects.set(intent, (this.effects.get(intent) ?? 0) + 1);
    return answer;
  }
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
  readonly ownerOf: (run: string, path: string, attempt: number) => Owner | undefined;
}

function never(): Promise<never> {
  return new Promise(() => {});
}
