import { z } from "zod";
import { makeFolder } from "../folder.ts";
import { canonicalText, throughJson } from "./canonical.ts";
import { changesBetween, type WorldChange } from "./changes.ts";
import { WorldError } from "./errors.ts";
import { openFolderLock } from "./lock.ts";
import { appendLine, logPath, logStart, readTail, type WriteBytes } from "./log.ts";
import { applyLines, emptyWorld, type Hydrated, loadWorld, rememberKey, startOf } from "./replay.ts";
import { type Actor, type Json, type World, type WorldLogLine, WorldRefusal, type WorldTool } from "./world.ts";

/**
 * The state of many worlds of one kind, one per run, each the fold over its own log file. Invariants:
 *
 * W1 An answer leaves only after its line is in the log; the line of a write is on the disk.
 * W2 The state is the start state with the logged writes done again, in order, and nothing else.
 * W3 A key does its write at most once per world, over restarts and over processes; every further call with it gets
 *    the first answer again.
 * W4 A call that is refused or fails changes nothing; a read changes nothing.
 * W5 A tool that is a person's own is called in that person's name alone.
 */
export interface WorldStore<State = unknown> {
  /**
   * Calls one tool of the world of run `worldId`, which begins at the start state with its first call.
   * @param input as it came; checked against the tool's schema here, and refused when it does not fit
   * @throws WorldError `world/tool-unknown`, `world/tool-failed`, `world/id-invalid`, `world/log-*`
   */
  readonly call: (worldId: string, tool: string, input: unknown, options?: WorldCallOptions) => WorldAnswer;
  /** A copy of the state as the log on disk has it now. */
  readonly endState: (worldId: string) => State;
  /** What the run changed: the differences between the start state and the end state. */
  readonly changes: (worldId: string) => readonly WorldChange[];
  readonly log: (worldId: string) => readonly WorldLogLine[];
  /** Leaves the folder's lock and forgets all worlds in memory. */
  readonly close: () => void;
}

/** Reads what a store in another process wrote. Never locks, never writes. */
export type WorldReader<State = unknown> = Pick<WorldStore<State>, "endState" | "changes" | "log">;

export interface WorldCallOptions {
  /** Idempotency key. A write without one is refused; a read ignores it. */
  readonly key?: string | undefined;
  /** In whose name; a team's when absent. A person has the tools of their own, and no others. */
  readonly by?: Actor | undefined;
}

/** `duplicate`: the key was seen before, so nothing ran and this is the first answer again. */
export type WorldAnswer =
  | { readonly status: "done"; readonly result: Json; readonly duplicate: boolean }
  | { readonly status: "refused"; readonly message: string; readonly duplicate: boolean };

export interface WorldStoreOptions<State> {
  readonly world: World<State>;
  /** Folder of the log files, `<worldId>.jsonl` each. Made when absent. */
  readonly dir: string;
  /** Worlds kept in memory; the least recently used one is dropped first and read again when needed. Default 32. */
  readonly hydratedMax?: number;
  readonly write?: WriteBytes;
  /** False: lines are in the file and need not be on the disk (W1). A process may end, the machine may not. True when absent. */
  readonly lasting?: boolean;
}

