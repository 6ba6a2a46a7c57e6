import { definePolicy, definePolicyRule, type Json, type Policy } from "@remit/core";
import type { Plant } from "./plant.ts";
import { answerAfter, type PolicySpec, policySpecs } from "./specs.ts";

/** The policy of a team, where it has one: what has to come before a call or an answer, and what is denied. */
export function policyOf(seed: number, held: ReadonlySet<string>, plant: Plant | undefined): Policy | undefined {
  const specs = policySpecs(seed);
  if (!specs) return undefined;
  const because = "drawn";
  const common = { effect: "allow", because } as const;
  // Rules may name no tool that nobody has.
  const ruled = specs.filter(({ tool }) => held.has(tool)).map((spec) => ({ ...spec, after: wantedOf(spec, held) }));
  const names = new Set(ruled.map(({ tool }) => tool));
  const answer = answerAfter(seed);
  const early = plant === "rule-forgotten";
  return definePolicy({
    name: "drawn",
    version: "1",
    rules: [
      definePolicyRule({ ...common, id: "all", on: ["handoff", "message", "model"] }),
      definePolicyRule({
        ...common,
        id: "answer",
        on: "egress",
        ...(answer !== undefined && held.has(answer) && !early ? { after: { tools: [answer] } } : {}),
      }),
      definePolicyRule({ ...common, id: "others", on: "tool", when: ({ tool }) => !names.has(tool) }),
      ...ruled.flatMap(({ tool, after, same, denies }) => [
        definePolicyRule({
          ...common,
          id: tool,
          on: "tool",
          tools: [tool],
          ...(after.length === 0 || early ? {} : { after: { tools: after, ...(same ? { when: isSame } : {}) } }),
        }),
        ...(denies.length === 0
          ? []
          : [
              definePolicyRule({
                id: `not ${tool}`,
                on: "tool",
                tools: [tool],
                effect: "deny",
                when: (asked) => denies.includes(idOf(asked.arguments)),
                because,
              }),
            ]),
      ]),
    ],
  });
}

/** Of what has to come before, what somebody has; nobody would wait for anything else. */
export function wantedOf({ after }: PolicySpec, held: ReadonlySet<string>): readonly string[] {
  return after.filter((tool) => held.has(tool));
}

function isSame(earlier: { readonly arguments: Json }, asked: { readonly arguments: Json }): boolean {
  return idOf(earlier.arguments) === idOf(asked.arguments);
}

/** The one argument of a call. */
export function idOf(input: Json): string {
  return String((input as { readonly id?: Json } | null)?.id);
}
