import { beforeEach, describe, expect, test } from "vitest";
import { openTrial, type Trial } from "../../src/world/trial.ts";
import { causeFacts } from "./causes.ts";
import { incidentIdOf } from "./generate.ts";
import { healthOf, healthTable, troublesOf } from "./health.ts";
import { openLibrary } from "./library.ts";
import { factsOf, operationNames, riskOf } from "./operations.ts";
import { plannedIncidents } from "./plan.ts";
import type { OperationsState } from "./state.ts";
import { operationsDeskWorld } from "./world.ts";

const world = operationsDeskWorld();
const start = world.initial();
const library = openLibrary(1);
let desk: Trial<OperationsState>;
beforeEach(() => {
  desk = openTrial(world, start);
});

const serviceOf = (key: string) => {
  const service = start.services[start.incidents[incidentIdOf(key)]?.serviceId ?? ""];
  if (!service) throw new RangeError(key);
  return service;
};
const health = (key: string) => healthOf(desk.state(), serviceOf(key).serviceId);
/** A flag that a service which is well stands or falls with: which ones do is drawn. */
function neededFlag(): string {
  const well = Object.values(start.services).find(
    ({ serviceId, flagId }) => start.flags[flagId]?.nature === "needed" && healthOf(start, serviceId) === "ok",
  );
  return well?.flagId ?? "";
}
/** Does an operation under the incident of a key, on its own service; the infrastructure does not ask which runbook that is. */
const does = (key: string, operation: (typeof operationNames)[number], more: object = {}) => {
  const { target } = factsOf(operation);
  const { incidentId, alert } = start.incidents[incidentIdOf(key)] ?? {};
  const runbook = { runbookId: "RB-999", revision: 0, step: 1 };
  return desk.call(operation, { incidentId, alert, ...runbook, [target]: serviceOf(key)[target], ...more });
};

test("the same seed makes the same infrastructure, another one another", () => {
  expect(operationsDeskWorld({ seed: 1 }).initial()).toEqual(start);
  expect(operationsDeskWorld({ seed: 2 }).initial()).not.toEqual(start);
});

test("who is paged for has something wrong, and all others are well", () => {
  const troubled = new Set(plannedIncidents.filter(({ ended }) => !ended).map(({ service }) => `svc-${service}`));
  const quiet = new Set(["svc-resolver", "svc-edge"]);
  for (const [serviceId, is] of Object.entries(healthTable(start))) {
    expect([serviceId, is === "ok"]).toEqual([serviceId, !troubled.has(serviceId) || quiet.has(serviceId)]);
  }
});

test("the steps of its runbook mend every usual incident, and leave nothing else changed for the worse", () => {
  const before = healthTable(start);
  for (const { key, cause, also, duplicateOf, ended, maintenance, endsAfterWrites } of plannedIncidents) {
    const { runbookId } = causeFacts[cause];
    if (also || duplicateOf || ended || maintenance || endsAfterWrites || runbookId === undefined) continue;
    for (const { operation } of library.get(runbookId)?.steps ?? []) {
      if (operation === undefined) continue;
      const { setting } = factsOf(operation.operation);
      const answer = does(key, operation.operation, setting === undefined ? {} : { [setting]: operation.setting });
      expect(answer).toMatchObject({ state: "done", worsened: [] });
    }
    expect([key, health(key)]).toEqual([key, "ok"]);
  }
  const after = healthTable(desk.state());
  expect(Object.keys(after).filter((one) => after[one] !== "ok" && before[one] === "ok")).toEqual([]);
});

