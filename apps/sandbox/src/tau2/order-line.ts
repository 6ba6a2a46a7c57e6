import { WorldRefusal } from "../world/world.ts";
import type { Order, OrderItem, Variant } from "./record.ts";
import { productOf, type RetailState, variantOf } from "./state.ts";

/** One item of an order and the variant that shall take its place. */
export interface Replacement {
  /** Index of the item in the order. */
  readonly index: number;
  readonly item: OrderItem;
  readonly variant: Variant;
}

/** The first id that is asked for more often than the order holds it. */
export function firstMissing(order: Order, itemIds: readonly string[]): string | undefined {
  const count = (ids: readonly string[], wanted: string): number => ids.filter((id) => id === wanted).length;
  const held = order.items.map((item) => item.item_id);
  return itemIds.find((id) => count(itemIds, id) > count(held, id));
}

/**
 * Pairs items of an order with new variants of the same products, position by position; an id that occurs twice stands
 * for two items. The caller has made sure that the order holds the items and that both lists are equally long.
 * @param checkPair a check on each pair that comes before the variant is looked up
 * @throws WorldRefusal for a variant of another product, or one that is not available
 */
export function pairReplacements(
  state: RetailState,
  order: Order,
  { itemIds, newItemIds }: { readonly itemIds: readonly string[]; readonly newItemIds: readonly string[] },
  checkPair: (itemId: string, newItemId: string) => void = () => {},
): readonly Replacement[] {
  const taken = new Set<number>();
  return itemIds.map((itemId, position) => {
    const newItemId = newItemIds[position] ?? "";
    checkPair(itemId, newItemId);
    const index = order.items.findIndex((item, at) => item.item_id === itemId && !taken.has(at));
    const item = order.items[index];
    if (item === undefined) throw new WorldRefusal(`${itemId} not found`);
    taken.add(index);
    const variant = variantOf(productOf(state, item.product_id), newItemId);
    if (!variant.available) throw new WorldRefusal(`New item ${newItemId} not found or available`);
    return { index, item, variant };
  });
}

/** What the replacements cost more (positive) or less (negative), in dollars, summed in the given order, not rounded. */
export function priceDifference(replacements: readonly Replacement[]): number {
  return replacements.reduce((sum, { item, variant }) => sum + (variant.price - item.price), 0);
}
