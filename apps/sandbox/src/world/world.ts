import type { z } from "zod";

/** A value that survives JSON unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The tool says no for a reason of its domain: nothing changed, and the caller gets the message (MCP `isError`). */
export class WorldRefusal extends Error {
  override readonly name = "WorldRefusal";
}

/** Somebody in the world who acts on it with means of their own. */
export type Actor = "customer";

/** One tool of a world. `run` may change `state` in place; when it throws, the change is thrown away. */
export interface WorldTool<State = unknown, Input extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  readonly effect: "read" | "write";
  /** Whose it is alone, where it is a person's of the world and no team's: no server offers it, and no agent can call it. */
  readonly by?: Actor;
  /** Pure over state and input: no clock, no randomness, no I/O. */
  readonly run: (state: State, input: z.output<Input>) => Json;
}

/**
 * A simulated outside world: a start state and the tools that read and change it.
 * Its truth lives outside the process under test: the log of writes on disk is replayed over the start state.
 */
export interface World<State = unknown> {
  readonly name: string;
  /** A fresh start state. Called once per process; implementations may cache and copy. */
  readonly initial: () => State;
  /** Where the world of this run begins, where that is elsewhere than at `initial()`. Pure, so that every process says the same. */
  readonly prepared?: (worldId: string) => State | undefined;
  /** A copy that a run may change without touching `state`. */
  readonly clone: (state: State) => State;
  readonly tools: readonly WorldTool<State, z.ZodType>[];
}

/** Infers a tool's input type from its schema. */
export function worldTool<State, Input extends z.ZodType>(tool: WorldTool<State, Input>): WorldTool<State, z.ZodType> {
  return tool as unknown as WorldTool<State, z.ZodType>;
}

/** One line of a world's own log, written before the answer leaves the world. */
export interface WorldLogLine {
  readonly n: number;
  readonly tool: string;
  readonly input: Json;
  readonly effect: "read" | "write";
  /** Who called; a team, where it does not say. */
  readonly by?: Actor;
  /** Idempotency key as received in `_meta["remit/idempotencyKey"]`; absent on reads. */
  readonly key?: string;
  readonly outcome: "done" | "refused" | "duplicate";
  /** The refusal's message, for `refused`. */
  readonly message?: string;
  /** The answer of a write that was `done`: what a repeated key gets again, also from a later process. */
  readonly result?: Json;
}
