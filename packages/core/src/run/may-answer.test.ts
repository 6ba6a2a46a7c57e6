import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { Audience } from "../audience.ts";
import { memoryEngine } from "../engine/memory.ts";
import type { OperatorRoles } from "../policy/operators.ts";
import { silentLogger } from "../port/logger.ts";
import { operator, type Principal, service, user } from "../principal.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { answers, asks, scriptedModel } from "../testing/scripted-model.ts";

const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "m",
  tools: [],
  asks: ["customer", "operator"],
  input: text,
  output: text,
  instructions: "",
});

async function asking(of: Audience, by: Principal, roles?: OperatorRoles) {
  const desk = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    engine: memoryEngine({ logger: silentLogger }),
    models: { m: scriptedModel([asks(clerk, of, "Really?"), answers(clerk, { text: "done" })]) },
    ...(roles ? { roles } : {}),
  });
  const run = await desk.start({ text: "go" }, { tenant: "acme", principal: by });
  await run.settled();
  return run;
}

const mine = user("u_1");
const roles: OperatorRoles = { start: ["*"], see: ["*"], approve: ["lead"] };
const forMe = { ...service("web"), onBehalfOf: "u_1" };
const notAsked = "run/answer-not-allowed";
const noRole = "policy/operator-not-allowed";

test.each<[Audience, string, Principal, Principal, OperatorRoles | undefined, string | undefined]>([
  ["operator", "the customer", mine, mine, undefined, notAsked],
  ["operator", "another customer", mine, user("u_2"), undefined, notAsked],
  ["operator", "a customer with the role", mine, user("u_2", ["lead"]), roles, notAsked],
  ["operator", "an operator", mine, operator("o_1"), undefined, undefined],
  ["operator", "a service", mine, service("s_1"), undefined, undefined],
  ["operator", "an operator without the role", mine, operator("o_1", ["clerk"]), roles, noRole],
  ["operator", "an operator with the role", mine, operator("o_1", ["lead"]), roles, undefined],
  ["operator", "who started the run, without the role", operator("o_1"), operator("o_1"), roles, noRole],
  ["customer", "the customer", mine, mine, roles, undefined],
  ["customer", "another customer", mine, user("u_2"), undefined, notAsked],
  ["customer", "the customer's delegate", mine, { ...user("u_2"), onBehalfOf: "u_1" }, roles, undefined],
  ["customer", "an operator", mine, operator("o_1"), undefined, undefined],
  ["customer", "an operator without the role", mine, operator("o_1"), roles, noRole],
  ["customer", "an operator with the role", mine, operator("o_1", ["lead"]), roles, undefined],
  ["customer", "an operator with the customer's id", mine, operator("u_1"), roles, noRole],
  ["customer", "the service that started the run", service("web"), service("web"), roles, undefined],
  ["customer", "any customer of a service's run", service("web"), user("u_2"), roles, undefined],
  ["customer", "the customer a service started for", forMe, mine, roles, undefined],
  ["customer", "another one than a service started for", forMe, user("u_2"), roles, notAsked],
])("a question to the %s: %s", async (of, _, by, who, allowed, code) => {
  const run = await asking(of, by, allowed);
  if (code === undefined) {
    await run.send("yes", { principal: who });
    expect((await run.result()).status).toBe("completed");
    return;
  }
  const before = await run.entries();
  await expect(run.send("yes", { principal: who })).rejects.toMatchObject({ code, data: { principal: who.id } });
  expect(await run.entries()).toEqual(before);
  expect(await run.questions()).toHaveLength(1);
});
