import { type AnyStateMachine, assign, createMachine } from "xstate";
import type { Idempotency } from "../tool.ts";

/**
 * The life of one tool call as a pure XState machine (R2, R7). One machine serves reads and writes.
 *
 * E1 A write is dispatched only after its intent.
 * E2 After an unknown outcome a write is dispatched again only under its key, or after a look-up said `never`.
 * E3 Where neither is possible it waits in `uncertain` for a person. It never guesses.
 * E4 What a later try says of itself says nothing of an earlier one: after a try whose outcome is unknown, "it was not
 *    reached" settles nothing. Only an answer under the key, a look-up or a person does.
 * E5 It ends in exactly one of `settled`, `denied`.
 */
export type EffectEvent =
  | {
      readonly type: "grant";
      readonly effect: "read" | "write";
      readonly idempotency: Idempotency;
      readonly attempts: number;
    }
  | { readonly type: "deny" }
  | { readonly type: "returned" }
  | { readonly type: "refused" }
  | { readonly type: "failed"; readonly mayHaveExecuted: boolean }
  /** The process that held the call is gone. */
  | { readonly type: "lost" }
  | { readonly type: "found" }
  | { readonly type: "never" }
  | { readonly type: "unknown" }
  | { readonly type: "decided" };

export type EffectCommand =
  | { readonly type: "intend" }
  | { readonly type: "call" }
  | { readonly type: "lookup" }
  | { readonly type: "askPerson" }
  | { readonly type: "doubt"; readonly next: "key" | "lookup" | "person" }
  | { readonly type: "settle" }
  | { readonly type: "unexpected"; readonly event: string };

export interface EffectContext {
  readonly effect: "read" | "write";
  readonly idempotency: Idempotency;
  readonly attempt: number;
  readonly attemptsMax: number;
  /** An earlier try may have taken effect. */
  readonly doubt: boolean;
}

type Args = { readonly context: EffectContext; readonly event: EffectEvent };
const next = assign({ attempt: ({ context }: Args) => context.attempt + 1 });
const doubting = assign({ attempt: ({ context }: Args) => context.attempt + 1, doubt: true });
const doubt = (way: "key" | "lookup" | "person") => ({ type: "doubt", params: { next: way } });
const again = ({ context }: Args) => context.attempt < context.attemptsMax;

/** How an unknown outcome goes on, in order of preference (D7). */
const unknownOutcome = [
  {
    guard: (args: Args) => args.context.idempotency === "key" && again(args),
    target: "dispatched",
    reenter: true,
    actions: [doubt("key"), doubting, { type: "call" }],
  },
  {
    guard: (args: Args) => args.context.idempotency === "lookup" && again(args),
    target: "reconciling",
    reenter: true,
    actions: [doubt("lookup"), doubting, { type: "lookup" }],
  },
  { target: "uncertain", actions: [doubt("person"), { type: "askPerson" }] },
];

const settle = { target: "settled", actions: [{ type: "settle" }] };

/** The one machine of every tool call. */
export function effectMachine(): AnyStateMachine {
  const config = {
    id: "effect",
    context: { effect: "read", idempotency: "none", attempt: 0, attemptsMax: 1, doubt: false } satisfies EffectContext,
    initial: "proposed",
    on: { "*": { actions: [{ type: "unexpected", params: ({ event }: Args) => ({ event: event.type }) }] } },
    states: {
      proposed: {
        on: {
          deny: "denied",
          grant: {
            target: "dispatched",
            actions: [
              assign(({ event }: Args) =>
                event.type === "grant"
                  ? { effect: event.effect, idempotency: event.idempotency, attempt: 1, attemptsMax: event.attempts }
                  : {},
              ),
              { type: "intend" },
              { type: "call" },
            ],
          },
        },
      },
      dispatched: {
        on: {
          returned: settle,
          refused: settle,
          failed: [
            {
              guard: ({ context, event }: Args) =>
                context.effect === "read" || (event.type === "failed" && !event.mayHaveExecuted && !context.doubt),
              ...settle,
            },
            ...unknownOutcome,
          ],
          lost: [
            {
              guard: ({ context }: Args) => context.effect === "read",
              target: "dispatched",
              reenter: true,
              actions: [next, { type: "call" }],
            },
            ...unknownOutcome,
          ],
        },
      },
      reconciling: {
        on: {
          found: settle,
          never: { target: "dispatched", actions: [next, assign({ doubt: false }), { type: "call" }] },
          unknown: { target: "uncertain", actions: [doubt("person"), { type: "askPerson" }] },
          lost: { target: "reconciling", reenter: true, actions: [{ type: "lookup" }] },
        },
      },
      uncertain: { on: { decided: settle } },
      settled: { type: "final" },
      denied: { type: "final" },
    },
  };
  return createMachine(config as unknown as Parameters<typeof createMachine>[0]) as unknown as AnyStateMachine;
}
