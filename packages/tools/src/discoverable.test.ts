import { createSupervisor, defineAgent, definePolicy, defineTool, memoryEngine, operator, user } from "@remit/core";
import { answers, callsAll, scriptedModel } from "@remit/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { discoverable, names } from "./discoverable.ts";

test("a name is named as a whole word, anywhere in what was read", () => {
  expect(names({ hits: [{ text: "Use close_account(id) then." }] }, "close_account")).toBe(true);
  expect(names("`close_account`", "close_account")).toBe(true);
  expect(names("close_account_2, then xclose_account, close_account", "close_account")).toBe(true);
  for (const text of ["close_account_2", "reclose_account", "close-account", "", "close_accounts", "my-close_account"])
    expect(names(text, "close_account")).toBe(false);
  // Names of members are nobody's word, and no name names nothing.
  expect(names({ close_account: 1 }, "close_account")).toBe(false);
  expect(names("anything", "")).toBe(false);
  expect(names([null, 7, true], "7")).toBe(false);
});

const text = z.object({ text: z.string() });
const read = defineTool({
  name: "read_page",
  description: "",
  input: z.object({}),
  output: text,
  effect: "read",
  execute: () => ({ text: "Use close_account, and open_safe." }),
});
const closeAccount = defineTool({
  name: "close_account",
  description: "Closes it.",
  input: z.object({ account: z.string() }),
  output: text,
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: () => ({ text: "closed" }),
});

test.each<[string, object]>([
  ["tools", { namedBy: [read] }],
  ["namedBy", { tools: [closeAccount], namedby: [read] }],
  ["namedBy", { tools: [closeAccount], namedBy: read }],
  ["tools", { tools: ["close_account"], namedBy: [read] }],
  ["By", { tools: [closeAccount], namedBy: [read], By: "approve" }],
  ["by", { tools: [closeAccount], namedBy: [read], by: "aprove" }],
])("what no compiler has seen is told by its member: %s", (member, options) => {
  expect(() => discoverable(options as never)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^options\//), data: expect.objectContaining({ member }) }),
  );
});

test("a person can be asked about each unlocking; what is of high risk waits for one besides; what is not there is refused", async () => {
  const { unlock, rules } = discoverable({ tools: [closeAccount], namedBy: [read], by: "approve" });
  const clerk = defineAgent({
    name: "clerk",
    description: "",
    model: "m",
    tools: [read, unlock, closeAccount],
    toolSearch: { tool: "unlock_tool", always: ["read_page"] },
    input: text,
    output: text,
    instructions: "",
  });
  const model = scriptedModel([
    callsAll(clerk, [["read_page", {}]]),
    callsAll(clerk, [["unlock_tool", { tool: "close_account" }]]),
    callsAll(clerk, [["close_account", { account: "7" }]]),
    callsAll(clerk, [["unlock_tool", { tool: "open_safe" }]]),
    answers(clerk, { text: "" }),
  ]);
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine: memoryEngine(),
    policy: definePolicy({
      name: "locks",
      version: "1",
      rules: [
        { id: "work", on: ["model", "egress"], effect: "allow", because: "they work" },
        { id: "read", on: "tool", tools: ["read_page"], effect: "allow", because: "who reads learns" },
        ...rules,
      ],
    }),
    models: { m: model },
  });
  const run = await desk.start({ text: "" }, { tenant: "acme", principal: user("ann") });
  const waited: string[] = [];
  while ((await run.settled()) === "parked") {
    for (const { tool, address } of await run.approvals()) {
      waited.push(tool);
      await desk.approvals.approve("acme", address, { reason: "fine", principal: operator("lead") });
    }
  }
  expect(waited).toEqual(["unlock_tool", "close_account", "unlock_tool"]);
  const entries = await run.entries();
  expect(
    entries
      .filter(({ type }) => type === "tool.failed")
      .map(({ body }) => (body as never as { error: { code: string } }).error.code),
  ).toEqual(["tool/refused"]);
  expect(model.requests.map(({ tools }) => tools.map(({ name }) => name).sort())).toEqual([
    ["read_page", "unlock_tool"],
    ["read_page", "unlock_tool"],
    ["close_account", "read_page", "unlock_tool"],
    ["close_account", "read_page", "unlock_tool"],
    ["close_account", "read_page", "unlock_tool"],
  ]);
});

test("what was done with a locked tool is undone by another one, which nobody unlocked", async () => {
  const write = { output: text, effect: "write", risk: "low", idempotency: "key", description: "" } as const;
  const shutSafe = defineTool({ ...write, name: "shut_safe", input: text, execute: () => ({ text: "shut" }) });
  const openSafe = defineTool({
    ...write,
    name: "open_safe",
    input: z.object({}),
    undo: { tool: shutSafe, input: () => ({ text: "7" }) },
    execute: () => ({ text: "7" }),
  });
  const { unlock, rules } = discoverable({ tools: [openSafe, shutSafe], namedBy: [read] });
  const clerk = defineAgent({
    name: "clerk",
    description: "",
    model: "m",
    tools: [read, unlock, openSafe, shutSafe],
    input: text,
    output: text,
    instructions: "",
  });
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine: memoryEngine(),
    policy: definePolicy({
      name: "locks",
      version: "1",
      rules: [
        { id: "work", on: ["model", "egress"], effect: "allow", because: "they work" },
        { id: "read", on: "tool", effect: "allow", when: ({ tool }) => tool === "read_page", because: "it is free" },
        ...rules,
      ],
    }),
    models: {
      m: scriptedModel([
        callsAll(clerk, [["read_page", {}]]),
        callsAll(clerk, [["unlock_tool", { tool: "open_safe" }]]),
        callsAll(clerk, [
          ["shut_safe", { text: "7" }],
          ["open_safe", {}],
        ]),
        answers(clerk, { text: "" }),
      ]),
    },
  });
  const as = { tenant: "acme", principal: operator("lead") };
  const run = await desk.start({ text: "" }, as);
  await run.result();
  const undone = await desk.compensate(run.id, as);
  await undone.settled();
  const calls = [...(await run.entries()), ...(await undone.entries())].flatMap(({ type, body }) => {
    if (type === "tool.denied") return [`${body.tool} ${body.error.code}`];
    return type === "tool.called" ? [`${body.tool} ${body.decision.ruleId}`] : [];
  });
  expect(calls).toEqual([
    "read_page read",
    "unlock_tool unlock_tool:named",
    "shut_safe policy/not-yet",
    "open_safe unlock_tool:unlocked",
    "shut_safe unlock_tool:undone",
  ]);
});
