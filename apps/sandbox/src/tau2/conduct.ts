import type { Scenario } from "@remit/core/testing";
import type { Conduct, Objection } from "../model/conduct.ts";
import type { Json } from "../world/world.ts";
import type { RetailDomain } from "./load.ts";
import type { Tau2Task } from "./task.ts";
import { isRetailTool, riskOf } from "./tool-role.ts";

/**
 * What the shop's judges go by. Compliance knows its books: whose order it is, and who has identified himself. That the
 * customer was asked about this very change is compliance's to see where no person decides, and else the reviewer's.
 */
export function retailConduct(
  domain: RetailDomain,
  scenarios: ReadonlyMap<string, Scenario>,
  tasks: ReadonlyMap<string, Tau2Task>,
): Conduct {
  const customers = new Map([...tasks].map(([name, task]) => [name, identifiedIn(task, domain.database)]));
  return ({ scenario, tool, input }) => {
    if (tool === "transfer_to_human_agents" || !isRetailTool(tool)) return [];
    const objections: Objection[] = [];
    const customer = customers.get(scenario);
    if (customer === undefined || ownerOf(domain, input) !== customer) {
      const reason = "What it would change is not the customer's who has identified himself.";
      objections.push({ judge: "compliance", ruleId: "own-records", reason });
    }
    if (!askedIn(scenarios.get(scenario), tool, input)) {
      const judge = riskOf(tool) === "high" ? "reviewer" : "compliance";
      objections.push({ judge, ruleId: "confirmed", reason: "The customer was not asked about this change." });
    }
    return objections;
  };
}

/** Whom the customer's own words name, as one has to be named: by e-mail, by number, or by name and postcode. */
function identifiedIn({ customer }: Tau2Task, { users }: RetailDomain["database"]): string | undefined {
  const words = [customer.known, customer.reason, customer.manner, customer.unknown].join(" ").toLowerCase();
  // As a word of its own: `mia_li_1` is not named by `mia_li_10`, nor Li by what somebody likes.
  const says = (text: string) => isWordIn(words, text.toLowerCase());
  const named = Object.values(users).filter(
    ({ user_id: id, email, name, address }) =>
      says(email) || says(id) || (says(name.first_name) && says(name.last_name) && says(address.zip)),
  );
  return named.length === 1 ? named[0]?.user_id : undefined;
}

const inWord = /[\p{L}\p{N}_@+-]/u;

function isWordIn(words: string, text: string): boolean {
  if (text === "") return false;
  for (let at = words.indexOf(text); at >= 0; at = words.indexOf(text, at + 1)) {
    const [before = "", after = "", next = ""] = [words[at - 1], words[at + text.length], words[at + text.length + 1]];
    const goesOn = inWord.test(after) || (after === "." && inWord.test(next));
    if (!goesOn && !inWord.test(before) && !(before === "." && inWord.test(words[at - 2] ?? ""))) return true;
  }
  return false;
}

function ownerOf({ database }: RetailDomain, input: Json): string | undefined {
  const { order_id: order, user_id: user } = input as { readonly order_id?: string; readonly user_id?: string };
  return order === undefined ? user : database.orders[order]?.user_id;
}

/** True when the desk's question names the change and each of its values. */
export function askedIn(scenario: Scenario | undefined, tool: string, input: Json): boolean {
  const questions = (scenario?.script ?? []).flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === "ask" ? [part.question] : [])),
  );
  const named = `${tool.replaceAll("_", " ")} (`;
  // A value may have commas and brackets of its own.
  const inOrder = (list: string) => list.split(", ").sort().join(", ");
  const list = Object.values(input as object)
    .flat()
    .join(", ");
  const values = inOrder(list);
  return questions.some((question) =>
    question
      .split(named)
      .slice(1)
      .some((rest) => inOrder(rest.slice(0, closingOf(rest, list))) === values),
  );
}

/** Where the bracket closes behind a list that may have some in it. */
function closingOf(text: string, list: string): number {
  let at = text.indexOf(")");
  for (let more = list.split(")").length - 1; more > 0 && at >= 0; more--) at = text.indexOf(")", at + 1);
  return at;
}
