import { buyingOf } from "./catalogue.ts";
import {
  type Buying,
  type Constraint,
  constraintsOf,
  type Figures,
  type Recommendation,
  recommend,
} from "./formula.ts";
import type { SupplyState } from "./state.ts";
import { decisionOf, refuse } from "./tools/tool.ts";

/** What the records say that the formula needs. Declined and cancelled orders are on no way. */
export function figuresOf(state: SupplyState, decisionId: string): Figures {
  const { itemId, forecastId } = decisionOf(state, decisionId);
  const [forecast, stock] = [state.forecasts[forecastId], state.stock[itemId]];
  if (forecast === undefined || stock === undefined) return refuse(`There is no forecast for ${itemId}.`);
  const onOrder = Object.values(state.orders)
    .filter((one) => one.itemId === itemId && one.status === "placed")
    .reduce((sum, { quantity }) => sum + quantity, 0);
  const { madeOn, dailyMilli, lowMilli, highMilli } = forecast;
  return { madeOn, dailyMilli, lowMilli, highMilli, onHand: stock.onHand, reserved: stock.reserved, onOrder };
}

/** The formula over the records of one decision. */
export function recommendationOf(
  state: SupplyState,
  decisionId: string,
): {
  readonly itemId: string;
  readonly buying: Buying;
  readonly figures: Figures;
  readonly recommendation: Recommendation;
  readonly constraints: readonly Constraint[];
} {
  const { itemId } = decisionOf(state, decisionId);
  const buying = buyingOf(state, itemId) ?? refuse(`There is no item ${itemId}.`);
  const figures = figuresOf(state, decisionId);
  return {
    ...{ itemId, buying, figures },
    recommendation: recommend(figures, buying, state.today),
    constraints: constraintsOf(figures, buying, state.today),
  };
}
