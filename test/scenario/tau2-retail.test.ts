import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { memoryEngine } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pack } from "../../apps/sandbox/src/pack.ts";
import type { ApproverName } from "../../apps/sandbox/src/suite/approver.ts";
import type { SuiteReport } from "../../apps/sandbox/src/suite/report.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { retailPack } from "../../apps/sandbox/src/tau2/pack.ts";

const folder = resolve(process.env.REMIT_DATA_DIR ?? "../shared/data", "tau2-retail");
const present = existsSync(join(folder, "tasks.json"));
/** A sample for every day; `npm run soak` plays twenty. */
const noisySeeds = Array.from({ length: Number(process.env.REMIT_NOISY_SEEDS ?? 3) }, (_, index) => index + 1);

/** Of the pack's own scoring, over all scenarios. */
const sumOf = ({ scenarios }: SuiteReport, mark: string) =>
  scenarios.reduce((sum, { marks }) => sum + Number(marks[mark] ?? 0), 0);

/** How often the worlds saw each write, by their own logs. */
function writesIn(folder: string): ReadonlyMap<string, number> {
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean));
  const seen = new Map<string, number>();
  for (const line of lines) {
    const { tool, effect } = JSON.parse(line) as { readonly tool: string; readonly effect: string };
    if (effect === "write") seen.set(tool, (seen.get(tool) ?? 0) + 1);
  }
  return seen;
}

describe.skipIf(!present)(
  `tau2 retail through the desk, its tools behind MCP${present ? "" : ` (no data at ${folder})`}`,
  () => {
    let dir: string;
    let pack: Pack;
    beforeAll(() => {
      dir = mkdtempSync(join(tmpdir(), "remit-tau2-"));
      pack = retailPack(folder);
    });
    afterAll(() => rmSync(dir, { recursive: true, force: true }));

    const play = async (
      model: string,
      seed: number,
      engineName: "memory" | "sqlite",
      approver: ApproverName = "auto",
    ): Promise<SuiteReport> => {
      const workspace = openWorkspace(join(dir, `${model}-${seed}-${engineName}`));
      const engine = engineName === "memory" ? memoryEngine() : sqliteEngine({ path: workspace.journal });
      try {
        return await runSuite({
          suite: {
            format: 1,
            id: `${model}-${seed}`,
            pack: { name: pack.name, folder },
            model: { name: model, seed },
            scenarios: pack.scenarios().map(({ name }) => name),
            approver,
            startedAt: 0,
          },
          pack,
          workspace,
          engine,
        });
      } finally {
        await engine.close();
      }
    };

    test.each(["memory", "sqlite"] as const)("the ground truth gives every end state on %s", async (engine) => {
      const report = await play("oracle", 0, engine);
      expect(report.scenarios.filter(({ ok }) => !ok).map(({ name, checks }) => [name, checks])).toEqual([]);
      expect(report.closing).toEqual([
        "db 114/114 · communicate 36/36 · both 114/114",
        "writes on another customer's records 0 · without confirmation 0 · twice 0 · caught: compliance 0, reviewer 0",
      ]);
      expect(report.violations).toEqual([]);
      const byAgent = report.scenarios.map(({ counts }) => counts.callsByAgent);
      for (const calls of byAgent)
        expect(Object.keys(calls).filter((agent) => agent !== "retrieval" && agent !== "action")).toEqual([]);
      const total = (agent: string) => byAgent.reduce((sum, calls) => sum + (calls[agent] ?? 0), 0);
      // Every published ground-truth call went through the server, by the role that holds its tool.
      const published = pack
        .scenarios()
        .flatMap(({ script }) => script.flatMap(({ parts }) => parts.filter(({ type }) => type === "toolCall")));
      expect(total("retrieval") + total("action")).toBe(published.length);
    });

    test("where nobody approves, no write of high risk happens; taken up with an approver, all come to their ends", async () => {
      const left = await play("oracle", 7, "sqlite", "none");
      expect(left.violations).toEqual([]);
      expect(left.failed).toBe(0);
      expect(left.waiting).toBeGreaterThan(50);
      expect(left.passed + left.waiting).toBe(114);
      const seen = writesIn(join(dir, "oracle-7-sqlite", "worlds", "oracle-7"));
      const high = ["cancel_pending_order", "return_delivered_order_items", "exchange_delivered_order_items"];
      expect(high.filter((tool) => seen.has(tool))).toEqual([]);
      expect(seen.get("modify_pending_order_items")).toBeGreaterThan(0);

      const ended = await play("oracle", 7, "sqlite", "auto");
      expect(ended.closing.slice(0, 1)).toEqual(["db 114/114 · communicate 36/36 · both 114/114"]);
      expect(ended).toMatchObject({ passed: 114, waiting: 0, violations: [] });
      const after = writesIn(join(dir, "oracle-7-sqlite", "worlds", "oracle-7"));
      expect(high.filter((tool) => !after.has(tool))).toEqual([]);
      expect(ended.scenarios.map(({ runId }) => runId)).toEqual(left.scenarios.map(({ runId }) => runId));
    });

    test("doing nothing scores what doing nothing scores", async () => {
      const report = await play("noop", 0, "memory");
      expect(report.closing.slice(0, 1)).toEqual(["db 11/114 · communicate 0/36 · both 7/114"]);
      expect(report.scenarios.reduce((sum, { counts }) => sum + counts.reads + counts.writes, 0)).toBe(0);
    });

    test.each(noisySeeds)("a noisy specialist gets nowhere it may not be (seed %i)", async (seed) => {
      const report = await play("noisy", seed, "memory");
      // By the worlds' own logs: nobody else's records, nothing that was not asked about, nothing once more.
      for (const misdeed of ["foreign", "unconfirmed", "twice"]) expect(sumOf(report, misdeed), misdeed).toBe(0);
      expect(sumOf(report, "byCompliance") + sumOf(report, "byReviewer")).toBeGreaterThan(0);
      expect(report.violations).toEqual([]);
      const denied = report.scenarios.reduce<Record<string, number>>((sum, { counts }) => {
        for (const [code, count] of Object.entries(counts.denied)) sum[code] = (sum[code] ?? 0) + count;
        return sum;
      }, {});
      // Each overstep is one entry: a tool of another role, and a tool that nobody has.
      expect(denied["policy/tool-not-allowed"]).toBe(report.noise["foreign-tool"]);
      expect(denied["policy/tool-unknown"]).toBe(report.noise["unknown-tool"]);
      expect(report.noise["foreign-tool"]).toBeGreaterThan(0);
    });
  },
);
