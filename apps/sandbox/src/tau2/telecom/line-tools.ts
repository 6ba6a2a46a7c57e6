import { z } from "zod";
import { type Json, WorldRefusal, type WorldTool, worldTool } from "../../world/world.ts";
import { roundCents } from "../arithmetic.ts";
import type { Bill } from "./record.ts";
import {
  billOf,
  customerByNumber,
  customerOf,
  deviceOf,
  lineOf,
  ownLineOf,
  planOf,
  putBill,
  putLine,
  type TelecomState,
} from "./state.ts";

/** The agent's tools: the carrier's books. They check what the interface facts say and no policy; that is the desk's. */

type LineTool = WorldTool<TelecomState, z.ZodType>;

const customer_id = z.string().describe("The customer's id, such as C1001.");
const line_id = z.string().describe("The id of one of the customer's lines, such as L1002.");
const onLine = z.strictObject({ customer_id, line_id });

/** The published kinds; `generic` changes no record. */
export const lineToolKinds = {
  get_customer_by_phone: "read",
  get_customer_by_id: "read",
  get_customer_by_name: "read",
  get_details_by_id: "read",
  get_bills_for_customer: "read",
  get_data_usage: "read",
  suspend_line: "write",
  resume_line: "write",
  send_payment_request: "write",
  enable_roaming: "write",
  disable_roaming: "write",
  refuel_data: "write",
  transfer_to_human_agents: "generic",
} as const satisfies Record<string, "read" | "write" | "generic">;
export type LineToolName = keyof typeof lineToolKinds;
export const isLineTool = (name: string): name is LineToolName => Object.hasOwn(lineToolKinds, name);

/** A hand-over happens outside and must happen once, so it counts as a write. */
export const effectOf = (name: LineToolName): "read" | "write" => (lineToolKinds[name] === "read" ? "read" : "write");

/** What costs the customer money, or service, is a person's to approve; what can be set back is compliance's to judge. */
export function riskOf(name: LineToolName): "low" | "medium" | "high" {
  if (name === "refuel_data" || name === "suspend_line") return "high";
  return name === "transfer_to_human_agents" ? "low" : "medium";
}

function tool<Input extends z.ZodType>(
  name: LineToolName,
  description: string,
  input: Input,
  run: (state: TelecomState, input: z.output<Input>) => unknown,
): LineTool {
  return worldTool<TelecomState, Input>({
    name,
    description,
    input,
    effect: effectOf(name),
    run: (state, given) => run(state, given) as Json,
  });
}

function roaming(state: TelecomState, customer: string, line: string, enabled: boolean): string {
  const found = ownLineOf(state, customer, line);
  const word = enabled ? "enabled" : "disabled";
  if (found.roaming_enabled === enabled) return `Roaming was already ${word}`;
  putLine(state, { ...found, roaming_enabled: enabled });
  return `Roaming ${word} successfully`;
}

/** Days as text, counted without a time zone. */
export function dayOf(today: string, monthsOn: number, day: number): string {
  const [year = 0, month = 1] = today.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 + monthsOn, day)).toISOString().slice(0, 10);
}

/** The draft of the customer's next bill; one that there is not yet begins with the next month. */
function draftOf(state: TelecomState, customer: string): Bill {
  const bills = customerOf(state, customer).bill_ids.map((id) => billOf(state, id));
  const draft = bills.find(({ status }) => status === "Draft");
  if (draft !== undefined) return draft;
  const begins = dayOf(state.today, 1, 1);
  let bill_id = `B-${customer}-${begins}`;
  while (Object.hasOwn(state.bills, bill_id)) bill_id += "-";
  return {
    bill_id,
    customer_id: customer,
    period_start: begins,
    period_end: dayOf(state.today, 2, 0),
    issue_date: begins,
    total_due: 0,
    due_date: dayOf(state.today, 1, 15),
    status: "Draft",
    line_items: [],
  };
}

