import { readdirSync } from "node:fs";
import { type AnyTool, OrchestrationError, reasonOf, saidOf, type ToolContext, ToolRefusal } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { makeFolder } from "../folder.ts";
import type { Place, PlaceOptions } from "../pack.ts";
import { scenarioOf } from "../suite/world-of.ts";
import { canonicalText, throughJson } from "../world/canonical.ts";
import { changesBetween } from "../world/changes.ts";
import { WorldError } from "../world/errors.ts";
import { type FolderLock, openFolderLock } from "../world/lock.ts";
import { appendLine, type LogPosition, logPath, logStart, readTail } from "../world/log.ts";
import type { Json, WorldLogLine } from "../world/world.ts";

/**
 * Worlds that live in this process: for each scenario a team of its own over a state of its own, whose tools are called as
 * they are. Invariants, of which W1 and W3 are those of a world's server (`world/store.ts`):
 *
 * W1 An answer leaves only after its line is in the log; the line of a write is on the disk.
 * W3 A key does its write once, over restarts too; every further call with it gets the first answer again.
 * T1 After a restart the state is a new one over which the logged writes were done again, in order. One that answers
 *    otherwise than it did is an error: what is built on it would not be what happened.
 * T2 A call that fails or is refused counts as one that changed nothing.
 * T3 The writes of one world are done one after the other; reads wait for none of them.
 */
export interface TeamWorlds {
  /** Opens what a scenario works on. Called again for a world only after a restart. */
  readonly open: () => OpenedWorld;
  readonly tools: ReadonlyMap<string, AnyTool>;
  readonly pack: string;
}

export interface OpenedWorld {
  /** The tools of the team over this state. */
  readonly tools: ReadonlyMap<string, AnyTool>;
  /** What the state is now, where it can be told. */
  readonly endState?: (() => unknown) | undefined;
  /** The state is made anew, so what was done to an earlier one has to be done again. */
  readonly anew: boolean;
}

/** The line of a log with what its write was called with, which doing it again needs. */
interface CallLine extends WorldLogLine {
  readonly call?: Omit<ToolContext, "signal" | "elicit">;
}

interface First {
  readonly tool: string;
  readonly input: string;
  readonly answer: { readonly value: unknown } | { readonly refusal: string };
}

const extension = ".jsonl";

/** @throws WorldError `world/log-*` when the state of a suite that goes on does not come out as it was */
export async function openTeamPlace(worlds: TeamWorlds, { dir }: PlaceOptions): Promise<Place> {
  makeFolder(dir);
  const lock = openFolderLock(dir);
  const opened = new Map<string, TeamWorld>();
  const worldNamed = (name: string): TeamWorld => {
    const known = opened.get(name);
    if (known) return known;
    const made = new TeamWorld(worlds, logPath(dir, name), lock);
    opened.set(name, made);
    return made;
  };
  const worldOf = (id: string) => worldNamed(scenarioOf(id));
  const at = ({ attributes }: ToolContext): TeamWorld => {
    const { worldId } = attributes;
    if (worldId === undefined) throw new SandboxError("usage/wrong", { reason: "the run has no attribute worldId" });
    return worldOf(worldId);
  };
  const tools = [...worlds.tools].map(([name, tool]): [string, AnyTool] => [
    name,
    {
      ...tool,
      execute: (input: unknown, context: ToolContext) => at(context).call(name, input, context),
      lookup: tool.lookup && ((input: unknown, context: ToolContext) => at(context).lookUp(name, input, context)),
    },
  ]);
  try {
    // Before anything goes on: a state that does not come out again is nobody's tool that failed.
    for (const file of readdirSync(dir)) {
      if (file.endsWith(extension)) await worldNamed(file.slice(0, -extension.length)).endState();
    }
  } catch (thrown) {
    lock.close();
    throw thrown;
  }
  return {
    tools: new Map(tools),
    reader: {
      endState: (id) => worldOf(id).endState(),
      changes: async (id) => {
        const before = worldOf(id).startState();
        return before === undefined ? undefined : changesBetween(before, await worldOf(id).endState());
      },
      log: (id) => readTail(logPath(dir, scenarioOf(id)), logStart).lines,
    },
    [Symbol.asyncDispose]: async () => lock.close(),
  };
}

class TeamWorld {
  readonly #worlds: TeamWorlds;
  readonly #path: string;
  readonly #lock: FolderLock;
  readonly #world: OpenedWorld;
  readonly #start: Json | undefined;
  readonly #keys = new Map<string, First>();
  /** Lines that the state does not have yet. */
  #pending: CallLine[] = [];
  #position: LogPosition = logStart;
  #last: Promise<unknown> = Promise.resolve();
  /** Calls that have their turn, or wait for it. */
  #turns = 0;

  constructor(worlds: TeamWorlds, path: string, lock: FolderLock) {
    this.#worlds = worlds;
    this.#path = path;
    this.#lock = lock;
    this.#world = worlds.open();
    this.#start = this.#told();
  }

  startState(): Json | undefined {
    return this.#start;
  }

