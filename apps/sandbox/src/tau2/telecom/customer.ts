import type { CustomerAsked } from "../../pack.ts";
import type { Tau2Task } from "../task.ts";
import { inFirstPerson } from "../wording.ts";
import { phoneTools } from "./phone-tools.ts";
import { callsIn, type SpokenCall } from "./spoken.ts";
import type { TelecomState } from "./state.ts";

/**
 * The simulated customer: somebody with the phone in their hand. They do what they are asked to do on it and say what it shows;
 * beside that they know what their sheet says, and they pay for what it says that they are willing to pay for.
 */

const toolNames = phoneTools.map(({ name }) => name);

/** What the desk is about to do, as it has to be confirmed: `refuel data (C1001, L1002, 2)`. */
const refuelling = /\brefuel data \(([^()]*)\)/gi;

export function answerOf(
  task: Pick<Tau2Task, "customer">,
  { question, act, world }: CustomerAsked,
): string | undefined {
  const calls = callsIn(question, toolNames);
  if (calls.length > 0) return calls.map((call) => shownBy(call, act)).join("\n\n");
  const { customer } = task;
  const sheet = [customer.manner, customer.reason, customer.known].filter((text) => text !== null).join(" ");
  const willing = willingGb(sheet);
  if (/\bI am about to\b/i.test(question)) {
    const amounts = [...question.matchAll(refuelling)].map(([, values = ""]) => Number(values.split(",").at(-1)));
    const tooMuch = amounts.some((amount) => !(amount <= willing));
    return tooMuch ? "No, I do not want that." : "Yes, please go ahead.";
  }
  if (/\b(?:travel\w*|abroad|outside|roaming area|location)\b/i.test(question)) {
    return (world() as TelecomState).holder.isAbroad ? "Yes, I am abroad." : "No, I am at home.";
  }
  if (/\bhow much\b|\b(?:refuel|plan)\b/i.test(question)) {
    if (willing === 0) return "I do not want to refuel data, and I do not want to change my plan.";
    return `I would like to refuel ${willing} GB. I do not want to change my plan.`;
  }
  if (/\b(?:name|number|who|identif\w*)\b/i.test(question) && customer.known !== null) {
    return inFirstPerson(customer.known);
  }
  return undefined;
}

/** How much data the customer would pay for, by what the sheet says of it. */
function willingGb(sheet: string): number {
  const said = /(not\s+)?willing to refuel (\d+(?:\.\d+)?)\s*GB/i.exec(sheet);
  return said === null || said[1] !== undefined ? 0 : Number(said[2]);
}

/** What the screen shows then, or why it cannot be done, with the name of what was asked before it. */
function shownBy({ tool, input }: SpokenCall, act: CustomerAsked["act"]): string {
  const answer = act(tool, input);
  return `${tool}: ${answer.status === "done" ? String(answer.result) : answer.message}`;
}
