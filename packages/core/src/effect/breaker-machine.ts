import { type AnyStateMachine, assign, createMachine } from "xstate";
import type { BreakerContext, BreakerEvent } from "./breaker-state.ts";

type Args = { readonly context: BreakerContext; readonly event: BreakerEvent };
const countFailure = assign({ failures: ({ context }: Args) => context.failures + 1 });
const countProbe = assign({ probing: ({ context }: Args) => context.probing + 1 });
const forget = assign({ failures: 0, probing: 0 });

/**
 * The one machine of every breaker. It has a file of its own, because users' compilers read the types of what keeps
 * breakers, and would read all of XState's with it.
 */
export function breakerMachine({ failuresMax = 5, probes = 1 } = {}): AnyStateMachine {
  const config = {
    id: "breaker",
    context: { failures: 0, failuresMax, probing: 0, probesMax: probes } satisfies BreakerContext,
    initial: "closed",
    on: { "*": { actions: [{ type: "unexpected", params: ({ event }: Args) => ({ event: event.type }) }] } },
    states: {
      closed: {
        on: {
          succeeded: { actions: [forget] },
          failed: [
            {
              guard: ({ context }: Args) => context.failures + 1 >= context.failuresMax,
              target: "open",
              actions: [countFailure, { type: "open" }],
            },
            { actions: [countFailure] },
          ],
        },
      },
      open: { on: { probe: { target: "halfOpen", actions: [countProbe] } } },
      halfOpen: {
        on: {
          probe: { guard: ({ context }: Args) => context.probing < context.probesMax, actions: [countProbe] },
          succeeded: { target: "closed", actions: [forget, { type: "close" }] },
          failed: { target: "open", actions: [countFailure, assign({ probing: 0 }), { type: "open" }] },
          abandoned: { actions: [assign({ probing: ({ context }: Args) => Math.max(0, context.probing - 1) })] },
        },
      },
    },
  };
  return createMachine(config as unknown as Parameters<typeof createMachine>[0]) as unknown as AnyStateMachine;
}
