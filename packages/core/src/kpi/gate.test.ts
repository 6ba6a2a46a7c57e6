import { expect, test } from "vitest";
import { checkGates, type Gate, readGate } from "./gate.ts";
import { kpiTally } from "./kpis.ts";
import { kpiNames } from "./named.ts";
import { byTag } from "./segment.ts";
import { run } from "./story.test.data.ts";

const gate = (text: string): Gate => {
  const read = readGate(text);
  if (!read.ok) throw new Error(read.reason);
  return read.gate;
};

test.each([
  ["containment>=0.6", { name: "containment", operator: ">=", bound: 0.6 }],
  [" containment >= 60% ", { name: "containment", operator: ">=", bound: 0.6 }],
  ["containment[refund]>0.5", { name: "containment", of: "refund", operator: ">", bound: 0.5 }],
  ["costPerSuccess<=0.05", { name: "costPerSuccess", operator: "<=", bound: 0.05 }],
  ["resolution.p95<5m", { name: "resolution.p95", operator: "<", bound: 300_000 }],
  ["firstResponse.p50<=1500", { name: "firstResponse.p50", operator: "<=", bound: 1_500 }],
  ["toolFailure[refund_order]<=1%", { name: "toolFailure", of: "refund_order", operator: "<=", bound: 0.01 }],
  ["violations<=0", { name: "violations", operator: "<=", bound: 0 }],
])("%s is a gate", (text, expected) => {
  expect(gate(text)).toEqual({ text: text.trim(), ...expected });
});

test("a percentage and a time are what they say, to the last digit", () => {
  for (let part = 0; part <= 1_000; part++) {
    expect(gate(`containment>=${part / 10}%`).bound).toBe(part / 1_000);
    expect(gate(`active.p95<=${part / 1_000}s`).bound).toBe(part);
    expect(gate(`active.p95<=${part / 100}m`).bound).toBe(part * 600);
  }
});

test.each([
  ["containment", "is no gate"],
  ["", "is no gate"],
  ["containment>=", "is no gate"],
  ["containment=0.6", "is no gate"],
  ["containmnet>=0.6", "there is no KPI containmnet (is it containment?)"],
  ["zeal>=0.6", "there is no KPI zeal; there are containment, "],
  ["CONTAINMENT>=0.6", "is it containment?"],
  ["resolution>=2s", "is it resolution.p50?"],
  ["toString>=1", "there is no KPI toString"],
  ["containment>=1.2", "cannot be >= 1.2"],
  ["containment>=120%", "cannot be >= 120%"],
  ["containment>=-0.1", "cannot be >= -0.1"],
  ["containment>1", "cannot be > 1"],
  ["escalation<0", "cannot be < 0"],
  ["costPerSuccess<0", "cannot be < 0"],
  ["containment>=much", "is no bound for containment"],
  ["costPerSuccess<=5%", "is no bound for costPerSuccess"],
  ["containment>=NaN", "is no bound"],
  ["containment>=1e999", "is no bound"],
  ["resolution.p95<=5w", "is no bound"],
])("%s is none, and the reason says why", (text, reason) => {
  const read = readGate(text);
  expect(read.ok).toBe(false);
  expect(read.ok ? "" : read.reason).toContain(reason);
});

test("a gate holds or misses by how much; what has no value holds nothing", () => {
  const tally = kpiTally({ segmentBy: { tag: byTag() } });
  tally.take(run("a", ["refund"]));
  tally.take(run("b", ["refund"]).parked());
  tally.take(run("c", ["question"]).escalated("low_confidence"));
  const kpis = tally.close();
  const texts = [
    "containment>=0.5",
    "containment>=0.75",
    "containment[refund]>=1",
    "containment[question]>0",
    "containment[nobody]>=0",
    "violations<=0",
    "costPerSuccess<=1",
    "toolFailure[refund_order]<=1",
  ];
  const results = checkGates(kpis, texts.map(gate));
  expect(results.map(({ held, missedBy, reason }) => missedBy ?? reason ?? held)).toEqual([
    true,
    0.25,
    true,
    0,
    "no run has the tag nobody",
    "nobody has looked from outside",
    "the cost of 2 model calls is unknown",
    "no tool refund_order was called",
  ]);
});

test("no gate holds over no runs at all", () => {
  const none = kpiTally().close();
  for (const name of kpiNames) {
    const [result] = checkGates(none, [gate(`${name}>=0`)]);
    expect(result, name).toMatchObject({ held: false, reason: expect.any(String) as string });
  }
});
