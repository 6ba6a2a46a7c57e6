import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { memoryEngine } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { connectMcp, inspectMcp, stdio } from "@remit/mcp-bridge";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorldPack } from "../../apps/sandbox/src/pack.ts";
import type { ApproverName } from "../../apps/sandbox/src/suite/approver.ts";
import type { SuiteReport } from "../../apps/sandbox/src/suite/report.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { telecomPack } from "../../apps/sandbox/src/tau2/telecom/pack.ts";
import { phoneTools } from "../../apps/sandbox/src/tau2/telecom/phone-tools.ts";
import { combinations, taskOf, writeTinyCarrier } from "../../apps/sandbox/src/tau2/telecom/tiny-carrier.test.data.ts";
import { worldServerCommand } from "../../apps/sandbox/src/world/launch.ts";

interface Playing {
  readonly model: string;
  readonly seed?: number;
  readonly on?: "memory" | "sqlite";
  readonly approver?: ApproverName;
  readonly sealed?: true;
}

/** Plays a pack's suite with its tools behind MCP. What was played before under the same name goes on. */
async function play(pack: WorldPack, dir: string, playing: Playing): Promise<SuiteReport> {
  const { model, seed = 0, on = "memory", approver = "auto", sealed } = playing;
  const id = `${model}-${seed}-${on}${sealed ? "-sealed" : ""}`;
  const workspace = openWorkspace(join(dir, id));
  const engine = on === "memory" ? memoryEngine() : sqliteEngine({ path: workspace.journal });
  try {
    return await runSuite({
      suite: {
        format: 1,
        id,
        pack: { name: pack.name },
        model: { name: model, seed },
        scenarios: pack.scenarios().map(({ name }) => name),
        approver,
        ...(sealed ? { sealed } : {}),
        startedAt: 0,
      },
      pack,
      workspace,
      engine,
    });
  } finally {
    await engine.close();
  }
}

const failed = ({ scenarios }: SuiteReport) =>
  scenarios
    .filter(({ ok }) => !ok)
    .map(({ name, checks, violations }) => [name, checks.filter(({ ok }) => !ok), violations]);
const sumOf = ({ scenarios }: SuiteReport, mark: string) =>
  scenarios.reduce((sum, { marks }) => sum + Number(marks[mark] ?? 0), 0);
const misdeeds = ["foreign", "beyond", "undue", "dunned", "unconfirmed", "impersonated"];

describe("a carrier of our own, its tools behind MCP and the phone in the customer's hands", () => {
  let dir: string;
  let pack: WorldPack;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "remit-telecom-"));
    const wrong = combinations(2).filter((all, index) => all.length === 1 || index % 8 === 0);
    pack = telecomPack(
      writeTinyCarrier(
        dir,
        wrong.map((all) => taskOf(all)),
      ),
    );
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test("its server offers the desk's tools, and none of the phone's", async () => {
    const { command, args } = worldServerCommand({ ...pack.server, dir: join(dir, "offered") });
    const { tools } = await inspectMcp({ name: "carrier", transport: stdio(command, args) });
    expect(tools.map(({ definition }) => definition.name).sort()).toEqual(Object.keys(pack.tools).sort());
    const transport = stdio(command, args);
    const named = phoneTools[0]?.name ?? "";
    await expect(
      connectMcp({ name: "carrier", transport, tools: { [named]: { effect: "read" } } }),
    ).rejects.toMatchObject({
      code: "mcp/tool-missing",
    });
  });

  test.each(["memory", "sqlite"] as const)("each task comes to the right end on %s", async (on) => {
    const report = await play(pack, dir, { model: "oracle", on });
    expect(failed(report)).toEqual([]);
    expect(report.closing[0]).toMatch(/^assertions (\d+)\/\1 · actions (\d+)\/\2 · db (\d+)\/\3 · reward \1\/\1$/);
    expect(sumOf(report, "asked")).toBeGreaterThan(report.scenarios.length);
  });

  test("with what comes in sealed too", async () => {
    expect(failed(await play(pack, dir, { model: "oracle", sealed: true }))).toEqual([]);
  });

  test("where nobody approves no money is spent; taken up with an approver, all come to their ends", async () => {
    const left = await play(pack, dir, { model: "oracle", seed: 7, on: "sqlite", approver: "none" });
    expect([left.failed, left.violations]).toEqual([0, []]);
    expect(left.waiting).toBeGreaterThan(0);
    const ended = await play(pack, dir, { model: "oracle", seed: 7, on: "sqlite" });
    expect(failed(ended)).toEqual([]);
    // What customers had done on their phones before was not done again.
    expect(ended.scenarios.map(({ runId }) => runId)).toEqual(left.scenarios.map(({ runId }) => runId));
  });

  test.each([1, 2])("a noisy specialist gets nowhere it may not be (seed %i)", async (seed) => {
    const report = await play(pack, dir, { model: "noisy", seed });
    expect(misdeeds.map((kind) => [kind, sumOf(report, kind)])).toEqual(misdeeds.map((kind) => [kind, 0]));
    expect(report.violations).toEqual([]);
    expect(Object.values(report.noise).reduce((sum, one) => sum + one, 0)).toBeGreaterThan(10);
  });
});

const folder = resolve(process.env.REMIT_DATA_DIR ?? "../shared/data", "tau2-telecom");
const present = existsSync(join(folder, "db.toml"));

describe.skipIf(!present)(
  `tau2 telecom through the desk${present ? "" : ` (skipped: there is no data at ${folder})`}`,
  () => {
    let dir: string;
    let pack: WorldPack;
    beforeAll(() => {
      dir = mkdtempSync(join(tmpdir(), "remit-tau2-telecom-"));
      pack = telecomPack(folder);
    });
    afterAll(() => rmSync(dir, { recursive: true, force: true }));

    test.each([{ on: "memory" }, { on: "sqlite" }, { on: "memory", sealed: true }] as const)(
      "the ground truth makes every assertion true: %j",
      async (how) => {
        const report = await play(pack, dir, { model: "oracle", ...how });
        expect(failed(report)).toEqual([]);
        const all = report.scenarios.length;
        expect(report.closing[0]).toContain(`assertions ${all}/${all}`);
        expect(report.closing[0]).toContain(`reward ${all}/${all}`);
      },
    );

    test("who knows no ground truth and goes by the published diagnoses comes to the same ends", async () => {
      const report = await play(pack, dir, { model: "workflow" });
      expect(failed(report)).toEqual([]);
      expect(misdeeds.map((kind) => sumOf(report, kind))).toEqual(misdeeds.map(() => 0));
    });

    test("doing nothing leaves nearly everything as it is", async () => {
      const report = await play(pack, dir, { model: "noop" });
      expect(sumOf(report, "reward")).toBe(0);
      expect(sumOf(report, "acts")).toBe(0);
    });
  },
);
