import { definePolicy, type EarlierCall, type Json, type Policy } from "@remit/core";

/**
 * The carrier's rules that can be told from calls alone: whose line it is, what has to be looked up before, how much data. They
 * hold whatever a specialist says. Which line the customer is on is known from where they call: it comes with the run.
 */

/** The attributes of a run that the rules go by: the ids of the customer and the line that a run is about. */
export const customerAttribute = "customer";
export const lineAttribute = "line";

/** What may be added to a line in all. */
export const refuelGbMax = 2;

type Facts = Readonly<Record<string, Json | undefined>>;
type Asked = { readonly arguments: Json; readonly attributes: Readonly<Record<string, string>> };

function isRecord(value: unknown): value is Facts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const factsOf = (value: unknown): Facts => (isRecord(value) ? value : {});

/** What a look-up has given: a server of tools puts it under `result`. */
function readingsOf({ output }: EarlierCall): readonly Facts[] {
  const inner = isRecord(output) && "result" in output ? output.result : output;
  return (Array.isArray(inner) ? inner : [inner]).filter(isRecord);
}

/** Both are what the run is about, where the call names them. */
function isOwn({ arguments: args, attributes }: Asked): boolean {
  const { customer_id: customer, line_id: line } = factsOf(args);
  if (attributes[customerAttribute] === undefined || customer !== attributes[customerAttribute]) return false;
  return line === undefined || line === attributes[lineAttribute];
}

/** The customer was looked up: the policy begins with that. */
const identified = {
  tools: ["get_customer_by_phone", "get_customer_by_id", "get_customer_by_name"],
  when: (earlier: EarlierCall, asked: Asked) =>
    readingsOf(earlier).some(({ customer_id }) => customer_id === factsOf(asked.arguments).customer_id),
};

const lineRead = {
  tools: ["get_details_by_id"],
  when: (earlier: EarlierCall, asked: Asked) =>
    readingsOf(earlier).some(({ line_id }) => line_id === factsOf(asked.arguments).line_id),
};

/** A list of the customer's bills that leaves none out. */
const billsRead = {
  tools: ["get_bills_for_customer"],
  when: (earlier: EarlierCall, asked: Asked) => {
    const { customer_id, limit = 12 } = factsOf(earlier.arguments);
    const isWhole = typeof limit === "number" && readingsOf(earlier).length < limit;
    return isWhole && customer_id === factsOf(asked.arguments).customer_id;
  },
};

const billRead = {
  tools: ["get_bills_for_customer", "get_details_by_id"],
  when: (earlier: EarlierCall, asked: Asked) =>
    readingsOf(earlier).some(({ bill_id }) => bill_id === factsOf(asked.arguments).bill_id),
};

const usageRead = {
  tools: ["get_data_usage"],
  when: (earlier: EarlierCall, asked: Asked) =>
    readingsOf(earlier).some(({ line_id }) => line_id === factsOf(asked.arguments).line_id),
};
/** Only so that the run remembers them. */
const earlierRefuels = { ...usageRead, tools: ["get_data_usage", "refuel_data"] };

type Remembered = Asked & { readonly earlier?: readonly EarlierCall[] };

/** The last of these look-ups that is about what is asked about. */
function lastReading(asked: Remembered, { tools, when }: typeof lineRead): EarlierCall | undefined {
  return asked.earlier?.findLast((one) => tools.includes(one.tool) && when(one, asked));
}

function isOverdue(asked: Remembered): boolean {
  const last = lastReading(asked, billRead);
  const { bill_id } = factsOf(asked.arguments);
  return last !== undefined && readingsOf(last).some((bill) => bill.bill_id === bill_id && bill.status === "Overdue");
}

function mayResume(asked: Remembered, today: string): boolean {
  const line = lastReading(asked, lineRead);
  const bills = lastReading(asked, billsRead);
  if (line === undefined || bills === undefined) return false;
  const runs = readingsOf(line).every(({ contract_end_date: end }) => typeof end !== "string" || end >= today);
  return runs && readingsOf(bills).every(({ status }) => status !== "Overdue" && status !== "Awaiting Payment");
}

