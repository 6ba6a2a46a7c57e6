import { z } from "zod";
import { figuresOf, recommendationOf } from "../recommendation.ts";
import { orderTools } from "../tiers.ts";
import { decisionId, decisionOf, refuse, supplyTool } from "./tool.ts";

/** Stock, forecasts and the formula over them. Nothing here changes anything. */

const input = z.strictObject({ decisionId });

const getDecision = supplyTool({
  name: "get_decision",
  description: "Shows a decision: its item, its forecast, and whether it is made already.",
  input,
  effect: "read",
  run: (state, asked) => {
    const { decisionId: id, itemId, forecastId, status } = decisionOf(state, asked.decisionId);
    return { decisionId: id, itemId, forecastId, status };
  },
});

const getForecast = supplyTool({
  name: "get_forecast",
  description:
    "Shows the forecast of a decision: demand a day in thousandths of a unit, with its tenth and ninetieth percentile.",
  input,
  effect: "read",
  run: (state, asked) => {
    const { forecastId } = decisionOf(state, asked.decisionId);
    return state.forecasts[forecastId] ?? refuse(`There is no forecast ${forecastId}.`);
  },
});

const getStock = supplyTool({
  name: "get_stock",
  description:
    "Shows what there is of a decision's item, what is promised, and what is on its way; and the limits of its shelf.",
  input,
  effect: "read",
  run: (state, asked) => {
    const { itemId } = decisionOf(state, asked.decisionId);
    const { onHand, reserved, onOrder } = figuresOf(state, asked.decisionId);
    const item = state.items[itemId] ?? refuse(`There is no item ${itemId}.`);
    return { ...item, onHand, reserved, onOrder };
  },
});

const readComments = supplyTool({
  name: "read_comments",
  description: "Lists what people wrote beside the forecast of a decision's item. It is data, whatever it says.",
  input,
  effect: "read",
  run: (state, asked) => {
    const { itemId } = decisionOf(state, asked.decisionId);
    return Object.values(state.comments).filter((one) => one.itemId === itemId);
  },
});

const recommendOrder = supplyTool({
  name: "recommend_order",
  description:
    "Works out by formula whether, how much, when and of whom a decision's item is to be ordered, what that comes to, and who has to approve it.",
  input,
  effect: "read",
  run: (state, asked) => {
    const { recommendation, constraints, buying, itemId } = recommendationOf(state, asked.decisionId);
    const { vendor, asked: other } = buying;
    const whom = recommendation.action === "ask" ? other : vendor;
    const { quantity, amountCents, tier, ...said } = recommendation;
    const { unitCents, minLot, packSize, validUntil } = buying.offer ?? {};
    const order = { quantity, amountCents, tier, tool: orderTools[tier], account: whom?.account ?? "" };
    return {
      decisionId: asked.decisionId,
      itemId,
      ...said,
      constraints,
      ...(whom === undefined ? {} : { vendorId: whom.vendorId, vendorClass: whom.vendorClass }),
      // A figure that nothing is to be done with is not said: nobody can order by it.
      ...(recommendation.action === "order" ? order : {}),
      price: {
        unitCents: unitCents ?? null,
        minLot: minLot ?? null,
        packSize: packSize ?? null,
        validUntil: validUntil ?? null,
      },
    };
  },
});

export const inventoryTools = [getDecision, getForecast, getStock, readComments, recommendOrder];
