import { describe, expect, test } from "vitest";
import { planTask, transferSentenceOf } from "./plan.ts";
import type { Tau2Task } from "./task.ts";
import { inFirstPerson } from "./wording.ts";

const names = [
  "get_user_details",
  "calculate",
  "cancel_pending_order",
  "modify_user_address",
  "get_order_details",
  "transfer_to_human_agents",
];
const task: Tau2Task = {
  id: "t",
  purpose: null,
  customer: {
    persona: null,
    reason: "You want your lamp back",
    known: "You are Ada Quill.",
    unknown: "You forgot your e-mail address.",
    manner: "Be brief.",
  },
  actions: names.map((name, n) => ({ id: `a${n}`, name, input: { n }, by: "agent" })),
  communicate: ["12.25", "red"],
  assertions: [],
  rewardBasis: [],
  prepared: false,
  given: false,
  setUp: [],
  checks: [],
};

describe("a plan", () => {
  const plan = planTask(task, { policy: "Call the tool, then send the message 'PLEASE WAIT FOR A PERSON.' to them." });

  test("has segments that alternate and keep the order", () => {
    expect(plan.segments.map(({ role, steps }) => [role, steps.map(({ actionId }) => actionId)])).toEqual([
      ["retrieval", ["a0", "a1"]],
      ["action", ["a2", "a3"]],
      ["retrieval", ["a4"]],
      ["action", ["a5"]],
    ]);
    expect(plan.segments[1]?.steps[0]).toEqual({
      actionId: "a2",
      name: "cancel_pending_order",
      input: { n: 2 },
      role: "action",
      effect: "write",
    });
  });

  test("opens as the customer and closes with what must be said", () => {
    expect(plan.opening).toBe("Hello, I need some help. I want my lamp back. About me: I am Ada Quill.");
    expect(plan.mustSay).toEqual(["12.25", "red"]);
    for (const text of [...plan.mustSay, "PLEASE WAIT FOR A PERSON."]) expect(plan.answer).toContain(text);
  });

  test("without calls, a sheet or words to say is still a conversation", () => {
    const bare = planTask({ ...task, actions: [], communicate: [], customer: { ...task.customer, known: null } });
    expect(bare).toMatchObject({ segments: [], opening: "Hello, I need some help. I want my lamp back." });
    expect(bare.answer).not.toBe("");
  });

  test("with a call that is nobody's is refused", () => {
    const actions = [{ id: "a0", name: "launch_rocket", input: {}, by: "agent" } as const];
    expect(() => planTask({ ...task, actions })).toThrow(
      expect.objectContaining({ code: "tau2/not-supported", message: expect.stringContaining("launch_rocket") }),
    );
  });
});

test("a policy without the sentence has none", () => {
  expect(transferSentenceOf("Be kind.")).toBeUndefined();
});

test.each([
  ["You are Ada, your zip is 00042.", "I am Ada, my zip is 00042."],
  ["You name is Ada.", "My name is Ada."],
  [" . You want it; you're in a hurry;", "I want it; I am in a hurry."],
  ["If the clerk tells you that you can't, you'd rather wait.", "If the clerk tells me that I can't, I'd rather wait."],
  ["Is it fine with you? You've asked for yourself.", "Is it fine with me? I've asked for myself."],
  ["Say thank you.", "Say thank you."],
  ["Your mail is you.your@you.test", "My mail is you.your@you.test."],
  ["Your orders are #you and you_1.", "My orders are #you and you_1."],
  ["You want two\n  things. Your lamp, too", "I want two things. My lamp, too."],
])("%s → %s", (sheet, spoken) => {
  expect(inFirstPerson(sheet)).toBe(spoken);
});