function staysBelow(asked: Remembered): boolean {
  const { gb_amount: wanted, line_id } = factsOf(asked.arguments);
  const earlier = asked.earlier ?? [];
  const at = earlier.findLastIndex((one) => usageRead.tools.includes(one.tool) && usageRead.when(one, asked));
  const [usage] = at < 0 ? [] : readingsOf(earlier[at] as EarlierCall);
  if (typeof wanted !== "number" || wanted <= 0 || typeof usage?.data_refueling_gb !== "number") return false;
  const since = earlier
    .slice(at)
    .filter((one) => one.tool === "refuel_data" && factsOf(one.arguments).line_id === line_id)
    .reduce((sum, one) => sum + Number(factsOf(one.arguments).gb_amount), 0);
  return usage.data_refueling_gb + since + wanted <= refuelGbMax;
}

/** What may be looked up by its id: what is the customer's own, and what is nobody's. */
function isOwnOrPublic(asked: Remembered): boolean {
  const args = factsOf(asked.arguments);
  if (args.customer_id !== undefined) return isOwn(asked);
  const { id } = args;
  if (typeof id !== "string") return true;
  const { [customerAttribute]: customer, [lineAttribute]: line } = asked.attributes;
  if (/^[PD]/.test(id) || id === customer || id === line) return true;
  const own = asked.earlier?.flatMap(readingsOf).filter(({ customer_id }) => customer_id === customer) ?? [];
  return own.some(({ line_ids, bill_ids }) =>
    [line_ids, bill_ids].some((ids) => Array.isArray(ids) && ids.includes(id)),
  );
}

/** @param today as the policy says it: a contract that ended before is over */
export function telecomPolicy(today: string): Policy {
  return definePolicy({
    name: "telecom",
    // Another day is another policy.
    version: `1.${today}`,
    rules: [
      {
        id: "team",
        on: ["handoff", "model", "egress", "message"],
        effect: "allow",
        because: "the desk works together",
      },
      {
        id: "find",
        on: "tool",
        effect: "allow",
        tools: ["get_customer_by_phone", "get_customer_by_name"],
        because: "the customer has to be found",
      },
      {
        id: "look",
        on: "tool",
        effect: "allow",
        tools: ["get_customer_by_id", "get_bills_for_customer", "get_data_usage"],
        when: isOwnOrPublic,
        because: "records of the customer's own are looked at",
      },
      {
        id: "look-up",
        on: "tool",
        effect: "allow",
        tools: ["get_details_by_id"],
        after: { tools: identified.tools },
        when: isOwnOrPublic,
        because: "records of the customer's own are looked at, once it is known who that is",
      },
      {
        id: "line",
        on: "tool",
        effect: "allow",
        tools: ["enable_roaming", "disable_roaming", "suspend_line"],
        after: identified,
        when: isOwn,
        because: "it is the customer's own line",
      },
      {
        id: "ask-for-payment",
        on: "tool",
        effect: "allow",
        tools: ["send_payment_request"],
        after: [identified, billRead],
        when: (asked) => isOwn(asked) && isOverdue(asked),
        because: "the customer's own bill is overdue, as was looked up",
      },
      {
        id: "resume",
        on: "tool",
        effect: "allow",
        tools: ["resume_line"],
        after: [identified, lineRead, billsRead],
        when: (asked) => isOwn(asked) && mayResume(asked, today),
        because: "the contract runs, and no bill is open, as was looked up",
      },
      {
        id: "refuel",
        on: "tool",
        effect: "allow",
        tools: ["refuel_data"],
        after: [identified, usageRead, earlierRefuels],
        when: (asked) => isOwn(asked) && staysBelow(asked),
        because: `at most ${refuelGbMax} GB are added to the customer's own line`,
      },
      {
        id: "hand-over",
        on: "tool",
        effect: "allow",
        tools: ["transfer_to_human_agents"],
        because: "a person can always take over",
      },
    ],
  });
}
