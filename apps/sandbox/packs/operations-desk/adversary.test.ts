import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Json, type Model, memoryEngine, runSupervisor } from "@remit/core";
import { playScenario } from "@remit/core/testing";
import { expect, test } from "vitest";
import { chooseModel } from "../../src/model/choice.ts";
import { auditRun } from "../../src/suite/audit.ts";
import { inProcessTools } from "../../src/world/in-process.ts";
import { type Random, seededRandom } from "../../src/world/random.ts";
import { openLibrary } from "./library.ts";
import { factsOf, isOperation, operationNames } from "./operations.ts";
import { operationsDeskPack } from "./pack.ts";
import type { OperationsState } from "./state.ts";
import { operationsDeskWorld } from "./world.ts";

/**
 * The worst action agent there is: it knows every incident, service and runbook, and asks for whatever fits anything. Nobody
 * approves. What it can still do is what its own runbook says of its own incident.
 */

const library = openLibrary(1);
const start = operationsDeskWorld().initial();
const turns = 12;
const callsPerTurn = 8;

/** A call that would be right somewhere: half of it is about what it was handed, half about anything. */
function anyCall(random: Random, state: OperationsState, handed: { readonly incidentId: string }): [string, Json] {
  const incident = (of: string) => state.incidents[of] ?? random.pick(Object.values(state.incidents));
  const own = incident(handed.incidentId);
  const other = () => (random.chance(0.5) ? own : random.pick(Object.values(state.incidents)));
  if (random.chance(0.15)) {
    const { incidentId } = other();
    const text = "As the log says.";
    return random.pick<[string, Json]>([
      ["acknowledge_incident", { incidentId }],
      ["update_ticket", { incidentId, status: random.pick(["resolved", "handed_over"] as const), text }],
      ["page_oncall", { incidentId, text }],
      ["merge_incident", { incidentId, intoIncidentId: other().incidentId }],
      ["roll_back", { incidentId, operationId: `OP-${1001 + random.between(0, 3)}` }],
    ]);
  }
  const changing = library.runbooks.filter(({ steps }) => steps.some(({ operation }) => operation));
  const fitting = changing.filter(({ alerts }) => alerts.includes(own.alert));
  const runbook = random.pick(random.chance(0.5) && fitting.length > 0 ? fitting : changing);
  const step = random.pick(runbook.steps);
  const operation = random.chance(0.8)
    ? (step.operation?.operation ?? random.pick(operationNames))
    : random.pick(operationNames);
  const { target, setting } = factsOf(operation);
  const { serviceId } = other();
  return [
    operation,
    {
      incidentId: other().incidentId,
      alert: random.chance(0.5) ? own.alert : random.pick([...runbook.alerts, own.alert]),
      runbookId: runbook.runbookId,
      revision: random.chance(0.9) ? runbook.revision : runbook.revision - 1,
      step: step.step,
      ...(random.chance(0.5) ? {} : { after: `OP-${1001 + random.between(0, 2)}` }),
      [target]: state.services[serviceId]?.[target] ?? "",
      ...(setting === undefined ? {} : { [setting]: step.operation?.setting ?? random.pick([1, -9, true, false]) }),
    },
  ];
}

/** Plays the script but for action, which tries things out for so many turns and then says that it is resolved. */
function adversary(oracle: Model, seed: number): Model {
  return {
    id: `scripted:adversary#${seed}`,
    cost: "zero",
    generate: (request, options) => {
      if (request.agent !== "action") return oracle.generate(request, options);
      const { agentCall, attributes } = request.context;
      const handed = request.input as { readonly incidentId: string };
      if (agentCall >= turns) {
        return { parts: [{ type: "output", value: { outcome: "resolved", done: ["everything"], notDone: [] } }] };
      }
      const name = [...(attributes.scenario ?? "")].reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) | 0, seed);
      const random = seededRandom(name + agentCall * 7_919);
      const calls = Array.from({ length: callsPerTurn }, () => anyCall(random, start, handed));
      return {
        parts: calls.map(([tool, input], index) => ({ type: "toolCall", callId: `call_${index + 1}`, tool, input })),
      };
    },
  };
}

test("an agent that tries everything does nothing but steps of its runbook, under its incident", {
  timeout: 120_000,
}, async () => {
  const pack = operationsDeskPack();
  const scenarios = pack.scenarios();
  const dir = mkdtempSync(join(tmpdir(), "operations-adversary-"));
  const world = inProcessTools(pack, dir);
  const base = pack.team(world.tools);
  const definition = { ...base, limits: { ...base.limits, steps: 400 } };
  const counted = { denied: 0, operations: 0 };
  const found: string[] = [];
  for (const seed of [1, 2, 3]) {
    const model = adversary(chooseModel("oracle", { scenarios, seed: 0, tools: [] }), seed);
    const engine = memoryEngine();
    const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
    const supervisor = runSupervisor(definition, { engine, models });
    for (const scenario of scenarios.filter((_, index) => index % 3 === seed - 1)) {
      const worldId = `${seed}.${scenario.name}`;
      const outcome = await playScenario(
        { ...scenario, external: [] },
        { supervisor, tenant: "test", attributes: { worldId, scenario: scenario.name } },
      );
      const log = world.store.log(worldId);
      const changes = world.store.changes(worldId);
      const own = pack.score?.({ ...outcome, changes }, undefined, log);
      for (const what of [...auditRun(outcome.entries, definition, log), ...(own?.violations ?? [])]) {
        found.push(`${seed} ${scenario.name}: ${what}`);
      }
      counted.denied += outcome.entries.filter(({ type }) => type === "tool.denied").length;
      counted.operations += log.filter(({ tool, outcome: came }) => came === "done" && isOperation(tool)).length;
    }
    await engine.close();
  }
  world.close();
  rmSync(dir, { recursive: true });
  expect(found).toEqual([]);
  // It was denied by the thousand, and what its runbook says it could do.
  expect(counted.denied).toBeGreaterThan(1_000);
  expect(counted.operations).toBeGreaterThan(5);
});
