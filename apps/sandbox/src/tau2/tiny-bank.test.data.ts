import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A bank of two procedures in the published form. Nothing in it is from anybody's data. */

const documents = [
  {
    id: "doc_closing",
    title: "Internal: Closing a piggy bank",
    content: "## Before\n\nThe customer is known.\n\n## Steps\n\nUse break_piggy_bank_17 and count the coins.",
  },
  {
    id: "doc_counting",
    title: "Counting coins yourself",
    content: "Customers count for themselves: give them count_coins_23(colour).",
  },
  { id: "doc_tea", title: "Tea", content: "There is tea. Nothing here is called break_piggy_bank_170." },
];

const args = (...names: readonly string[]) => names.map((name) => ({ name, type: "str" }));
const tools = [
  { name: "log_verification", kind: "write", args: args("name"), discoverable: false, owner: "agent" },
  {
    name: "unlock_discoverable_agent_tool",
    kind: "generic",
    args: args("agent_tool_name"),
    discoverable: false,
    owner: "agent",
  },
  {
    name: "break_piggy_bank_17",
    kind: "write",
    args: [...args("bank"), { name: "hammer", type: "Optional[float]", default: "None" }],
    discoverable: true,
    owner: "agent",
  },
  { name: "paint_piggy_bank_99", kind: "write", args: args("bank"), discoverable: true, owner: "agent" },
  { name: "count_coins_23", kind: "read", args: args("colour"), discoverable: true, owner: "customer" },
  { name: "wave", kind: "generic", args: [], discoverable: false, owner: "customer" },
];

const action = (requestor: string, name: string, input: object, index: number) => ({
  action_id: `1_${index}`,
  name,
  arguments: input,
  requestor,
});
const actions = (
  [
    ["assistant", "log_verification", { name: "Ada" }],
    ["assistant", "unlock_discoverable_agent_tool", { agent_tool_name: "break_piggy_bank_17" }],
    [
      "assistant",
      "call_discoverable_agent_tool",
      { agent_tool_name: "break_piggy_bank_17", arguments: '{"bank": "pig", "hammer": 1.5}' },
    ],
    ["assistant", "give_discoverable_user_tool", { discoverable_tool_name: "count_coins_23" }],
    [
      "user",
      "call_discoverable_user_tool",
      { discoverable_tool_name: "count_coins_23", arguments: '{"colour": "red"}' },
    ],
    ["user", "wave", {}],
  ] as const
).map(([requestor, name, input], index) => action(requestor, name, input, index));

const tasks = [
  {
    id: "task_1",
    user_scenario: {
      persona: null,
      instructions: "You are Ada. Your piggy bank is full; you want it closed, and count your coins.",
    },
    evaluation_criteria: { actions },
    required_documents: ["doc_closing", "doc_counting"],
  },
];

/** Writes it into a folder. */
export function writeTinyBank(folder: string): void {
  writeFileSync(join(folder, "documents.jsonl"), documents.map((one) => JSON.stringify(one)).join("\n"));
  writeFileSync(join(folder, "tools.json"), JSON.stringify({ domain: "tiny", tools }));
  writeFileSync(join(folder, "tasks.json"), JSON.stringify(tasks));
}