export function openWorldStore<State>(options: WorldStoreOptions<State>): WorldStore<State> {
  const { dir, hydratedMax = 32, write, lasting = true } = options;
  const loaded = loadWorld(options.world);
  makeFolder(dir);
  const lock = openFolderLock(dir);
  const hydrated = new Map<string, Hydrated<State>>();

  /** Brings the world in memory up to the file, which another process may have written to. The lock is held. */
  const hydrate = (worldId: string, path: string): Hydrated<State> => {
    const known = hydrated.get(worldId);
    hydrated.delete(worldId);
    const tail = readTail(path, known?.position ?? logStart);
    const world = known === undefined || tail.fresh ? emptyWorld(loaded, worldId) : known;
    applyLines(loaded, world, tail.lines);
    world.position = tail.position;
    hydrated.set(worldId, world);
    for (const oldest of hydrated.keys()) {
      if (hydrated.size <= hydratedMax) break;
      hydrated.delete(oldest);
    }
    return world;
  };

  const answer = (path: string, into: Hydrated<State>, call: Call<State>): WorldAnswer => {
    const { tool, input, key } = call;
    const decided = decide(loaded.world, into, call);
    const line: WorldLogLine = {
      n: into.position.lines + 1,
      tool: tool.name,
      input,
      effect: tool.effect,
      ...(tool.by === undefined ? {} : { by: tool.by }),
      ...(tool.effect === "write" && key !== undefined ? { key } : {}),
      outcome: decided.answer.duplicate ? "duplicate" : decided.answer.status,
      ...(decided.answer.status === "refused" ? { message: decided.answer.message } : {}),
      ...(decided.draft === undefined || decided.answer.status === "refused" ? {} : { result: decided.answer.result }),
    };
    into.position = appendLine(path, into.position, line, {
      durable: lasting && tool.effect === "write",
      lasting,
      write,
    });
    if (decided.draft !== undefined) into.state = decided.draft.state;
    rememberKey(into.keys, line);
    return decided.answer;
  };

  return {
    ...reader(loaded, dir),
    call: (worldId, toolName, input, { key, by } = {}) => {
      const path = logPath(dir, worldId);
      const tool = loaded.tools.get(toolName);
      if (tool === undefined || tool.by !== by) {
        throw new WorldError("world/tool-unknown", `world "${loaded.world.name}" has no tool "${toolName}"`, {
          world: loaded.world.name,
          tool: toolName,
        });
      }
      const call = { tool, input: throughJson(input ?? {}), key };
      return lock.hold(() => answer(path, hydrate(worldId, path), call));
    },
    close: () => {
      hydrated.clear();
      lock.close();
    },
  };
}

/** Reads the logs in `dir` and replays them over the start state. A missing log is a world that was never called. */
export function openWorldReader<State>({
  world,
  dir,
}: Pick<WorldStoreOptions<State>, "world" | "dir">): WorldReader<State> {
  return reader(loadWorld(world), dir);
}

function reader<State>(loaded: ReturnType<typeof loadWorld<State>>, dir: string): WorldReader<State> {
  const log = (worldId: string) => readTail(logPath(dir, worldId), logStart).lines;
  const endState = (worldId: string) => {
    const world = emptyWorld(loaded, worldId);
    applyLines(loaded, world, log(worldId));
    return world.state;
  };
  return { log, endState, changes: (worldId) => changesBetween(startOf(loaded, worldId), endState(worldId)) };
}

interface Call<State> {
  readonly tool: WorldTool<State>;
  readonly input: Json;
  readonly key: string | undefined;
}

interface Decided<State> {
  readonly answer: WorldAnswer;
  /** The changed copy, to be taken over once the line is written. Only for a write that was done. */
  readonly draft?: { readonly state: State };
}

/** What the call comes to. Changes nothing by itself. */
function decide<State>(world: World<State>, from: Hydrated<State>, { tool, input, key }: Call<State>): Decided<State> {
  if (tool.effect === "write") {
    if (key === undefined || key === "") return refuse(`${tool.name} changes things, so it needs an idempotency key`);
    const first = from.keys.get(key);
    if (first !== undefined) {
      const same = first.tool === tool.name && first.input === canonicalText(input);
      if (!same) return refuse(`the idempotency key "${key}" belongs to another call of ${first.tool}`);
      return { answer: { ...first.answer, duplicate: true } };
    }
  }
  const parsed = tool.input.safeParse(input);
  if (!parsed.success) return refuse(`${tool.name} cannot take this input: ${z.prettifyError(parsed.error)}`);
  // A read gets a copy as well: a tool that says it reads and then writes must not reach the state (W4).
  const state = world.clone(from.state);
  try {
    const result = throughJson(tool.run(state, parsed.data));
    const answer = { status: "done", result, duplicate: false } as const;
    return tool.effect === "write" ? { answer, draft: { state } } : { answer };
  } catch (error) {
    // By name as well as by class: a world may have been built with its own copy of this package.
    if (error instanceof WorldRefusal || (error instanceof Error && error.name === "WorldRefusal")) {
      return refuse(error.message);
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorldError("world/tool-failed", `${tool.name} failed: ${reason}`, { tool: tool.name }, error);
  }
}

function refuse<State>(message: string): Decided<State> {
  return { answer: { status: "refused", message, duplicate: false } };
}
