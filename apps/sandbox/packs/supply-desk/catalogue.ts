import type { Table } from "../../src/world/table.ts";
import type { Buying } from "./formula.ts";
import { generateSupply } from "./generate.ts";
import type { SupplyState, Vendor } from "./state.ts";

export type Reference = Pick<SupplyState, "today" | "items" | "vendors" | "offers">;

/** The company's own reference data: items, vendors, price lists. No run changes any of it, and no vendor does by writing a mail. */
export interface Catalogue {
  readonly today: string;
  readonly buyingOf: (itemId: string) => Buying | undefined;
  readonly vendorOf: (vendorId: string) => Vendor | undefined;
  /** True for the address of a vendor who sells the item and is not blocked; of this one, where one is named. */
  readonly isRecipient: (itemId: string, address: string, vendorId?: string) => boolean;
  readonly reference: Reference;
}

export function openCatalogue(seed: number): Catalogue {
  return catalogueOf(generateSupply(seed));
}

export function catalogueOf({ today, items, vendors, offers }: Reference): Catalogue {
  const reference = { today, items, vendors, offers };
  return {
    today,
    buyingOf: (itemId) => buyingOf(reference, itemId),
    vendorOf: (vendorId) => vendors[vendorId],
    isRecipient: (itemId, address, vendorId) =>
      Object.values(offers).some((one) => {
        const vendor = vendors[one.vendorId];
        if (one.itemId !== itemId || vendor?.status !== "active") return false;
        return vendor.address === address && (vendorId === undefined || vendor.vendorId === vendorId);
      }),
    reference,
  };
}

/** By what an item is bought today: the first offer that holds, of a vendor who is not blocked. */
export function buyingOf({ today, items, vendors, offers }: Reference, itemId: string): Buying | undefined {
  const item = own(items, itemId);
  if (item === undefined) return undefined;
  const usable = Object.values(offers)
    .filter((one) => one.itemId === itemId && vendors[one.vendorId]?.status === "active")
    .sort((left, right) => left.rank - right.rank);
  const offer = usable.find(({ validUntil }) => validUntil >= today);
  const asked = vendors[usable[0]?.vendorId ?? ""];
  return { item, offer, vendor: vendors[offer?.vendorId ?? ""], asked };
}

function own<Row>(table: Table<Row>, id: string) {
  return Object.hasOwn(table, id) ? table[id] : undefined;
}
