import { type AnyStateMachine, assign, createMachine } from "xstate";

/**
 * The agent loop as a pure XState machine (R2): think, act, ask, return. One machine serves every agent; what an
 * agent may do arrives as `limits` with its delivery.
 *
 * A1 A model is called only on entering `thinking`, for at most `turns` turns; a failed call of a turn may be tried again.
 * A2 The loop goes on only when every call of a turn has exactly one result.
 * A3 It ends in exactly one of `returned`, `failed`.
 */
export type AgentEvent =
  | { readonly type: "deliver"; readonly turns: number; readonly repairs: number }
  | { readonly type: "model.calls"; readonly count: number }
  | { readonly type: "model.output" }
  | { readonly type: "model.invalid" }
  | { readonly type: "model.ask"; readonly allowed: boolean }
  | { readonly type: "model.refused" }
  /** `retry`: it is worth another try after a while. */
  | { readonly type: "model.failed"; readonly retry: boolean }
  | { readonly type: "due" }
  | { readonly type: "call.settled" }
  | { readonly type: "input.received" }
  | { readonly type: "no-progress" };

export type AgentCommand =
  | { readonly type: "callModel" }
  | { readonly type: "wait" }
  | { readonly type: "repair" }
  | { readonly type: "proposeCalls" }
  | { readonly type: "requestInput" }
  | { readonly type: "return" }
  | { readonly type: "fail"; readonly why: AgentFailure }
  | { readonly type: "unexpected"; readonly event: string };

export type AgentFailure = "turns" | "invalid" | "ask-not-allowed" | "refused" | "model" | "no-progress";

export interface AgentContext {
  /** Model calls made so far. */
  readonly turns: number;
  readonly turnsMax: number;
  readonly repairs: number;
  readonly repairsMax: number;
  /** Calls of this turn without a result. */
  readonly pending: number;
}

type Args = { readonly context: AgentContext; readonly event: AgentEvent };

const fail = (why: AgentFailure) => ({ target: "failed", actions: [{ type: "fail", params: { why } }] });
const canThink = ({ context }: Args) => context.turns < context.turnsMax;
const think = {
  target: "thinking",
  actions: [assign({ turns: ({ context }: Args) => context.turns + 1 }), { type: "callModel" }],
};

/** The one machine of every agent. */
export function agentMachine(): AnyStateMachine {
  const config = {
    id: "agent",
    context: { turns: 0, turnsMax: 0, repairs: 0, repairsMax: 0, pending: 0 } satisfies AgentContext,
    initial: "idle",
    on: { "*": { actions: [{ type: "unexpected", params: ({ event }: Args) => ({ event: event.type }) }] } },
    states: {
      idle: {
        on: {
          deliver: {
            target: "thinking",
            actions: [
              assign(({ event }: Args) =>
                event.type === "deliver" ? { turns: 1, turnsMax: event.turns, repairsMax: event.repairs } : {},
              ),
              { type: "callModel" },
            ],
          },
        },
      },
      thinking: {
        on: {
          "model.calls": {
            target: "acting",
            actions: [
              assign({ pending: ({ event }: Args) => (event.type === "model.calls" ? event.count : 0) }),
              { type: "proposeCalls" },
            ],
          },
          "model.output": { target: "returned", actions: [{ type: "return" }] },
          "model.invalid": [
            {
              guard: ({ context }: Args) => context.repairs < context.repairsMax && context.turns < context.turnsMax,
              target: "thinking",
              reenter: true,
              actions: [
                assign({
                  repairs: ({ context }: Args) => context.repairs + 1,
                  turns: ({ context }: Args) => context.turns + 1,
                }),
                { type: "repair" },
                { type: "callModel" },
              ],
            },
            fail("invalid"),
          ],
          "model.ask": [
            {
              guard: ({ event }: Args) => event.type === "model.ask" && event.allowed,
              target: "asking",
              actions: [{ type: "requestInput" }],
            },
            fail("ask-not-allowed"),
          ],
          "model.refused": fail("refused"),
          "model.failed": [
            {
              guard: ({ event }: Args) => event.type === "model.failed" && event.retry,
              target: "waiting",
              actions: [{ type: "wait" }],
            },
            fail("model"),
          ],
        },
      },
      waiting: { on: { due: { target: "thinking", actions: [{ type: "callModel" }] } } },
      acting: {
        on: {
          "call.settled": [
            {
              guard: ({ context }: Args) => context.pending > 1,
              actions: [assign({ pending: ({ context }: Args) => context.pending - 1 })],
            },
            { guard: canThink, ...think, actions: [assign({ pending: 0 }), ...think.actions] },
            fail("turns"),
          ],
          "no-progress": fail("no-progress"),
        },
      },
      asking: { on: { "input.received": [{ guard: canThink, ...think }, fail("turns")] } },
      returned: { type: "final" },
      failed: { type: "final" },
    },
  };
  return createMachine(config as unknown as Parameters<typeof createMachine>[0]) as unknown as AnyStateMachine;
}
