import { expect, test } from "vitest";
import { retailConduct } from "./conduct.ts";
import type { RetailDomain } from "./load.ts";
import type { Tau2Task } from "./task.ts";

const address = { address1: "1 Mill Lane", address2: "", city: "Porto", country: "PT", state: "P", zip: "800" };
const user = (id: string, email: string, first: string, last: string) => ({
  user_id: id,
  name: { first_name: first, last_name: last },
  address,
  email,
  payment_methods: {},
  orders: [],
});
const users = {
  mia_li_1: user("mia_li_1", "mia@x.test", "Mia", "Li"),
  mia_li_10: user("mia_li_10", "li.mia@x.test", "Miara", "Liu"),
};
const domain = { database: { users, orders: {}, products: {} } } as unknown as RetailDomain;
const rulesFor = (known: string) => {
  const task = { customer: { known, reason: "I would like it.", manner: null, unknown: null } } as unknown as Tau2Task;
  const conduct = retailConduct(domain, new Map(), new Map([["task", task]]));
  return (id: string) =>
    conduct({ scenario: "task", tool: "modify_user_address", input: { user_id: id } } as never).map(
      ({ ruleId }) => ruleId,
    );
};

test.each([
  ["Your user id is mia_li_10.", "mia_li_10"],
  ["Your user id is mia_li_1.", "mia_li_1"],
  ["Your mail is li.mia@x.test, as ever.", "mia_li_10"],
  ["Your mail is mia@x.test.", "mia_li_1"],
  ["You are Mia Li in 800.", "mia_li_1"],
])("who says %j is one customer, though the beginning of it is another's", (known, id) => {
  const rules = rulesFor(known);
  expect(rules(id)).not.toContain("own-records");
  for (const other of Object.keys(users)) if (other !== id) expect(rules(other)).toContain("own-records");
});

test("a customer is asked about values that have commas and brackets of their own", () => {
  const input = { user_id: "mia_li_1", address1: "Zoo Lane 1, Apt 3", address2: "(rear)", city: "Boston" };
  const asked = `I am about to: modify user address (${Object.values(input).join(", ")}). Is that right?`;
  const scenario = { name: "task", script: [{ agent: "action", parts: [{ type: "ask", question: asked }] }] };
  const task = { customer: { known: "mia_li_1", reason: "", manner: null, unknown: null } } as unknown as Tau2Task;
  const conduct = retailConduct(domain, new Map([["task", scenario as never]]), new Map([["task", task]]));
  const judged = (given: object) => conduct({ scenario: "task", tool: "modify_user_address", input: given } as never);
  expect(judged(input)).toEqual([]);
  expect(judged({ ...input, city: "Berlin" })).toMatchObject([{ ruleId: "confirmed" }]);
});
