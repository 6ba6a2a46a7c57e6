import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Json, memoryEngine, runSupervisor } from "@remit/core";
import { playScenario, scriptedModel } from "@remit/core/testing";
import { allDetectors } from "@remit/tools/detect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { playAll } from "../../../packs/play.test.data.ts";
import type { WorldPack } from "../../pack.ts";
import { agentsIn } from "../../suite/agents-in.ts";
import { peopleOf } from "../../suite/people.ts";
import { type InProcessWorld, inProcessTools } from "../../world/in-process.ts";
import { packOf } from "./pack.ts";
import { phoneTools } from "./phone-tools.ts";
import { phoneQuestion } from "./plan.ts";
import type { TelecomState } from "./state.ts";
import { combinations, taskOf, tinyCarrier } from "./tiny-carrier.test.data.ts";

let folder = "";
let pack: WorldPack;
let world: InProcessWorld;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-telecom-team-"));
  // Each fault alone, and a part of the pairs.
  const wrong = combinations(2).filter((all, index) => all.length === 1 || index % 3 === 0);
  pack = packOf(
    tinyCarrier(
      folder,
      wrong.map((all) => taskOf(all)),
    ),
    { module: "", export: "", dir: "" } as never,
  );
  world = inProcessTools(pack, join(folder, "worlds"));
});
afterAll(() => {
  world.close();
  rmSync(folder, { recursive: true, force: true });
});

const failed = (played: Awaited<ReturnType<typeof playAll>>) =>
  played.flatMap(({ outcome, checks, violations }) => [
    ...checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${outcome.scenario.name}: ${name}: ${detail}`),
    ...violations.map((one) => `${outcome.scenario.name}: ${one}`),
  ]);

test("no agent has a tool of the phone, and all that the desk does not have itself it asks for", async () => {
  const definition = pack.team(world.tools);
  const phone = new Set(phoneTools.map(({ name }) => name));
  const held = [...agentsIn(definition).values()].flatMap(({ tools }) => tools.map(({ name }) => name));
  expect(held.filter((name) => phone.has(name))).toEqual([]);
  expect([...world.tools.keys()].filter((name) => phone.has(name))).toEqual([]);

  const chosen = pack.scenarios();
  expect(chosen.length).toBeGreaterThan(40);
  const played = await playAll({ pack, world, definition, name: "oracle", seed: 0, chosen });
  expect(failed(played)).toEqual([]);
  expect(played.every(({ replayed }) => replayed)).toBe(true);
  for (const { log, entries, marks } of played) {
    expect(marks.reward).toBe(true);
    // What was done on the phone was asked for, and was done by whom it was asked of.
    const acts = log.filter(({ tool }) => phone.has(tool));
    expect(acts.every(({ by }) => by === "customer")).toBe(true);
    const questions = entries.flatMap((entry) => (entry.type === "input.requested" ? [entry.body.question] : []));
    for (const { tool } of acts) expect(questions.join(" ")).toContain(`${tool}(`);
  }
});

test("with what comes in sealed the same ends are reached, and no journal has a number or a name of the carrier's", async () => {
  const chosen = pack.scenarios().slice(0, 15);
  const played = await playAll({
    pack,
    world,
    definition: pack.team(world.tools),
    name: "oracle",
    seed: 0,
    chosen,
    sealing: {
      vault: { key: "5".repeat(64) },
      seal: { detectors: allDetectors(), operators: { staff: ["*"] } },
      answers: { reveals: ["*"] },
    },
  });
  expect(failed(played)).toEqual([]);
  expect(played.filter(({ entries }) => JSON.stringify(entries).includes("555-700-0001"))).toEqual([]);
});

test("a question that is put again after a crash is answered alike, and nothing is done twice", async () => {
  const scenario = pack.scenarios().find(({ name }) => name === "tiny-airplane");
  if (!scenario) throw new RangeError("the tiny carrier has no such task");
  const worldId = `crash.${scenario.name}`;
  const otherwise = peopleOf(pack, { scenario, worldId, store: world.store });
  const asked = { ask: "action#1/ask#1", run: { id: "run_1" } as never };
  const question = phoneQuestion([{ tool: "toggle_airplane_mode", input: {} }]);
  const first = await otherwise?.("customer", question, asked);
  expect(await otherwise?.("customer", question, asked)).toBe(first);
  expect(first).toContain("Airplane Mode is now OFF.");
  expect(world.store.log(worldId).map(({ outcome }) => outcome)).toEqual(["done", "duplicate"]);
  expect((world.store.endState(worldId) as TelecomState).phone.airplane_mode).toBe(false);
});

test("what the desk asks in other words is answered too, and who cannot answer says so", async () => {
  const scenario = pack.scenarios().find(({ name }) => name === "tiny-abroad");
  if (!scenario) throw new RangeError("the tiny carrier has no such task");
  const otherwise = peopleOf(pack, { scenario, worldId: `words.${scenario.name}`, store: world.store });
  let asks = 0;
  const say = (question: string) => {
    asks++;
    return otherwise?.("customer", question, { ask: `ask#${asks}`, run: { id: "run_1" } as never });
  };
  expect(await say("Are you travelling at the moment?")).toBe("Yes, I am abroad.");
  expect(await say("Please use Check Status Bar and tell me.")).toContain("check_status_bar: Status Bar: ");
  expect(await say("Do not touch toggle_data; only run_speed_test.")).toBe(
    "run_speed_test: Speed test failed: no connection.",
  );
  expect(await say("Would you like to refuel data?")).toBe(
    "I would like to refuel 2 GB. I do not want to change my plan.",
  );
  expect(await say("I am about to: refuel data (C1, L1, 2). It costs $2.50 in all. Is that right?")).toContain("Yes");
  expect(await say("I am about to: refuel data (C1, L1, 3). Is that right?")).toBe("No, I do not want that.");
  expect(await say("What is your number?")).toContain("555-700-0001");
  expect(await say('Grant it: grant_app_permission(app_name="camera", permission="sms")')).toContain(
    "not found on this phone",
  );
  expect(await say("Hm?")).toBe("I am not sure. Tell me what to do on my phone.");
});

test("a task of nobody whom the carrier knows changes nothing", async () => {
  const dir = mkdtempSync(join(folder, "stranger-"));
  const stranger = { ...(taskOf([], "555-999-0000") as object), initial_state: null } as Json;
  const own = packOf(tinyCarrier(dir, [stranger]), { module: "", export: "", dir: "" } as never);
  const tools = inProcessTools(own, join(dir, "worlds"));
  const [scenario] = own.scenarios();
  if (!scenario) throw new RangeError("there is no scenario");
  const definition = own.team(tools.tools);
  const input = { customer_id: "C1", line_id: "L1" };
  const script = scenario.script.flatMap((turn) => {
    if (turn.agent !== "retrieval") return [turn];
    return [
      { agent: "retrieval", parts: [{ type: "toolCall" as const, callId: "look", tool: "get_data_usage", input }] },
      turn,
    ];
  });
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, scriptedModel(script)]));
  const supervisor = runSupervisor(definition, { engine: memoryEngine(), models });
  const outcome = await playScenario(scenario, {
    supervisor,
    tenant: "test",
    attributes: { ...own.attributes?.(scenario), worldId: "s.stranger" },
  });
  expect(outcome.result.status).toBe("completed");
  expect(outcome.types).toContain("tool.denied");
  expect(tools.store.log("s.stranger")).toEqual([]);
  tools.close();
});
