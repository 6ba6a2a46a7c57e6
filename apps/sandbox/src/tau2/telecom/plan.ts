import type { Turn } from "@remit/core/testing";
import {
  acted,
  allowed,
  asksCustomer,
  calls,
  changeText,
  closed,
  found,
  handOverTool,
  triaged,
} from "../desk-script.ts";
import { closingMessage, openingMessage, transferSentenceOf } from "../plan.ts";
import type { Tau2Action } from "../task.ts";
import { isLineTool, riskOf } from "./line-tools.ts";
import type { TelecomTask } from "./load.ts";
import { type SpokenCall, spoken } from "./spoken.ts";
import { customerByNumber, lineByNumber, planOf, type TelecomState } from "./state.ts";

/** Whose run it is, as the carrier knows from the number that is calling; nothing where nobody is known to have it. */
export interface Caller {
  readonly number: string;
  readonly customer: string;
  readonly line: string;
}

export function callerOf({ start }: Pick<TelecomTask, "start">): Caller | undefined {
  const number = start.holder.phoneNumber;
  if (number === null) return undefined;
  const customer = customerByNumber(start, number)?.customer_id;
  const line = lineByNumber(start, number)?.line_id;
  return customer === undefined || line === undefined ? undefined : { number, customer, line };
}

/** Things on the phone that are asked for at once. */
const callsPerQuestion = 6;

/** How the desk asks the customer to do something on the phone. */
export function phoneQuestion(wanted: readonly SpokenCall[]): string {
  return `Please do this on your phone, one after the other, and tell me what it shows: ${wanted.map(spoken).join(", then ")}.`;
}

/** How it asks before it spends the customer's money or takes their service. @param perGb the plan's price for a GB */
export function confirmation({ name, input }: Pick<Tau2Action, "name" | "input">, perGb?: number): string {
  const cost = perGb === undefined ? "" : ` It costs $${(Number(input.gb_amount) * perGb).toFixed(2)} in all.`;
  return `I am about to: ${changeText({ name, input })}.${cost} Is that right?`;
}

/** What a GB more costs on the line that a call is about; nothing where it adds none. */
function pricePerGb({ name, input: { line_id: line } }: Tau2Action, start: TelecomState): number | undefined {
  const plan = name === "refuel_data" && typeof line === "string" ? start.lines[line]?.plan_id : undefined;
  return plan === undefined ? undefined : planOf(start, plan).data_refueling_price_per_gb;
}

export const needsConfirmation = (name: string): boolean => isLineTool(name) && riskOf(name) === "high";

/** What has to be looked up before a call, as the carrier's rules have it. */
function lookUps({
  name,
  input,
}: Tau2Action): readonly { readonly name: string; readonly input: Tau2Action["input"] }[] {
  const { customer_id, line_id } = input;
  const bills = { name: "get_bills_for_customer", input: { customer_id: customer_id ?? "" } };
  switch (name) {
    case "send_payment_request":
      return [bills];
    case "resume_line":
      return [{ name: "get_details_by_id", input: { id: line_id ?? "" } }, bills];
    case "refuel_data":
      return [{ name: "get_data_usage", input: { customer_id: customer_id ?? "", line_id: line_id ?? "" } }];
    default:
      return [];
  }
}

/** What the customer looks at last, so that the desk hears whether it worked. */
function lastLooks({ checks }: TelecomTask): readonly SpokenCall[] {
  const has = (part: string) => checks.some(({ name, by }) => by === "customer" && name.includes(part));
  return [
    "check_status_bar",
    ...(has("speed") || has("mobile_data") ? ["run_speed_test"] : []),
    ...(has("mms") ? ["can_send_mms"] : []),
  ].map((tool) => ({ tool, input: {} }));
}

/**
 * A task's ground truth as turns of the five roles. What the desk does itself is a call; what only the customer can do is a
 * question, and the customer does it.
 */
export function scriptOf(task: TelecomTask, policy: string): Turn[] {
  const caller = callerOf(task);
  const reads = caller === undefined ? [] : ["get_customer_by_phone", "get_details_by_id"];
  const handedOver = task.actions.some(({ name }) => name === handOverTool);
  const answer = closingMessage(task, transferSentenceOf(policy));
  const change = task.actions.length > 0;
  const turns: Turn[] = [triaged(openingMessage(task), change)];
  if (caller !== undefined) {
    const { number, line } = caller;
    turns.push(
      calls("retrieval", { actionId: "find", name: "get_customer_by_phone", input: { phone_number: number } }),
    );
    turns.push(calls("retrieval", { actionId: "line", name: "get_details_by_id", input: { id: line } }));
  }
  turns.push(found(reads.length));
  if (change) {
    turns.push(allowed("The carrier's policy permits it."), ...turnsOf(task));
    const done = task.actions.map(({ name }) => name.replaceAll("_", " "));
    turns.push(acted(done, { next: "review", handedOver }));
  }
  turns.push(closed(answer, handedOver));
  return turns;
}

function turnsOf(task: TelecomTask): Turn[] {
  const turns: Turn[] = [];
  let asked: SpokenCall[] = [];
  const flush = () => {
    if (asked.length > 0) turns.push(asksCustomer(phoneQuestion(asked)));
    asked = [];
  };
  for (const action of task.actions) {
    const { id, name, input, by } = action;
    if (by === "customer") {
      if (asked.length === callsPerQuestion) flush();
      asked.push({ tool: name, input });
      continue;
    }
    flush();
    for (const [at, one] of lookUps(action).entries()) turns.push(calls("action", { actionId: `${id}_${at}`, ...one }));
    if (needsConfirmation(name)) turns.push(asksCustomer(confirmation(action, pricePerGb(action, task.start))));
    turns.push(calls("action", { actionId: id, name, input }));
  }
  flush();
  turns.push(asksCustomer(phoneQuestion(lastLooks(task))));
  return turns;
}
