import type { Heard, Interpretation, Plan, SignalKind } from "./agents.ts";
import type { Catalogue } from "./catalogue.ts";
import { constraintsOf, recommend } from "./formula.ts";

/** What a vendor may say that keeps an order from being placed by itself. Nothing that a vendor says makes one larger, or another. */
export const blockingSignals: readonly SignalKind[] = ["later_delivery", "out_of_stock", "price_change"];

type Stated = Omit<Interpretation, "comments" | "confidence" | "state">;

/** What the planner was handed of it all: the item is the one that the run was started for. */
export interface Basis {
  readonly itemId: string;
  readonly stated: Stated;
  readonly heard: Pick<Heard, "signals">;
}

/**
 * Whether an interpretation calls its own figures by their names: the band that they make, and every constraint that follows from
 * them. Pure.
 * @returns what is wrong, a line each; nothing where it may be gone by
 */
export function statedFaults(catalogue: Catalogue, stated: Stated, itemId: string): readonly string[] {
  const buying = catalogue.buyingOf(itemId);
  if (buying === undefined) return [`there is no item ${itemId}`];
  const { band } = recommend(stated, buying, catalogue.today);
  const missing = constraintsOf(stated, buying, catalogue.today).filter((one) => !stated.constraints.includes(one));
  return [
    ...(stated.band === band ? [] : [`the band is called ${stated.band}, and its bounds make it ${band}`]),
    ...(missing.length === 0 ? [] : [`it leaves out ${missing.join(", ")}`]),
  ];
}

/**
 * Whether a plan is the formula's own: the contract between who recommends and who orders. It does the formula again over what the
 * interpreter has stated and the company's own price lists, so a quantity that anybody has made up gets no further. Pure.
 * @returns what is wrong, a line each; nothing where the plan may be carried out
 */
export function planFaults(
  catalogue: Catalogue,
  plan: Plan,
  { itemId, stated, heard: { signals } }: Basis,
): readonly string[] {
  const buying = catalogue.buyingOf(itemId);
  if (buying === undefined) return [`there is no item ${itemId}`];
  const wanted = recommend(stated, buying, catalogue.today);
  const found: string[] = [];
  const differ = (name: string, is: unknown, should: unknown) => {
    if (is !== should) found.push(`${name} is ${String(is)}, and by the formula ${String(should)}`);
  };
  const blocked = wanted.action === "order" && signals.some(({ kind }) => blockingSignals.includes(kind));
  differ("action", plan.action, blocked ? "route" : wanted.action);
  differ("reason", plan.reason, blocked ? "vendor_conflict" : wanted.reason);
  differ("quantity", plan.quantity, blocked ? 0 : wanted.quantity);
  differ("amountCents", plan.amountCents, blocked ? 0 : wanted.amountCents);
  if (plan.action === "order" || plan.action === "ask") {
    const { vendorId } = (plan.action === "ask" ? buying.asked : buying.vendor) ?? {};
    differ("vendorId", plan.vendorId, vendorId);
    differ("letter", plan.letter, wanted.letter);
  }
  if (plan.action === "order") {
    differ("orderOn", plan.orderOn, wanted.orderOn);
    differ("dueOn", plan.dueOn, wanted.dueOn);
  }
  if (plan.action === "none") differ("nextReviewOn", plan.nextReviewOn, wanted.nextReviewOn);
  return found.slice(0, 20);
}
