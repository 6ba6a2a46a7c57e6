/**
 * Tasks as tau2-bench publishes them, for any of its domains: a customer with a wish, the ground-truth calls that an
 * agent should make, and what it must tell the customer.
 */
import { z } from "zod";
import type { Json } from "../world/world.ts";

const words = z.string().nullish();
const list = z.array(z.string()).nullish();
const functionCall = z.object({
  env_type: words,
  func_name: z.string(),
  arguments: z.record(z.string(), z.json()).nullish(),
});

/** Only what is read here; everything else in a task is tolerated. */
export const PublishedTasks = z.array(
  z.object({
    id: z.union([z.string(), z.int()]),
    description: z.object({ purpose: words }).nullish(),
    user_scenario: z.object({
      persona: words,
      instructions: z.union([
        z.string(),
        z.object({
          task_instructions: words,
          reason_for_call: z.string(),
          known_info: words,
          unknown_info: words,
        }),
      ]),
    }),
    initial_state: z.looseObject({ initialization_actions: z.array(functionCall).nullish() }).nullish(),
    evaluation_criteria: z
      .object({
        actions: z
          .array(
            z.object({
              action_id: z.string(),
              name: z.string(),
              arguments: z.record(z.string(), z.json()),
              requestor: words,
              compare_args: list,
            }),
          )
          .nullish(),
        env_assertions: z.array(functionCall.extend({ assert_value: z.boolean().nullish() })).nullish(),
        communicate_info: list,
        nl_assertions: list,
        reward_basis: list,
      })
      .nullish(),
  }),
);

/** One ground-truth call. */
export interface Tau2Action {
  readonly id: string;
  readonly name: string;
  readonly input: { readonly [argument: string]: Json };
  /** Who makes the call: the agent, or (in some domains) the customer on a device of their own. */
  readonly by: "agent" | "customer";
  /** The arguments that count when it is asked whether the call was made; all of them when absent. */
  readonly compare?: readonly string[];
}

/** A function that a task names: what makes its start, or what must be true at its end. */
export interface Tau2Function {
  readonly name: string;
  readonly input: { readonly [argument: string]: Json };
  /** On whose side it is: that of the agent's tools, or that of the customer's own. */
  readonly by: "agent" | "customer";
}

export interface Tau2Check extends Tau2Function {
  readonly expected: boolean;
}

/** The simulated customer's sheet, written to them in the second person. */
export interface Tau2Customer {
  readonly persona: string | null;
  /** Why they get in touch; where a task has one block of text for everything, all of it. */
  readonly reason: string;
  readonly known: string | null;
  readonly unknown: string | null;
  /** How they behave in the conversation. */
  readonly manner: string | null;
}

export interface Tau2Task {
  readonly id: string;
  readonly purpose: string | null;
  readonly customer: Tau2Customer;
  readonly actions: readonly Tau2Action[];
  /** Strings that must occur in what the agent says; empty when nothing is asked for. */
  readonly communicate: readonly string[];
  /** Sentences for a judge model; not scored here. */
  readonly assertions: readonly string[];
  readonly rewardBasis: readonly string[];
  /** True when the task starts from more than the plain database (earlier messages, prepared data). */
  readonly prepared: boolean;
  /** True when some of that is more than calls of functions. */
  readonly given: boolean;
  /** What makes its start out of the plain database, in order. */
  readonly setUp: readonly Tau2Function[];
  /** What must be true of the world at its end. */
  readonly checks: readonly Tau2Check[];
}

export function taskOf(published: z.output<typeof PublishedTasks>[number]): Tau2Task {
  const { user_scenario: scenario, evaluation_criteria: criteria } = published;
  const { initialization_actions: setUp, ...given } = published.initial_state ?? {};
  const sheet = typeof scenario.instructions === "string" ? undefined : scenario.instructions;
  return {
    id: String(published.id),
    purpose: published.description?.purpose ?? null,
    customer: {
      persona: scenario.persona ?? null,
      reason: typeof scenario.instructions === "string" ? scenario.instructions : scenario.instructions.reason_for_call,
      known: sheet?.known_info ?? null,
      unknown: sheet?.unknown_info ?? null,
      manner: sheet?.task_instructions ?? null,
    },
    actions: (criteria?.actions ?? []).map((action) => ({
      id: action.action_id,
      name: action.name,
      input: action.arguments,
      by: sideOf(action.requestor),
      ...(action.compare_args == null ? {} : { compare: action.compare_args }),
    })),
    communicate: criteria?.communicate_info ?? [],
    assertions: criteria?.nl_assertions ?? [],
    rewardBasis: criteria?.reward_basis ?? [],
    prepared: Object.values(published.initial_state ?? {}).some((part) => part !== null),
    given: Object.values(given).some((part) => part !== null && !(Array.isArray(part) && part.length === 0)),
    setUp: (setUp ?? []).map(functionOf),
    checks: (criteria?.env_assertions ?? []).map((one) => ({
      ...functionOf(one),
      expected: one.assert_value ?? true,
    })),
  };
}

function functionOf({ func_name, arguments: input, env_type }: z.output<typeof functionCall>): Tau2Function {
  return { name: func_name, input: input ?? {}, by: sideOf(env_type) };
}

function sideOf(published: string | null | undefined): "agent" | "customer" {
  return published === "user" ? "customer" : "agent";
}