export const lineTools: readonly LineTool[] = [
  tool(
    "get_customer_by_phone",
    "Finds the customer by their own number or that of one of their lines.",
    z.strictObject({ phone_number: z.string() }),
    (state, { phone_number }) => {
      const found = customerByNumber(state, phone_number);
      if (found === undefined) throw new WorldRefusal(`Customer with phone number ${phone_number} not found`);
      return found;
    },
  ),
  tool("get_customer_by_id", "Reads a customer.", z.strictObject({ customer_id }), (state, input) =>
    customerOf(state, input.customer_id),
  ),
  tool(
    "get_customer_by_name",
    "Finds customers by full name and date of birth; there may be several.",
    z.strictObject({ full_name: z.string(), dob: z.string().describe("YYYY-MM-DD.") }),
    (state, { full_name, dob }) =>
      Object.values(state.customers).filter(
        (one) => one.full_name.toLowerCase() === full_name.toLowerCase() && one.date_of_birth === dob,
      ),
  ),
  tool(
    "get_details_by_id",
    "Reads a customer (C…), line (L…), device (D…), bill (B…) or plan (P…) by its id.",
    z.strictObject({ id: z.string() }),
    (state, { id }) => {
      const read = { C: customerOf, L: lineOf, D: deviceOf, B: billOf, P: planOf }[id.charAt(0)];
      if (read === undefined) throw new WorldRefusal(`Unknown ID format or type: ${id}`);
      return read(state, id);
    },
  ),
  tool(
    "get_bills_for_customer",
    "Lists a customer's bills, the newest first.",
    z.strictObject({ customer_id, limit: z.int().nonnegative().optional().describe("12 when absent.") }),
    (state, { customer_id: customer, limit = 12 }) =>
      customerOf(state, customer)
        .bill_ids.map((id) => billOf(state, id))
        .toSorted((left, right) =>
          left.issue_date < right.issue_date ? 1 : left.issue_date > right.issue_date ? -1 : 0,
        )
        .slice(0, limit),
  ),
  tool("get_data_usage", "Reads how much data of this cycle a line has used.", onLine, (state, input) => {
    const line = ownLineOf(state, input.customer_id, input.line_id);
    return {
      line_id: line.line_id,
      data_used_gb: line.data_used_gb,
      data_limit_gb: planOf(state, line.plan_id).data_limit_gb,
      data_refueling_gb: line.data_refueling_gb,
      cycle_end_date: dayOf(state.today, 1, 0),
    };
  }),
  tool(
    "suspend_line",
    "Suspends an active line.",
    onLine.extend({ reason: z.string() }),
    (state, { customer_id: customer, line_id: id }) => {
      const line = ownLineOf(state, customer, id);
      if (line.status !== "Active") throw new WorldRefusal("Line must be active to suspend");
      return putLine(state, { ...line, status: "Suspended", suspension_start_date: state.today });
    },
  ),
  tool(
    "resume_line",
    "Makes a suspended line active again. Not where the contract has ended or a bill is overdue. The customer has to restart the phone then.",
    onLine,
    (state, { customer_id: customer, line_id: id }) => {
      const line = ownLineOf(state, customer, id);
      if (line.status !== "Suspended" && line.status !== "Pending Activation") {
        throw new WorldRefusal("Line must be suspended to resume");
      }
      return putLine(state, { ...line, status: "Active", suspension_start_date: null });
    },
  ),
  tool(
    "send_payment_request",
    "Asks the customer to pay a bill. Look first whether it is overdue: this does not.",
    z.strictObject({ customer_id, bill_id: z.string() }),
    (state, { customer_id: customer, bill_id }) => {
      const { bill_ids } = customerOf(state, customer);
      if (bill_ids.some((id) => billOf(state, id).status === "Awaiting Payment")) {
        throw new WorldRefusal("A bill is already awaiting payment for this customer");
      }
      if (!bill_ids.includes(bill_id)) throw new WorldRefusal(`Bill ${bill_id} not found for customer ${customer}`);
      putBill(state, { ...billOf(state, bill_id), status: "Awaiting Payment" });
      return `Payment request sent to the customer for bill ${bill_id}`;
    },
  ),
  tool("enable_roaming", "Lets a line be used abroad; it costs nothing.", onLine, (state, input) =>
    roaming(state, input.customer_id, input.line_id, true),
  ),
  tool("disable_roaming", "Keeps a line from being used abroad.", onLine, (state, input) =>
    roaming(state, input.customer_id, input.line_id, false),
  ),
  tool(
    "refuel_data",
    "Adds data to an active line, at the plan's price per GB, on the customer's next bill. At most 2 GB, after a yes to amount and price.",
    onLine.extend({ gb_amount: z.number() }),
    (state, { customer_id: customer, line_id: id, gb_amount }) => {
      const line = ownLineOf(state, customer, id);
      if (line.status !== "Active") throw new WorldRefusal("Line must be active to refuel data");
      if (gb_amount <= 0) throw new WorldRefusal("Refuel amount must be positive");
      const price = planOf(state, line.plan_id).data_refueling_price_per_gb;
      const amount = roundCents(gb_amount * price);
      const description = `Data refueling: ${gb_amount} GB at $${price}/GB`;
      const draft = draftOf(state, customer);
      putBill(state, {
        ...draft,
        total_due: roundCents(draft.total_due + amount),
        line_items: [...draft.line_items, { description, amount, date: state.today, item_type: "Charge" }],
      });
      const { data_refueling_gb } = putLine(state, { ...line, data_refueling_gb: line.data_refueling_gb + gb_amount });
      return { line_id: id, data_refueling_gb, charge: amount };
    },
  ),
  tool(
    "transfer_to_human_agents",
    "Hands the customer over to a person, for what is outside of what the desk can do.",
    z.strictObject({ summary: z.string().describe("What the customer wants and what was done so far.") }),
    () => "Transfer successful",
  ),
];
