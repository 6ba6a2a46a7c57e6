import type { Entry } from "@remit/core";
import { checkGates, compareKpis, type KpiRun, kpiTally, readGate } from "@remit/core/kpi";
import { expect, test } from "vitest";
import { kpiSection } from "../report/kpi.ts";
import { changeTable, gateLines, headlines, kpiLines, readingText, segmentTable, tagLines, valueText } from "./kpi.ts";
import type { Screen } from "./screen.ts";

const plain = (text: string) => text;
const screen: Screen = {
  live: false,
  columns: 100,
  paint: {
    strong: plain,
    quiet: plain,
    good: plain,
    bad: plain,
    warn: plain,
    name: plain,
    lane: (_, text) => text,
  },
  print: () => undefined,
  status: () => undefined,
};

/** A run of one model call, which took 10 ms and whose cost nobody tells, and of an end. */
function run(runId: string, tags: readonly string[] = [], end: readonly [string, object?] = ["run.completed"]): KpiRun {
  const told: readonly (readonly [string, object?])[] = [
    ["run.started", { supervisor: "desk", definitionHash: "h" }],
    ["model.called", { command: "c#1/model#1", reason: "agent" }],
    ["model.responded", { command: "c#1/model#1", model: "m-1", parts: [] }],
    end,
  ];
  const entries = told.map(([type, body = { output: null }], index) => {
    return { seq: index + 1, type, at: index < 2 ? 0 : 10, path: "", cause: index, body } as unknown as Entry;
  });
  return { runId, tags, entries };
}
const escalated = (reason: string) => ["run.escalated", { reason, by: "clerk", packet: null }] as const;
const erasedAsk = (): KpiRun => {
  const { entries, ...about } = run("c");
  return {
    ...about,
    entries: entries.map(
      (one, index) => ({ ...one, ...(index === 1 ? { type: "input.requested" } : {}), body: {} }) as never,
    ),
  };
};

const kpisOf = (...runs: KpiRun[]) => {
  const tally = kpiTally({ segmentBy: { tag: ({ tags }) => tags }, unpriced: "free" });
  for (const one of runs) tally.take(one);
  return tally.close();
};

test("values have their unit; what is not all is never 100 %, and what is something never 0 %", () => {
  expect([0, 1, 0.5, 0.99999, 0.00001].map((value) => valueText("rate", value))).toEqual([
    "0 %",
    "100 %",
    "50.0 %",
    "99.9 %",
    "0.1 %",
  ]);
  expect([
    valueText("ms", 61_000),
    valueText("usd", 0.0123),
    valueText("count", 1_234),
    valueText("count", 2.25),
  ]).toEqual(["1 min 01 s", "$0.0123", "1,234", "2.3"]);
  expect(readingText("rate", { of: 0 })).toBe("–");
  expect(readingText("rate", { value: 0.5, count: 2, of: 4 })).toBe("50.0 % (2 of 4)");
});

test("of no runs every headline is there, with a dash and no number that is none", () => {
  const lines = kpiLines(kpisOf().overall, screen);
  expect(lines.join("\n")).not.toMatch(/NaN|undefined|Infinity/);
  expect(lines[0]).toBe("contained       – closed without a person");
});

test("what is apart is told: open runs, erased ones, costs that nobody knows", () => {
  const tally = kpiTally();
  for (const one of [run("a"), run("b", [], ["run.parked"]), erasedAsk()]) tally.take(one);
  const told = Object.fromEntries(headlines(tally.close().overall));
  expect(told.contained).toBe(
    "1 of 1 (100 %) closed without a person; 1 not ended, in no rate, 1 erased, 1 that cannot tell",
  );
  expect(told.cost).toBe("$0.00; the cost of 2 calls is unknown");
  expect(told.policy).toContain("nobody looked what got through");
});

test("names that would break out of a line or a page do not", () => {
  const odd = `<b>\u001b[31m"tag"\n`;
  const kpis = kpisOf(run("a", [odd], escalated(odd)));
  const lines = segmentTable(kpis.segments.tag ?? {}, "tag", screen).join("");
  for (const character of ["\u001b", "\n"]) expect(lines).not.toContain(character);
  expect(kpiSection(kpis)).not.toContain("<b>");
});

test("of many tags the largest are shown, and how to see the others", () => {
  const runs = Array.from({ length: 9 }, (_, index) => run(`r${index}`, [`t${index}`, "all"]));
  const lines = tagLines(kpisOf(...runs), screen, (words) => `remit ${words}`);
  expect(lines[1]).toMatch(/^all +9 +100 %/);
  expect(lines.at(-1)).toBe("… and 4 more: remit kpi");
});

test("a gate says whether it held, and by how much it was missed", () => {
  const kpis = kpisOf(run("a"), run("b", [], escalated("low_confidence")));
  const gates = ["containment>=0.75", "containment>0.5", "escalation<=50%", "resolution.p95<5ms", "violations<=0"].map(
    (text) => {
      const read = readGate(text);
      if (!read.ok) throw new Error(read.reason);
      return read.gate;
    },
  );
  expect(gateLines(checkGates(kpis, gates), screen)).toEqual([
    "✗ 4 of 5 gates missed",
    "  ✗ containment>=0.75 · 50.0 % (1 of 2), missed by 25.0 points",
    "  ✗ containment>0.5 · 50.0 % (1 of 2), which is the bound itself",
    "  ✓ escalation<=50% · 50.0 % (1 of 2)",
    "  ✗ resolution.p95<5ms · 10 ms, missed by 5 ms",
    "  ✗ violations<=0 · nobody has looked from outside",
  ]);
});

test("a comparison shows both sides with their counts, and which way it went", () => {
  const before = kpisOf(run("a"), run("b", [], escalated("low_confidence"))).overall;
  const lines = changeTable(compareKpis(before, kpisOf(run("a")).overall), screen);
  expect(lines.find((line) => line.startsWith("containment"))?.replace(/ +/g, " ")).toBe(
    "containment 50.0 % (1 of 2) 100 % (1 of 1) +50.0 points better",
  );
  expect(lines.find((line) => line.startsWith("resolution.p50"))?.replace(/ +/g, " ")).toBe(
    "resolution.p50 10 ms (of 1) 10 ms (of 1) 0",
  );
});
