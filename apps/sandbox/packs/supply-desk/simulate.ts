import { seededRandom } from "../../src/world/random.ts";
import { type Buying, type Figures, recommend } from "./formula.ts";
import type { Decision } from "./state.ts";

/**
 * What customers find on the shelf in the days after a decision, with the desk and by hand. Demand and deliveries are drawn, the
 * same ones for both: a model, not a measurement of anybody.
 */

export const simulatedDays = 60;

export interface Served {
  /** Days on which somebody asked in vain. */
  readonly stockoutDays: number;
  /** Units that were asked for in vain. */
  readonly missed: number;
  readonly asked: number;
}

export interface Situation {
  readonly figures: Figures;
  readonly buying: Buying;
  readonly today: string;
  readonly manual: Decision["manual"];
  readonly seed: number;
}

/** An order that comes of the decision itself: how much, and how many days later it is placed. */
export interface Placed {
  readonly quantity: number;
  readonly afterDays: number;
}

/**
 * The desk: the decision's own order, and from the next day on the formula, once a day.
 * @param first absent: nothing was ordered
 */
export function servedByDesk(situation: Situation, first: Placed | undefined): Served {
  const { figures, buying, today } = situation;
  return serve(situation, (day, onHand, onOrder) => {
    if (day === 0) return first;
    if (buying.offer === undefined) return undefined;
    const now = { ...figures, madeOn: today, onHand, onOrder, reserved: 0 };
    const { quantity } = recommend(now, buying, today);
    return quantity > 0 ? { quantity, afterDays: 0 } : undefined;
  });
}

/** By hand: a fixed lot once a fixed minimum is passed, looked at once a week, and placed when somebody has come to it. */
export function servedByHand(situation: Situation): Served {
  const { minimum, quantity, delayDays } = situation.manual;
  const { offer, item } = situation.buying;
  // Nobody can buy what is not sold.
  const canBuy = offer !== undefined && !item.discontinued;
  return serve(situation, (day, onHand, onOrder) =>
    canBuy && day % 7 === 0 && onHand + onOrder < minimum ? { quantity, afterDays: delayDays } : undefined,
  );
}

function serve(
  { figures, buying, seed }: Situation,
  orders: (day: number, onHand: number, onOrder: number) => Placed | undefined,
): Served {
  const demand = seededRandom(seed);
  const { leadDays, leadDeviationDays } = buying.offer ?? buying.item.usualLead;
  const deviation = (figures.highMilli - figures.lowMilli) / 2_563;
  let onHand = Math.max(0, figures.onHand - figures.reserved);
  const coming = figures.onOrder > 0 ? [{ day: Math.ceil(leadDays / 2), quantity: figures.onOrder }] : [];
  const served = { stockoutDays: 0, missed: 0, asked: 0 };
  for (let day = 0; day < simulatedDays; day++) {
    for (const one of coming.filter((order) => order.day === day)) onHand += one.quantity;
    const onOrder = coming.filter((order) => order.day > day).reduce((sum, { quantity }) => sum + quantity, 0);
    const placed = orders(day, onHand, onOrder);
    // Four draws of even chance, added up: near enough to a normal one, and the same number of draws every day.
    const spread = demand.next() + demand.next() + demand.next() + demand.next() - 2;
    const late = demand.between(-leadDeviationDays, leadDeviationDays);
    if (placed) coming.push({ day: day + placed.afterDays + Math.max(1, leadDays + late), quantity: placed.quantity });
    const asked = Math.max(0, Math.round(figures.dailyMilli / 1_000 + spread * deviation * Math.sqrt(3)));
    served.asked += asked;
    const missed = Math.max(0, asked - onHand);
    if (missed > 0) served.stockoutDays += 1;
    served.missed += missed;
    onHand = Math.max(0, onHand - asked);
  }
  return served;
}
