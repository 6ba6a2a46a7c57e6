import type { PlayOptions, Scenario } from "@remit/core/testing";
import type { Pack, Place } from "../pack.ts";

/**
 * What the people of a pack answer when a scenario's own replies are used up. A customer who acts does so under keys made of the
 * run and the question, so that a question which is put again after a crash is answered without anything happening twice.
 */
export function peopleOf(
  pack: Pack,
  {
    scenario,
    worldId,
    store,
  }: { readonly scenario: Scenario; readonly worldId: string; readonly store: Place["store"] },
): PlayOptions["otherwise"] {
  const { otherwise } = pack;
  const customer = "customer" in pack ? pack.customer : undefined;
  if (customer === undefined || store === undefined) return otherwise;
  return (of, question, { ask, run }) => {
    if (of !== "customer") return otherwise?.(of, question);
    let acts = 0;
    const answer = customer({
      scenario,
      question,
      act: (tool, input) => {
        acts++;
        return store.call(worldId, tool, input, { key: `${run.id}:${ask}#${acts}`, by: "customer" });
      },
      world: () => store.endState(worldId),
    });
    return answer ?? otherwise?.(of, question);
  };
}
