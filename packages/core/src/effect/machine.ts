import { type AnyStateMachine, assign, createMachine } from "xstate";
import type { Tier } from "../event.ts";
import type { Idempotency } from "../tool.ts";

/**
 * The life of one tool call as a pure XState machine (R2, R7, R8). One machine serves reads and writes: proposed, judged
 * by compliance, prepared by the reviewer, approved, intended and dispatched, tried again, looked up, settled.
 *
 * E1 A write is dispatched only after its intent.
 * E2 After an unknown outcome a write is dispatched again only under its key, while that is valid, or after a look-up
 *    said `never`.
 * E3 Where neither is possible it waits in `uncertain` for a person. It never guesses.
 * E4 What a later try says of itself says nothing of an earlier one: after a try whose outcome is unknown, "it was not
 *    reached" settles nothing. Only an answer under the key, a look-up or a person does.
 * E5 It ends in exactly one of `settled`, `denied`, `expired`, `superseded`, `cancelled`; in the last four nothing was
 *    ever dispatched, or the last dispatch certainly came to nothing.
 * E6 A write of tier `compliance` is intended only after `allow` or an approval, one of tier `person` only after as many
 *    approvals as its quorum. A judge that fails is no `allow`: a person decides.
 */
export type EffectEvent =
  | {
      readonly type: "propose";
      readonly effect: "read" | "write";
      readonly idempotency: Idempotency;
      readonly attempts: number;
      readonly tier: Tier;
      readonly quorum: number;
      /** A process that dies uses up no try: how often that may happen, the run's own limits bound. */
      readonly lossIsFree: boolean;
      /** Which judges there are. */
      readonly compliance: boolean;
      readonly reviewer: boolean;
    }
  | { readonly type: "deny" }
  | { readonly type: "allow" }
  | { readonly type: "revise" }
  | { readonly type: "escalate" }
  /** The packet is there, or the reviewer could not make one. */
  | { readonly type: "prepared" }
  | { readonly type: "approve" }
  | { readonly type: "reject" }
  | { readonly type: "edit" }
  | { readonly type: "expire" }
  /** The tool was taken away. */
  | { readonly type: "revoke" }
  | { readonly type: "cancel" }
  | { readonly type: "returned" }
  | { readonly type: "refused" }
  | {
      readonly type: "failed";
      readonly mayHaveExecuted: boolean;
      readonly keyValid: boolean;
      /** It is worth another try after a while. */
      readonly retry: boolean;
    }
  | { readonly type: "due" }
  /** The process that held the call is gone. */
  | { readonly type: "lost"; readonly keyValid: boolean }
  | { readonly type: "found" }
  | { readonly type: "never" }
  | { readonly type: "unknown" }
  | { readonly type: "decided" };

export type EffectCommand =
  | { readonly type: "announce" }
  | { readonly type: "askCompliance" }
  | { readonly type: "askReviewer" }
  | { readonly type: "requestApproval" }
  | { readonly type: "recordApproval" }
  | { readonly type: "grantApproval" }
  | { readonly type: "intend" }
  | { readonly type: "call" }
  | { readonly type: "wait" }
  | { readonly type: "lookup" }
  | { readonly type: "askPerson" }
  | { readonly type: "doubt"; readonly next: "key" | "lookup" | "person" }
  | { readonly type: "settle" }
  | { readonly type: "refuse" }
  | { readonly type: "supersede" }
  | { readonly type: "drop" }
  | { readonly type: "unexpected"; readonly event: string };

export interface EffectContext {
  readonly effect: "read" | "write";
  readonly idempotency: Idempotency;
  readonly attempt: number;
  readonly attemptsMax: number;
  readonly lossIsFree: boolean;
  /** Tries that do not count against `attemptsMax`: those that died with their process, and looking up. */
  readonly free: number;
  /** An earlier try may have taken effect. */
  readonly doubt: boolean;
  readonly tier: Tier;
  readonly quorum: number;
  readonly approvals: number;
  readonly reviewer: boolean;
}

type Args = { readonly context: EffectContext; readonly event: EffectEvent };
const next = assign({ attempt: ({ context }: Args) => context.attempt + 1 });
/** One more try, which counts unless it is made because a process died or because the one before was only looked up. */
const freely = ({ context, event }: Args): Partial<EffectContext> => ({
  attempt: context.attempt + 1,
  free: context.free + (context.lossIsFree && (event.type === "lost" || event.type === "never") ? 1 : 0),
});
const doubting = assign((args: Args) => ({ ...freely(args), doubt: true }));
const doubt = (way: "key" | "lookup" | "person") => ({ type: "doubt", params: { next: way } });
const again = ({ context, event }: Args) =>
  (context.lossIsFree && event.type === "lost") || context.attempt - context.free < context.attemptsMax;
const keyValid = ({ event }: Args) => (event.type === "failed" || event.type === "lost") && event.keyValid;