  async endState(): Promise<Json | undefined> {
    return this.#inTurn(undefined, async () => {
      await this.#catchUp();
      return this.#told();
    });
  }

  async call(name: string, input: unknown, context: ToolContext): Promise<unknown> {
    const tool = this.#tool(name);
    if (tool.effect === "write") return this.#inTurn(context.signal, () => this.#write(tool, input, context));
    // A read waits for no write, which may ask a person in its midst; who writes has caught up.
    if (this.#turns === 0) await this.#inTurn(context.signal, () => this.#catchUp());
    return this.#tried(tool, input, context);
  }

  async lookUp(name: string, input: unknown, context: ToolContext): Promise<unknown> {
    return this.#inTurn(context.signal, async () => {
      await this.#catchUp();
      return this.#tool(name).lookup?.(input as never, context);
    });
  }

  async #write(tool: AnyTool, input: unknown, context: ToolContext): Promise<unknown> {
    await this.#catchUp();
    const first = this.#keys.get(context.idempotencyKey);
    if (!first) return this.#tried(tool, input, context);
    if (first.tool !== tool.name || first.input !== canonicalText(throughJson(input))) {
      throw new ToolRefusal(`the idempotency key "${context.idempotencyKey}" belongs to another call of ${first.tool}`);
    }
    this.#append({ ...lineOf(tool, input, context), outcome: "duplicate" });
    if ("refusal" in first.answer) throw new ToolRefusal(first.answer.refusal);
    return first.answer.value;
  }

  /** Calls the tool and notes what came of it. */
  async #tried(tool: AnyTool, input: unknown, context: ToolContext): Promise<unknown> {
    const line = lineOf(tool, input, context);
    try {
      const value: unknown = await tool.execute(input as never, context);
      const result = tool.effect === "write" ? { result: throughJson(saidOf(value).value ?? null) } : {};
      this.#append({ ...line, outcome: "done", ...result }, { value });
      return value;
    } catch (thrown) {
      if (isRefusal(thrown)) {
        const { message } = thrown;
        this.#append({ ...line, outcome: "refused", message }, { refusal: message });
      }
      throw thrown;
    }
  }

  #append(line: Omit<CallLine, "n">, answer?: First["answer"]): void {
    this.#lock.hold(() => {
      // Another process that decided on a run of this suite may have written meanwhile.
      this.#readOn();
      const whole: CallLine = { n: this.#position.lines + 1, ...line };
      this.#position = appendLine(this.#path, this.#position, whole, { durable: line.effect === "write" });
    });
    if (answer) this.#remember(line, answer);
  }

  #remember({ effect, key, tool, input }: Omit<CallLine, "n">, answer: First["answer"]): void {
    if (effect !== "write" || key === undefined || this.#keys.has(key)) return;
    this.#keys.set(key, { tool, input: canonicalText(input), answer });
  }

  #readOn(): void {
    const { lines, position } = readTail(this.#path, this.#position);
    this.#position = position;
    this.#pending.push(...(lines as readonly CallLine[]));
  }

  /** Brings the state up to the log (T1). */
  async #catchUp(): Promise<void> {
    this.#lock.hold(() => this.#readOn());
    const lines = this.#pending;
    this.#pending = [];
    for (const line of lines) {
      if (line.effect !== "write" || line.outcome === "duplicate") continue;
      if (line.outcome === "refused") this.#remember(line, { refusal: line.message ?? "" });
      else this.#remember(line, { value: this.#world.anew ? await this.#redone(line) : line.result });
    }
  }

  async #redone(line: CallLine): Promise<unknown> {
    const diverged = (reason: string, cause?: unknown) =>
      new WorldError(
        "world/log-diverged",
        `line ${line.n} (${line.tool}) of ${this.#path} cannot be done again: ${reason}`,
        { world: this.#worlds.pack, line: line.n, tool: line.tool },
        cause,
      );
    const tool = this.#world.tools.get(line.tool);
    if (!tool || !line.call) throw diverged(`the pack has no tool "${line.tool}"`);
    let value: unknown;
    try {
      value = await tool.execute(line.input as never, { ...line.call, signal: new AbortController().signal });
    } catch (thrown) {
      throw diverged(reasonOf(thrown), thrown);
    }
    if (canonicalText(throughJson(saidOf(value).value ?? null)) !== canonicalText(line.result ?? null)) {
      throw diverged("it gives another answer now");
    }
    return value;
  }

  #tool(name: string): AnyTool {
    const tool = this.#world.tools.get(name);
    if (!tool) throw new SandboxError("pack/tool-unknown", { pack: this.#worlds.pack, tool: name });
    return tool;
  }

  #told(): Json | undefined {
    const { endState } = this.#world;
    return endState ? throughJson(endState() ?? null) : undefined;
  }

  /** After what came before has ended, or was given up: a tool that hangs holds up nobody for longer than its time. */
  #inTurn<Result>(signal: AbortSignal | undefined, act: () => Promise<Result>): Promise<Result> {
    this.#turns++;
    const mine = this.#last.then(act).finally(() => {
      this.#turns--;
    });
    const givenUp = Promise.withResolvers<void>();
    signal?.addEventListener("abort", () => givenUp.resolve(), { once: true });
    this.#last = Promise.race([mine.catch(() => undefined), givenUp.promise]);
    return mine;
  }
}

function lineOf(tool: AnyTool, input: unknown, context: ToolContext): Omit<CallLine, "n" | "outcome"> {
  const line = { tool: tool.name, input: throughJson(input ?? null), effect: tool.effect };
  if (tool.effect === "read") return line;
  const { signal: _, elicit: __, ...call } = context;
  return { ...line, key: context.idempotencyKey, call };
}

/** By name as well as by class: a pack may have been built with its own copy of the core. */
function isRefusal(thrown: unknown): thrown is Error {
  return thrown instanceof Error && thrown.name === "ToolRefusal";
}

/** Tools that have the team's data and cannot be called. */
export function disarmed(tool: AnyTool): AnyTool {
  const refuse = (): never => {
    throw new OrchestrationError("tool/failed", {
      tool: tool.name,
      reason: "there is no world behind this: nothing is called",
    });
  };
  return { ...tool, execute: refuse, lookup: tool.lookup && refuse };
}
