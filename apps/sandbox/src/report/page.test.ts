import { defineAgent, defineQuestion, defineSupervisor, type Entry, type SupervisorDefinition } from "@remit/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { countsOf, type SuiteReport } from "../suite/report.ts";
import { page } from "./page.ts";
import { pictureOf } from "./picture.ts";
import { runData, withPayloads } from "./run-data.ts";

const attack = `</script><script>alert(1)</script><img src=x onerror="alert(2)">'&`;

const clerk = defineAgent({
  name: "clerk",
  description: attack,
  model: "fast",
  tools: [],
  input: z.object({ text: z.string() }),
  output: z.object({ reply: z.string() }),
  instructions: "Answer.",
});
const definition = defineSupervisor({
  name: "desk",
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [
    defineQuestion({
      from: clerk,
      name: `is <unclear> & "odd"`,
      max: 2,
      of: "customer",
      when: ({ reply }) => reply === "",
      ask: () => "What?",
      to: clerk,
      map: (text) => ({ text }),
    }),
  ],
}) as unknown as SupervisorDefinition;

const entries = [
  {
    seq: 1,
    type: "run.started",
    at: 1_000,
    path: "",
    cause: 0,
    body: {
      supervisor: "desk",
      definitionHash: "h",
      input: { text: attack },
      principal: { id: attack, kind: "user", roles: [], authenticated: true },
      labels: { "": ["user"] },
      format: 1,
    },
  },
  { seq: 2, type: "run.completed", at: 1_012, path: "", cause: 1, body: { output: { reply: `${attack}\u2028` } } },
] as const satisfies readonly Entry[];
const recorded = { runId: "run_1", entries, head: { seq: 2, hash: "hash" }, fault: undefined };

const report: SuiteReport = {
  suite: "suite-1",
  pack: "p",
  title: attack,
  model: "oracle",
  seed: 1,
  startedAt: 0,
  durationMs: 5,
  passed: 0,
  failed: 1,
  waiting: 0,
  noise: { [attack]: 3 },
  closing: [attack],
  violations: [`x: ${attack}`],
  scenarios: [
    {
      name: "x",
      title: attack,
      tags: [attack],
      source: attack,
      runId: "run_1",
      status: "completed",
      reason: attack,
      path: [attack],
      ok: false,
      waiting: false,
      checks: [{ name: attack, ok: false, detail: attack }],
      marks: {},
      durationMs: 5,
      counts: { ...countsOf(entries), denied: { [attack]: 1 } },
      violations: [attack],
    },
  ],
};

test("text from a run never becomes markup", () => {
  const html = page({
    reports: [report],
    runs: new Map([["run_1", runData(recorded, 500)]]),
    definition,
    traffic: { edges: {}, agents: {}, ends: {} },
    command: (words) => `remit ${words} ${attack}`,
  });
  expect(html).not.toContain("<script>alert");
  expect(html).not.toContain("<img");
  // Exactly what the page brings itself: its data and its script.
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html.match(/<\/script>/g)).toHaveLength(2);
  const data = /id="data-run_1">(.*)<\/script>/.exec(html)?.[1] ?? "";
  expect(JSON.parse(data).beats[0].d).toBe(attack);
});

test("text from a run turns the reading direction of nothing beside it", () => {
  const turned = "refund \u202e009\u202c EUR";
  const [first, last] = entries;
  const said = [
    { ...first, body: { ...first.body, input: { text: turned } } },
    last,
  ] as const satisfies readonly Entry[];
  const [scenario] = report.scenarios;
  if (!scenario) throw new Error("the report has a scenario");
  const html = page({
    reports: [{ ...report, title: turned, scenarios: [{ ...scenario, title: turned, reason: turned }] }],
    runs: new Map([["run_1", runData({ ...recorded, entries: said }, 500)]]),
    definition,
    traffic: { edges: {}, agents: {}, ends: {} },
    command: (words) => `remit ${words}`,
  });
  expect(html).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  const data = JSON.parse(/id="data-run_1">(.*)<\/script>/.exec(html)?.[1] ?? "");
  expect(data.beats[0].d).toBe("refund <202e>009<202c> EUR");
  expect(data.payloads[0].text).toHaveLength(data.payloads[0].chars);
  expect(html).toContain("refund &lt;202e&gt;009&lt;202c&gt; EUR");
});

test("a run that waits is not told as one that ended, and its checks as to come", () => {
  const [scenario] = report.scenarios;
  if (!scenario) throw new Error("the report has a scenario");
  const waits = { ...scenario, status: "parked", reason: "", waiting: true, checks: [], violations: [] } as const;
  const html = page({
    reports: [{ ...report, failed: 0, waiting: 1, violations: [], scenarios: [waits] }],
    runs: new Map([["run_1", runData(recorded, 500)]]),
    definition,
    traffic: { edges: {}, agents: {}, ends: {} },
    command: (words) => `remit ${words}`,
  });
  expect(html).toContain("<h3>How runs stand</h3>");
  expect(html).not.toContain("How runs ended");
  expect(html).toContain("<small>1 waiting</small>");
  expect(html).not.toContain("nobody was asked");
  expect(html).toContain("They are made when the run has ended.");
});

test("the picture has every agent, edge, question and end, and counts them", () => {
  const svg = pictureOf(definition, { edges: { 'is <unclear> & "odd"': 4 }, agents: {}, ends: { completed: 9 } });
  expect(svg).toContain(">clerk</text>");
  expect(svg).toContain(">customer answers</text>");
  expect(svg).toContain("is &lt;unclear&gt; &amp; &quot;odd&quot; 4×");
  expect(svg).toContain(">completed</text>");
  expect(svg).toContain(">9×</text>");
  expect(svg.match(/<path class="link/g)).toHaveLength(4);
  expect(pictureOf(definition)).not.toContain("×");
});

test("payloads are kept once, cut at a length, and their whole length is told", () => {
  const long = { text: "y".repeat(900) };
  const twice = [
    { ...entries[0], body: { ...entries[0].body, input: long } },
    { seq: 2, type: "run.completed", at: 1_012, path: "", cause: 1, body: { output: long } },
  ] as const satisfies readonly Entry[];
  const data = runData({ ...recorded, entries: twice }, 100);
  expect(data.payloads).toHaveLength(1);
  expect(data.payloads[0]).toMatchObject({ chars: JSON.stringify(long, null, 1).length });
  expect(data.payloads[0]?.text).toHaveLength(100);
  expect(withPayloads(data, 10).payloads[0]).toMatchObject({ text: data.payloads[0]?.text.slice(0, 10), chars: 915 });
});
