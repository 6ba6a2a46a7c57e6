import type { Entry } from "../event.ts";

/** Calls of tools and models, from the entries of one run. Pure. */

export interface CallFacts {
  /** Tries that were made. */
  calls: number;
  /** Tries of which an outcome is known. */
  returned: number;
  /** The tool said no, as it may. */
  refused: number;
  failed: number;
  /** Tries behind the first one of a call. */
  retries: number;
  /** Codes of what failed. */
  readonly codes: Map<string, number>;
  /** Milliseconds of each try that has an outcome. */
  readonly durations: number[];
  /** Of tools: writes of which for a time nobody knew whether they had happened. */
  uncertain: number;
  /** Of tools: calls that were not made, because something stood against them. */
  denied: number;
  /** Of models: answers that were there already, and asked nobody. */
  cached: number;
  /** Of models: failures after which another model was asked at once. */
  fallbacks: number;
}

export interface CallsFacts {
  readonly tools: ReadonlyMap<string, CallFacts>;
  /** By the name that the provider gave with the answer. */
  readonly models: ReadonlyMap<string, CallFacts>;
  /** Denied calls by code. */
  readonly denied: ReadonlyMap<string, number>;
  /** Model calls that were made, summaries left out. */
  readonly turns: number;
  /** Model calls of which no outcome came: lost with their process, or given up. */
  readonly unheard: number;
}

/** What an erased body does not name. */
export const erasedName = "(erased)";
/** A tool that nobody defines: its name is the model's own. */
export const unknownTool = "(unknown tool)";

/** What a name is counted under: whatever an entry holds in its place. */
export function nameOf(name: unknown): string {
  return typeof name === "string" && name !== "" ? name : erasedName;
}

export function addTo<Key>(counts: Map<Key, number>, key: Key, times = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
}

export function noCalls(): CallFacts {
  return {
    calls: 0,
    returned: 0,
    refused: 0,
    failed: 0,
    retries: 0,
    codes: new Map(),
    durations: [],
    uncertain: 0,
    denied: 0,
    cached: 0,
    fallbacks: 0,
  };
}

export function callsTally() {
  const tools = new Map<string, CallFacts>();
  const models = new Map<string, CallFacts>();
  const denied = new Map<string, number>();
  /** The tool that was called last at a path. */
  const called = new Map<string, string>();
  const doubted = new Set<string>();
  /** The model call that is under way at a path: when it was made, whether the one before it failed, and what for. */
  const asked = new Map<string, { at: number; readonly again: boolean; readonly isTurn: boolean }>();
  const failedAt = new Set<string>();
  let modelCalls = 0;
  let turns = 0;
  let heard = 0;
  const of = (all: Map<string, CallFacts>, name: string): CallFacts => {
    const facts = all.get(name) ?? noCalls();
    all.set(name, facts);
    return facts;
  };
  const fail = (facts: CallFacts, code: unknown) => {
    facts.failed++;
    addTo(facts.codes, nameOf(code));
  };

  /** Nobody was asked. */
  const takeBack = (path: string) => {
    const call = asked.get(path);
    if (!call) return;
    asked.delete(path);
    modelCalls--;
    if (call.isTurn) turns--;
  };

  const take = (entry: Entry): void => {
    const { path, at } = entry;
    switch (entry.type) {
      case "tool.called": {
        const name = nameOf(entry.body.tool);
        called.set(path, name);
        const facts = of(tools, name);
        facts.calls++;
        if ((entry.body.attempt ?? 1) > 1) facts.retries++;
        return;
      }
      case "tool.returned":
      case "tool.failed": {
        const facts = of(tools, called.get(path) ?? erasedName);
        const { durationMs } = entry.body;
        if (durationMs !== undefined) facts.durations.push(durationMs);
        if (entry.type === "tool.returned") facts.returned++;
        else if (entry.body.error?.code === "tool/refused") facts.refused++;
        else fail(facts, entry.body.error?.code);
        return;
      }
      case "tool.denied": {
        const { tool, error } = entry.body;
        addTo(denied, nameOf(error?.code));
        of(tools, error?.code === "policy/tool-unknown" ? unknownTool : nameOf(tool)).denied++;
        return;
      }
      case "effect.uncertain":
        if (doubted.has(path)) return;
        doubted.add(path);
        of(tools, called.get(path) ?? nameOf(entry.body.tool)).uncertain++;
        return;
      case "model.called": {
        const isTurn = entry.body.reason !== "summary";
        modelCalls++;
        if (isTurn) turns++;
        asked.set(path, { at, again: failedAt.delete(path), isTurn });
        return;
      }
      case "budget.reserved": {
        // The call is made when enough is set aside for it.
        const call = asked.get(path);
        if (call) call.at = at;
        return;
      }
      case "model.responded":
      case "model.failed": {
        // The request was too long, and its summary is a call of its own.
        if (entry.type === "model.failed" && entry.body.summarise !== undefined) return takeBack(path);
        const call = asked.get(path);
        asked.delete(path);
        heard++;
        const facts = of(models, nameOf(entry.body.model));
        facts.calls++;
        if (call?.again) facts.retries++;
        if (entry.type === "model.responded") {
          facts.returned++;
          if (entry.body.cached) facts.cached++;
          else if (call) facts.durations.push(at - call.at);
          return;
        }
        if (call) facts.durations.push(at - call.at);
        fail(facts, entry.body.error?.code);
        if (entry.body.next !== undefined) facts.fallbacks++;
        failedAt.add(path);
        return;
      }
      case "budget.refused":
      case "budget.exceeded":
        return takeBack(path);
      default:
    }
  };
  const close = (): CallsFacts => ({ tools, models, denied, turns, unheard: Math.max(0, modelCalls - heard) });
  return { take, close };
}
