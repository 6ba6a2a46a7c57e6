import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineAgent, defineSupervisor, defineTool, memoryEngine, runSupervisor } from "@remit/core";
import { answers, calls, defineScenario, fakeClock, scriptedModel } from "@remit/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { definePack } from "../own/define-pack.ts";
import type { SuiteFile } from "../suite/workspace.ts";
import { openWorkspace } from "../suite/workspace.ts";
import { play } from "./play.ts";
import { suiteEngine } from "./suite-engine.ts";

const text = z.object({ text: z.string() });
const pay = defineTool({
  name: "pay_out",
  description: "Pays.",
  input: text,
  output: text,
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: (one) => one,
});
const clerk = defineAgent({
  name: "clerk",
  description: "Pays.",
  model: "fast",
  tools: [pay],
  input: text,
  output: text,
  instructions: "Pay.",
});
const team = defineSupervisor({
  name: "desk",
  agents: { clerk },
  entry: "clerk",
  exit: "clerk",
  handoffs: [],
  approvals: [{ tool: pay, by: "human", expiresMs: 60_000 }],
});
const waits = defineScenario({
  name: "waits",
  input: { text: "Pay." },
  script: [calls(clerk, "pay_out", { text: "1" }), answers(clerk, { text: "paid" })],
});
const asks = defineScenario({ name: "asks", input: { text: "Well?" }, script: [answers(clerk, { text: "well" })] });

test("a suite that is played takes up no run of another one, whose team is the same, and of its own what falls due", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-suite-engine-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const clock = fakeClock();
  const engine = memoryEngine({ clock });
  const store = { workspace: openWorkspace(folder), engine, [Symbol.asyncDispose]: () => engine.close() };
  const pack = definePack({ name: "payments", team, scenarios: [waits, asks] }).at({ folder });
  const suite = (id: string, scenarios: readonly string[]): Omit<SuiteFile, "catalog"> => ({
    format: 1,
    id,
    pack: { name: "payments" },
    model: { name: "oracle", seed: 1 },
    scenarios: [...scenarios],
    approver: "none",
    startedAt: 0,
  });
  const played = (one: Omit<SuiteFile, "catalog">) =>
    play({
      place: { folder, state: folder, resolve: (path) => path, shown: (path) => path, command: (words) => words },
      store,
      pack,
      suites: [one],
      concurrency: 1,
      report: false,
      interrupt: { signal: new AbortController().signal, [Symbol.dispose]: () => {} },
    });
  const statusOf = async (tenant: string) => {
    const [run] = await engine.journal.listRuns({ tenant, most: 1 });
    return [run?.status, run?.lastSeq];
  };

  await played(suite("first", ["waits"]));
  const before = await statusOf("first");
  expect(before[0]).toBe("parked");
  clock.advance(120_000);
  await played(suite("second", ["asks"]));
  await engine.idle();
  expect(await statusOf("second")).toEqual(["completed", expect.any(Number)]);
  expect(await statusOf("first")).toEqual(before);
  // Its own suite goes on with it.
  await played(suite("first", ["waits"]));
  expect((await statusOf("first"))[0]).toBe("completed");
});

test("an engine of one suite wakes what falls due in it, and nothing of another one", async () => {
  const clock = fakeClock();
  const engine = memoryEngine({ clock });
  const [gone, own] = [suiteEngine({ engine }, "first"), suiteEngine({ engine }, "second")];
  const script = [calls(clerk, "pay_out", { text: "1" }), answers(clerk, { text: "not paid" })];
  for (const [tenant, at] of [
    ["first", gone],
    ["second", own],
  ] as const) {
    const run = await runSupervisor(team, { engine: at, models: { fast: scriptedModel(script) } }).start(
      { text: "Pay." },
      { tenant },
    );
    await run.settled();
  }
  const statuses = () =>
    Promise.all(
      ["first", "second"].map(async (tenant) => (await engine.journal.listRuns({ tenant, most: 1 }))[0]?.status),
    );
  expect(await statuses()).toEqual(["parked", "parked"]);
  await gone.close();
  clock.advance(120_000);
  await own.idle();
  expect(await statuses()).toEqual(["parked", "completed"]);
  await own.close();
});
