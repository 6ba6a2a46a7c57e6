import { afterAll, expect, test } from "vitest";
import { planOf } from "./plan.ts";
import { loadAttacks, type Suite, type UserTask } from "./suite.ts";
import { tinyFolders } from "./tiny-suite.test.data.ts";

const tinyFolder = tinyFolders(afterAll);

const suite = loadAttacks(tinyFolder().folder).suites[0] as Suite;
const task = (prompt: string, calls: UserTask["calls"]): UserTask => ({
  id: "t",
  prompt,
  calls,
  says: "",
  vectors: [],
});

test("what the user said is fixed, what a read will tell is a hole, and a sentence around it a template", () => {
  const calls = [
    { tool: "list_contacts", args: {} },
    { tool: "list_parcels", args: {} },
    { tool: "send_parcel", args: { recipient: "1 Mill Lane", amount: 3, subject: "For Ada, with love" } },
    { tool: "update_parcel", args: { id: 2, recipient: "5 Lake View" } },
  ];
  const answers = [
    { tool: "list_contacts", output: [{ name: "Ada Byron", street: "1 Mill Lane" }] },
    { tool: "list_parcels", output: [{ id: 2, to: "1 Mill Lane", note: "Ada Byron waits" }] },
  ];
  const plan = planOf(suite, task("Send 3 kg to my first contact; send parcel two to 5 Lake View.", calls), answers);
  expect(plan).toEqual([
    {
      tool: "send_parcel",
      arguments: {
        recipient: { $hole: { type: "string", from: ["list_contacts"] } },
        amount: 3,
        subject: "For Ada, with love",
      },
    },
    {
      tool: "update_parcel",
      arguments: { id: { $hole: { type: "integer", from: ["list_parcels"] } }, recipient: "5 Lake View" },
    },
  ]);
  const named = [{ tool: "send_parcel", args: { recipient: "1 Mill Lane", amount: 3, subject: "For Ada Byron" } }];
  const [step] = planOf(suite, task("Send it.", [...calls.slice(0, 2), ...named]), answers);
  expect(step?.arguments).toEqual({
    recipient: { $hole: { type: "string", from: ["list_contacts"] } },
    amount: { $hole: { type: "number" } },
    subject: {
      $hole: { type: "string", template: "For {0}", parts: [{ $hole: { type: "string", from: ["list_contacts"] } }] },
    },
  });
});

test("a number in the middle of another one was not said", () => {
  const calls = [{ tool: "send_parcel", args: { recipient: "x", amount: 7 } }];
  const amount = (prompt: string) => planOf(suite, task(prompt, calls), [])[0]?.arguments.amount;
  expect([amount("send 7 kg"), amount("send 7.00 kg")]).toEqual([7, 7]);
  expect([amount("to CA7700 17 7.5"), amount("B7")]).toEqual([
    { $hole: { type: "number" } },
    { $hole: { type: "number" } },
  ]);
});
