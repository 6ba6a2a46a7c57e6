/**
 * The state of one run: the carrier's books and the customer's phone. Plain data, and nothing in it is ever changed in place, as
 * in the retail domain: a change makes a new record and a new table around it.
 */
import { WorldRefusal } from "../../world/world.ts";
import type {
  ApnSettings,
  Bill,
  CarrierFile,
  Customer,
  Device,
  Line,
  Phone,
  PhoneFile,
  Plan,
  Signal,
} from "./record.ts";
import { technologies } from "./record.ts";

type Table<Row> = Readonly<Record<string, Row>>;

/** Who has the phone, and where. */
export interface Holder {
  readonly name: string | null;
  /** The number of the phone's line; as long as nobody has said it the phone is on no line of the carrier's. */
  readonly phoneNumber: string | null;
  readonly isAbroad: boolean;
  /** How strong each technology is there. */
  readonly signal: Readonly<Record<string, Signal>>;
}

export interface TelecomState {
  /** The day it is, as the policy says it. */
  readonly today: string;
  readonly plans: Table<Plan>;
  readonly devices: Table<Device>;
  /** What a reset gives the phone. */
  readonly carrierApn: ApnSettings;
  customers: Table<Customer>;
  lines: Table<Line>;
  bills: Table<Bill>;
  phone: Phone;
  holder: Holder;
}

export const cloneState = (state: TelecomState): TelecomState => ({ ...state });

function tableOf<Row>(rows: readonly Row[], idOf: (row: Row) => string): Table<Row> {
  return Object.fromEntries(rows.map((row) => [idOf(row), row]));
}

/** The start state of two files. */
export function stateOf(carrier: CarrierFile, { device, surroundings }: PhoneFile, today: string): TelecomState {
  // Where nothing is said of the place, everything is as strong there as what the phone shows.
  const shown = Object.fromEntries(technologies.map((one) => [one, device.network_signal_strength]));
  return {
    today,
    plans: tableOf(carrier.plans, ({ plan_id }) => plan_id),
    devices: tableOf(carrier.devices, ({ device_id }) => device_id),
    carrierApn: device.active_apn_settings,
    customers: tableOf(carrier.customers, ({ customer_id }) => customer_id),
    lines: tableOf(carrier.lines, ({ line_id }) => line_id),
    bills: tableOf(carrier.bills, ({ bill_id }) => bill_id),
    phone: device,
    holder: {
      name: surroundings?.name ?? null,
      phoneNumber: surroundings?.phone_number ?? null,
      isAbroad: surroundings?.is_abroad ?? false,
      signal: surroundings?.signal_strength ?? shown,
    },
  };
}

/** Own keys only, so that no id reaches what every object inherits. */
function rowOf<Row>(table: Table<Row>, id: string, what: string): Row {
  const row = Object.hasOwn(table, id) ? table[id] : undefined;
  if (row === undefined) throw new WorldRefusal(`${what} ${id} not found`);
  return row;
}

export const customerOf = (state: TelecomState, id: string): Customer => rowOf(state.customers, id, "Customer");
export const billOf = (state: TelecomState, id: string): Bill => rowOf(state.bills, id, "Bill");
export const planOf = (state: TelecomState, id: string): Plan => rowOf(state.plans, id, "Plan");
export const deviceOf = (state: TelecomState, id: string): Device => rowOf(state.devices, id, "Device");
export const lineOf = (state: TelecomState, id: string): Line => rowOf(state.lines, id, "Line");

/** A line of this customer. */
export function ownLineOf(state: TelecomState, customerId: string, lineId: string): Line {
  if (!customerOf(state, customerId).line_ids.includes(lineId)) {
    throw new WorldRefusal(`Line ${lineId} not found for customer ${customerId}`);
  }
  return lineOf(state, lineId);
}

const digits = (number: string): string => number.replaceAll(/\D/g, "");

/** A number is the same however it is written. */
export function isNumber(left: string, right: string): boolean {
  return digits(left) !== "" && digits(left) === digits(right);
}

/** The customer whose own number this is, or that of one of their lines. */
export function customerByNumber(state: TelecomState, number: string): Customer | undefined {
  return Object.values(state.customers).find(
    ({ phone_number, line_ids }) =>
      isNumber(phone_number, number) ||
      line_ids.some((id) => Object.hasOwn(state.lines, id) && isNumber(lineOf(state, id).phone_number, number)),
  );
}

export function lineByNumber(state: TelecomState, number: string): Line | undefined {
  return Object.values(state.lines).find((line) => isNumber(line.phone_number, number));
}

/** The line that the phone is on; none as long as nobody has said its number. */
export function lineOfPhone(state: TelecomState): Line | undefined {
  return state.holder.phoneNumber === null ? undefined : lineByNumber(state, state.holder.phoneNumber);
}

/** The first bill that the phone's owner is asked to pay. */
export function requestedBill(state: TelecomState): Bill | undefined {
  const { phoneNumber } = state.holder;
  const customer = phoneNumber === null ? undefined : customerByNumber(state, phoneNumber);
  return customer?.bill_ids.map((id) => billOf(state, id)).find(({ status }) => status === "Awaiting Payment");
}

export function putLine(state: TelecomState, line: Line): Line {
  state.lines = { ...state.lines, [line.line_id]: line };
  return line;
}

/** A bill that is new is added to its customer's. */
export function putBill(state: TelecomState, bill: Bill): Bill {
  const customer = customerOf(state, bill.customer_id);
  if (!customer.bill_ids.includes(bill.bill_id)) {
    const bill_ids = [...customer.bill_ids, bill.bill_id];
    state.customers = { ...state.customers, [customer.customer_id]: { ...customer, bill_ids } };
  }
  state.bills = { ...state.bills, [bill.bill_id]: bill };
  return bill;
}

export function setPhone(state: TelecomState, change: Partial<Phone>): void {
  state.phone = { ...state.phone, ...change } as Phone;
}