describe("a wrong remedy makes it worse", () => {
  test.each([
    ["a restart where instances are short", "crowd", "restart_service", {}],
    ["more instances on a sick database", "rollbackNeeded", "scale_service", { add: 2 }],
    ["no instances at all", "backlog", "scale_service", { add: -20, serviceId: "svc-audit" }],
    ["consumers for a poisoned queue", "poison", "set_queue_consumers", { add: 3 }],
    ["turning off a flag that is needed", "certificate", "set_feature_flag", { enabled: false, flagId: neededFlag() }],
  ] as const)("%s, and is taken back at once", (_, key, operation, more) => {
    const before = desk.state();
    const answer = does(key, operation, more);
    expect(answer).toMatchObject({ state: "rolled_back", risk: "low" });
    expect((answer as { readonly worsened: readonly string[] }).worsened.join()).toMatch(/→/);
    expect(healthTable(desk.state())).toEqual(healthTable(before));
    const [record] = Object.values(desk.state().operations);
    expect(record?.state).toBe("rolled_back");
  });

  test.each([
    ["a roll-back without a release", "hang", "roll_back_deployment", "errors_after_release"],
    ["draining a node that is well", "flag", "drain_node", "instances_lost"],
    ["purging a queue that is only long", "backlog", "purge_queue", "messages_lost"],
    ["failing over to a sick standby", "rollbackApproved", "fail_over_database", "database_slow"],
  ] as const)("%s stays until somebody takes it back", (_, key, operation, sign) => {
    expect(does(key, operation)).toMatchObject({ state: "done", risk: "high" });
    expect(troublesOf(desk.state(), serviceOf(key).serviceId).map((one) => one.sign)).toContain(sign);
    const back = desk.call("roll_back", { incidentId: incidentIdOf(key), operationId: "OP-1001" });
    if (factsOf(operation).reversible) {
      expect(back).toMatchObject({ state: "rolled_back" });
      expect(health(key)).toBe(healthOf(start, serviceOf(key).serviceId));
    } else {
      expect(back).toBe(`refused: ${operation} cannot be taken back.`);
    }
  });
});

describe("the change gate", () => {
  test("does nothing under an incident that has ended, by whomever, nor into planned work", () => {
    expect(does("endedBefore", "restart_service")).toMatch(/^refused: .* is resolved/);
    expect(does("maintenance", "restart_service")).toMatch(/^refused: Planned work/);
    expect(does("endsMeanwhile", "scale_service", { add: 1 })).toMatchObject({ state: "done" });
    expect(does("endsMeanwhile", "scale_service", { add: 1 })).toMatch(/^refused: .* is resolved/);
    expect(desk.call("get_incident", { incidentId: incidentIdOf("endsMeanwhile") })).toMatchObject({
      status: "resolved",
    });
  });

  test("a way back is gone once, in order, for the operations of its own incident", () => {
    does("hang", "scale_service", { add: 2 });
    does("hang", "scale_service", { add: 3 });
    const back = (operationId: string, key = "hang") =>
      desk.call("roll_back", { incidentId: incidentIdOf(key), operationId });
    expect(back("OP-1001")).toMatch(/^refused: OP-1002 came after it/);
    expect(back("OP-1002", "crowd")).toMatch(/^refused: There is no operation OP-1002 of incident/);
    expect(back("OP-1002")).toMatchObject({ state: "rolled_back" });
    expect(back("OP-1002")).toMatch(/^refused: OP-1002 was taken back already/);
    expect(back("OP-1001")).toMatchObject({ state: "rolled_back" });
    expect(desk.state().services[serviceOf("hang").serviceId]).toEqual(serviceOf("hang"));
  });

  test("a step follows one of its own runbook and incident that stands", () => {
    does("node", "cordon_node");
    const drains = (more: object) => does("node", "drain_node", { step: 2, ...more });
    expect(drains({ after: "OP-1009" })).toMatch(/^refused: OP-1009 is no step before step 2 of RB-999/);
    expect(drains({ after: "OP-1001", step: 1 })).toMatch(/^refused: OP-1001 is no step before step 1/);
    expect(drains({ after: "OP-1001", runbookId: "RB-998" })).toMatch(/^refused: OP-1001 is no step before/);
    expect(does("hang", "restart_service", { step: 2, after: "OP-1001" })).toMatch(
      /^refused: OP-1001 is no step before/,
    );
    desk.call("roll_back", { incidentId: incidentIdOf("node"), operationId: "OP-1001" });
    expect(drains({ after: "OP-1001" })).toMatch(/^refused: OP-1001 was taken back/);
  });

  test("a ticket is resolved when its service is well, and names what was done", () => {
    const incidentId = incidentIdOf("hang");
    const note = (status: string) => desk.call("update_ticket", { incidentId, status, text: "As it is." });
    expect(note("resolved")).toMatch(/^refused: svc-fares is degraded/);
    does("hang", "restart_service");
    expect(note("resolved")).toMatchObject({ status: "resolved", operations: ["OP-1001"] });
    expect(note("open")).toMatch(/^refused: .* its status stays/);
  });
});

test("what an operation is worth stands in one table, and tier 0 makes any of high risk", () => {
  expect(riskOf("restart_service", "svc-fares")).toBe("low");
  expect(riskOf("restart_service", "svc-payments")).toBe("high");
  // What cannot be taken back is never of low risk: the way back has to be known before.
  expect(operationNames.filter((one) => !factsOf(one).reversible && factsOf(one).risk === "low")).toEqual([]);
});
