import { testPolicy } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { incidentIdOf } from "./generate.ts";
import { planFaults } from "./guard.ts";
import { libraryOf, openLibrary } from "./library.ts";
import { operationsPolicy } from "./policy.ts";

const library = openLibrary(1);
const policy = operationsPolicy(library, ["update_ticket"]);
const revision = (runbookId: string) => library.get(runbookId)?.revision ?? 0;
const step = {
  incidentId: incidentIdOf("hang"),
  alert: "InstancesHang",
  runbookId: "RB-101",
  revision: revision("RB-101"),
  step: 2,
  serviceId: "svc-fares",
};
const looked = { untrusted: [], planned: false, clean: false };

describe("the policy", () => {
  const asks = (
    tool: string,
    args: object,
    expect_: "allow" | "approve" | "deny",
    rule: string,
    flow: object | undefined = looked,
  ) => ({
    name: `${tool} ${JSON.stringify(args)}`,
    request: {
      edge: "tool" as const,
      agent: "action",
      tool,
      effect: "write" as const,
      arguments: args as never,
      ...(flow === undefined ? {} : { flow: flow as typeof looked }),
    },
    expect: expect_,
    rule,
  });
  test("lets pass what a current runbook says, asks a person on what is of high risk, and nothing else", () => {
    const release = { ...step, alert: "ErrorsAfterRelease", runbookId: "RB-103", revision: revision("RB-103") };
    const old = { ...step, alert: "CapacityShort", runbookId: "RB-021", revision: 2 };
    const node = { runbookId: "RB-109", revision: revision("RB-109"), step: 3, nodeId: "node-09" };
    const drain = { incidentId: step.incidentId, alert: "NodeUnhealthy", ...node };
    const checks = testPolicy(policy, [
      asks("restart_service", step, "allow", "low-risk-step"),
      asks("restart_service", { ...step, serviceId: "svc-payments" }, "approve", "high-risk-step"),
      asks("roll_back_deployment", release, "approve", "high-risk-step"),
      asks("roll_back_deployment", step, "deny", "no-rule"),
      asks("restart_service", { ...step, revision: step.revision + 1 }, "deny", "no-rule"),
      asks("restart_service", { ...step, step: 1 }, "deny", "no-rule"),
      asks("restart_service", { ...step, alert: "DiskFilling" }, "deny", "no-rule"),
      asks("restart_service", { serviceId: "svc-fares" }, "deny", "no-rule"),
      asks("restart_service", old, "deny", "no-rule"),
      // The first step follows none, and a later one some.
      asks("restart_service", { ...step, after: "OP-1001" }, "deny", "no-rule"),
      asks("drain_node", drain, "deny", "no-rule"),
      asks("drain_node", { ...drain, after: "OP-1001" }, "approve", "high-risk-step"),
      asks("update_ticket", {}, "allow", "ticket"),
      asks("page_oncall", {}, "deny", "no-rule"),
      asks("roll_back", {}, "allow", "way-back"),
      // Who has looked at nothing changes nothing.
      asks("restart_service", step, "deny", "looked-first", { ...looked, clean: true }),
      asks("update_ticket", {}, "deny", "looked-first", { ...looked, clean: true }),
    ]);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  test("is another one when a runbook has another revision", () => {
    const [first, ...rest] = library.runbooks;
    if (first === undefined) throw new RangeError("no runbooks");
    const later = libraryOf([{ ...first, revision: first.revision + 1 }, ...rest]);
    expect(operationsPolicy(later, []).version).not.toBe(policy.version);
    expect(operationsPolicy(openLibrary(1), []).version).toBe(policy.version);
  });
});

describe("the guard", () => {
  const steps = [{ step: 2, operation: "restart_service", target: "svc-fares" }];
  const plan = {
    outcome: "plan" as const,
    runbookId: "RB-101",
    revision: step.revision,
    steps,
    because: "",
    passages: [{ sourceId: `RB-101@${step.revision}`, text: "Restart." }],
    missing: [],
  };
  const asked = { alert: "InstancesHang" as const, serviceId: "svc-fares" };
  const faults = (more: Partial<Parameters<typeof planFaults>[1]>, of: Parameters<typeof planFaults>[2] = asked) =>
    planFaults(library, { ...plan, ...more }, of);

  test("lets a plan pass that is its runbook's, and a part of it from the beginning", () => {
    expect(faults({})).toEqual([]);
    const volume = { alert: "VolumeTooSmall" as const, serviceId: "svc-archive" };
    const more = { runbookId: "RB-108", revision: revision("RB-108"), passages: [{ sourceId: "RB-108", text: "" }] };
    const rotate = { step: 2, operation: "rotate_logs", target: "node-08" };
    const expand = { step: 3, operation: "expand_volume", target: "node-08" };
    expect(faults({ ...more, steps: [rotate, expand] }, volume)).toEqual([]);
    expect(faults({ ...more, steps: [rotate] }, volume)).toEqual([]);
    expect(faults({ ...more, steps: [expand] }, volume)).toHaveLength(1);
    expect(faults({ ...more, steps: [expand, rotate] }, volume)).toHaveLength(2);
  });

  test.each([
    ["no plan", { outcome: "none" as const }, /there is no plan/],
    ["a runbook that there is not", { runbookId: "RB-999" }, /there is no runbook RB-999/],
    ["another revision", { revision: 1 }, /is not revision 1/],
    ["a runbook that was not read", { passages: [] }, /it was not read/],
    ["no step", { steps: [] }, /has no step/],
    [
      "an invented step",
      { steps: [...steps, { step: 3, operation: "scale_service", target: "svc-fares", setting: 9 }] },
      /step 3 is not the next/,
    ],
    [
      "another operation",
      { steps: [{ step: 2, operation: "drain_node", target: "node-01" }] },
      /is restart_service, not drain_node/,
    ],
    [
      "a setting that it has not",
      { steps: [{ step: 2, operation: "restart_service", target: "svc-fares", setting: 2 }] },
      /not restart_service so/,
    ],
    [
      "another service",
      { steps: [{ step: 2, operation: "restart_service", target: "svc-ledger" }] },
      /the incident about svc-fares/,
    ],
  ])("sends back %s", (_, more, what) => {
    expect(faults(more).join("\n")).toMatch(what);
  });

  test("sends back a runbook that is outdated, retired or about something else", () => {
    const old = { runbookId: "RB-021", revision: 2, passages: [{ sourceId: "RB-021", text: "" }] };
    expect(faults(old, { ...asked, alert: "CapacityShort" })).toEqual(["RB-021 is outdated"]);
    expect(faults({}, { ...asked, alert: "DiskFilling" })).toEqual(["RB-101 is not about DiskFilling"]);
  });
});