/** How an unknown outcome goes on, in order of preference (D7). */
const unknownOutcome = [
  {
    guard: (args: Args) => args.context.idempotency === "key" && keyValid(args) && again(args),
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
const refuse = { target: "denied", actions: [{ type: "refuse" }] };
const drop = { target: "cancelled", actions: [{ type: "drop" }] };
const dispatch = [{ type: "intend" }, { type: "call" }];

const take = assign(({ event }: Args) =>
  event.type === "propose"
    ? {
        effect: event.effect,
        idempotency: event.idempotency,
        attempt: 1,
        attemptsMax: event.attempts,
        lossIsFree: event.lossIsFree,
        tier: event.tier,
        quorum: event.quorum,
        reviewer: event.reviewer,
      }
    : {},
);
const tierIs =
  (tier: Tier) =>
  ({ event }: Args) =>
    event.type === "propose" && event.tier === tier;

/** To a person: by way of the reviewer, where there is one. */
const toPerson = (reviewer: (args: Args) => boolean, ...before: object[]) => [
  { guard: reviewer, target: "preparing", actions: [...before, { type: "askReviewer" }] },
  { target: "approving", actions: [...before, { type: "requestApproval" }] },
];
const fromJudging = toPerson(({ context }) => context.reviewer);

/** The one machine of every tool call. */
export function effectMachine(): AnyStateMachine {
  const config = {
    id: "effect",
    context: {
      effect: "read",
      idempotency: "none",
      attempt: 0,
      attemptsMax: 1,
      lossIsFree: false,
      free: 0,
      doubt: false,
      tier: "none",
      quorum: 1,
      approvals: 0,
      reviewer: false,
    } satisfies EffectContext,
    initial: "proposed",
    on: { "*": { actions: [{ type: "unexpected", params: ({ event }: Args) => ({ event: event.type }) }] } },
    states: {
      proposed: {
        on: {
          deny: "denied",
          propose: [
            { guard: tierIs("none"), target: "dispatched", actions: [take, ...dispatch] },
            {
              guard: ({ event }: Args) => event.type === "propose" && event.compliance,
              target: "judging",
              actions: [take, { type: "announce" }, { type: "askCompliance" }],
            },
            // Nobody gives a verdict by rule, so a person does.
            ...toPerson(({ event }) => event.type === "propose" && event.reviewer, take, { type: "announce" }),
          ],
        },
      },
      judging: {
        on: {
          allow: [
            { guard: ({ context }: Args) => context.tier === "compliance", target: "dispatched", actions: dispatch },
            ...fromJudging,
          ],
          revise: refuse,
          escalate: fromJudging,
          revoke: refuse,
          cancel: drop,
        },
      },
      preparing: {
        on: {
          prepared: { target: "approving", actions: [{ type: "requestApproval" }] },
          revoke: refuse,
          cancel: drop,
        },
      },
      approving: {
        on: {
          approve: [
            {
              guard: ({ context }: Args) => context.approvals + 1 < context.quorum,
              actions: [
                assign({ approvals: ({ context }: Args) => context.approvals + 1 }),
                { type: "recordApproval" },
              ],
            },
            {
              target: "dispatched",
              actions: [
                assign({ approvals: ({ context }: Args) => context.approvals + 1 }),
                { type: "grantApproval" },
                ...dispatch,
              ],
            },
          ],
          reject: refuse,
          edit: { target: "superseded", actions: [{ type: "supersede" }] },
          expire: { target: "expired", actions: [{ type: "refuse" }] },
          revoke: refuse,
          cancel: drop,
        },
      },
      dispatched: {
        on: {
          returned: settle,
          refused: settle,
          failed: [
            {
              guard: (args: Args) =>
                args.event.type === "failed" &&
                args.event.retry &&
                again(args) &&
                (args.context.effect === "read" || (!args.event.mayHaveExecuted && !args.context.doubt)),
              target: "waiting",
              actions: [next, { type: "wait" }],
            },
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
      waiting: { on: { due: { target: "dispatched", actions: [{ type: "call" }] }, revoke: refuse, cancel: drop } },
      reconciling: {
        on: {
          found: settle,
          never: {
            target: "dispatched",
            actions: [assign((args: Args) => ({ ...freely(args), doubt: false })), { type: "call" }],
          },
          unknown: { target: "uncertain", actions: [doubt("person"), { type: "askPerson" }] },
          lost: { target: "reconciling", reenter: true, actions: [{ type: "lookup" }] },
        },
      },
      uncertain: { on: { decided: settle } },
      settled: { type: "final" },
      denied: { type: "final" },
      expired: { type: "final" },
      superseded: { type: "final" },
      cancelled: { type: "final" },
    },
  };
  return createMachine(config as unknown as Parameters<typeof createMachine>[0]) as unknown as AnyStateMachine;
}

/** States in which nothing has been dispatched, or nothing that could have happened: from them a call can be dropped. */
const idle: ReadonlySet<string> = new Set(["judging", "preparing", "approving", "waiting"]);

/** True while a call waits for somebody or for its time, with nothing of it under way. */
export function isIdle(state: string): boolean {
  return idle.has(state);
}
