import { seededRandom } from "../../src/world/random.ts";
import { put } from "../../src/world/table.ts";
import { cases } from "./cases.ts";
import { Maker, type Truth, vendorsOf } from "./maker.ts";
import { companies } from "./people.ts";
import type { DeskState } from "./state.ts";

/** The desk's today: a Monday. Nothing here asks a clock. */
export const today = "2026-03-16";

/** Euro for one unit. There is none for a currency that is not here. */
const rates = { JPY: "0.0061", USD: "0.92", KWD: "2.9941", DKK: "0.13405" };

export interface GeneratedDesk {
  readonly state: DeskState;
  /** What is true of each case's document. */
  readonly truths: ReadonlyMap<string, Truth>;
}

/** The desk on its fixed day, with one document for each case. The same seed gives the same desk. */
export function generateDesk(seed: number): GeneratedDesk {
  const state: DeskState = {
    today,
    counters: { posting: 5001, case: 301 },
    companies: {},
    vendors: {},
    orders: {},
    documents: {},
    rates: {},
    postings: {},
    cases: {},
    releases: {},
  };
  for (const company of Object.values(companies)) put(state.companies, company.companyId, { ...company });
  for (const vendor of vendorsOf()) put(state.vendors, vendor.vendorId, vendor);
  for (const [currency, rate] of Object.entries(rates)) put(state.rates, currency, { currency, rate });
  const maker = new Maker(state, seededRandom(seed));
  const truths = new Map<string, Truth>();
  for (const { name, exceptions, make } of cases) truths.set(name, maker.document(make(maker), exceptions));
  return { state, truths };
}
