import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ended, folder, remit, remitHere } from "./remit.ts";

/** One suite, played once with gates of which one is missed; every test looks at it or at a copy. */
let home: string;
let played: Ended;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "remit-kpi-"));
  writeFileSync(join(home, "gates.yaml"), "# Of refunds a person decides.\n- success>=100%\n- violations<=0\n");
  const gates = ["--gates", "gates.yaml", "--gate", "containment>=0.6", "--gate", "costPerSuccess<=0.05"];
  played = await remit(home, ["run", "--filter", "refund", "--json", ...gates]);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const parsed = (ended: Ended) => JSON.parse(ended.stdout);

describe("run --gate", () => {
  test("a gate that is missed is exit code 1, and says by how much; the scenarios have passed all the same", () => {
    expect(played.code, played.stderr).toBe(1);
    const { ok, exitCode, totals, gates } = parsed(played);
    expect({ ok, exitCode, failed: totals.failed }).toEqual({ ok: false, exitCode: 1, failed: 0 });
    expect(gates.map(({ gate, held }: { gate: { text: string }; held: boolean }) => [gate.text, held])).toEqual([
      ["containment>=0.6", false],
      ["costPerSuccess<=0.05", true],
      ["success>=100%", true],
      ["violations<=0", true],
    ]);
    expect(gates[0].missedBy).toBeCloseTo(0.6);
  });

  test("the document and the page have the KPIs, over all and by tag", () => {
    const { kpis, readings, suites, report } = parsed(played);
    expect(kpis.overall.runs.cases).toBe(suites[0].scenarios.length);
    expect(kpis.overall.trace.value).toBe(1);
    expect(kpis.segments.tag.refund.success).toMatchObject({ value: 1 });
    expect(readings.containment).toMatchObject({ value: 0, of: kpis.overall.runs.ended });
    expect(suites[0].kpis).toEqual(kpis);
    const page = readFileSync(report, "utf8");
    expect(page).toContain("<h2>KPIs</h2>");
    expect(page).toContain('<th scope="row">refund</th>');
  });

  test.each([
    ["a misspelt KPI", ["--gate", "containmnet>=0.6"], /there is no KPI containmnet \(is it containment\?\)/],
    ["an impossible bound", ["--gate", "containment>=1.5"], /containment cannot be >= 1.5/],
    ["a tag that no scenario has", ["--gate", "success[refnd]>=1"], /no scenario has the tag refnd/],
    ["no gate at all", ["--gate", "cost"], /is no gate/],
    ["a file that is not there", ["--gates", "none.yaml"], /none.yaml: there is no such file/],
    ["a file of something else", ["--gates", "map.yaml"], /map.yaml:1: a list of gates is wanted/],
    ["a line that is no gate", ["--gates", "line.yaml"], /line.yaml:2: there is no KPI contained/],
    ["an attack suite", ["--agentdojo", "x", "--gate", "violations<=0"], /attack suites have gates of their own/],
  ])("%s is wrong usage, before anything is played", async (_, args, reason) => {
    const cwd = folder();
    writeFileSync(join(cwd, "map.yaml"), "containment: 0.6\n");
    writeFileSync(join(cwd, "line.yaml"), "- containment>=0.6\n- contained>=1\n");
    const ended = await remitHere(cwd, ["run", ...args]);
    expect(ended.code).toBe(2);
    expect(ended.stdout).toBe("");
    expect(ended.stderr).toMatch(/^remit: usage\/wrong: /);
    expect(ended.stderr).toMatch(reason);
  });
});

describe("kpi", () => {
  test("reads from the journal what the suite had said", async () => {
    const ended = await remitHere(home, ["kpi", "--json"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const [{ kpis }] = parsed(ended).suites;
    expect(kpis.overall).toEqual(parsed(played).kpis.overall);
    expect(kpis.segments.tag).toEqual(parsed(played).kpis.segments.tag);
  });

  test("tells it by intent, with tools and models, and holds it to gates", async () => {
    const ended = await remitHere(home, ["kpi", "--by", "intent", "--gate", "toolFailure[refund_order]<=1%"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^intent +runs +contained/m);
    expect(ended.stdout).toMatch(/^refund_order +\d/m);
    expect(ended.stdout).toMatch(/^scripted:oracle +\d/m);
    expect(ended.stdout).toContain("✓ 1 gate held");
    const missed = await remitHere(home, ["kpi", "--gate", "toolFailure[no_such_tool]<=1%"]);
    expect(missed.code).toBe(1);
    expect(missed.stdout).toContain("no tool no_such_tool was called");
  });

  test("compares two seeds, the second as what came after", async () => {
    const cwd = folder();
    const args = ["run", "--filter", "voucher", "--model", "noisy", "--seed", "1..2", "--no-report", "--json"];
    const suites = parsed(await remit(cwd, args)).suites.map(({ suite }: { suite: string }) => suite);
    const ended = await remitHere(cwd, ["kpi", ...suites]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain(`before ${suites[0]} · noisy, seed 1`);
    expect(ended.stdout).toMatch(/^containment +\S+ % \(\d of \d\) +\S+ % \(\d of \d\) /m);
    const { changes } = parsed(await remitHere(cwd, ["kpi", ...suites, "--json"]));
    for (const { before, after, difference } of changes) {
      if (difference !== undefined) expect(difference).toBe(after.value - before.value);
    }
  });

  test("what waits is in no rate and not judged; when it has gone on it is both", async () => {
    const cwd = folder();
    const played = parsed(
      await remit(cwd, ["run", "--filter", "a-refund-that-is-edited", "--approver", "none", "--no-report", "--json"]),
    );
    expect(played.kpis.overall).toMatchObject({
      runs: { cases: 1, ended: 0, byStatus: { parked: 1 } },
      containment: { of: 0 },
      review: { waiting: 1 },
    });
    const waiting = await remitHere(cwd, ["kpi", "--gate", "success>=0"]);
    expect(waiting.code).toBe(1);
    expect(waiting.stdout).toContain("there is nothing to tell it from");
    expect((await remit(cwd, ["resume", "--approver", "auto", "--no-report"])).code).toBe(0);
    const { overall } = parsed(await remitHere(cwd, ["kpi", "--json"])).suites[0].kpis;
    expect(overall).toMatchObject({
      runs: { ended: 1 },
      success: { count: 1, of: 1, unjudged: 0 },
      review: { count: 1, waiting: 0 },
      policy: { reached: { of: 1, violations: 0 } },
    });
  });

  test("without kept verdicts nobody says what came out right; a journal that was changed is left out and named", async () => {
    const cwd = folder();
    cpSync(home, cwd, { recursive: true });
    rmSync(join(cwd, ".remit", "verdicts"), { recursive: true });
    const unjudged = await remitHere(cwd, ["kpi"]);
    expect(unjudged.code).toBe(0);
    expect(unjudged.stdout).toMatch(/^success +–; \d+ not judged$/m);
    expect(unjudged.stdout).toMatch(/nobody looked what got through/);

    const database = new DatabaseSync(join(cwd, ".remit", "journal.db"));
    const { runId } = parsed(played).suites[0].scenarios[0];
    const changed = database
      .prepare(
        "UPDATE batches SET lines = replace(lines, '\"principal\"', '\"principel\"') WHERE first_seq = 1 AND stream = (SELECT stream FROM streams WHERE id = ?)",
      )
      .run(runId);
    expect(Number(changed.changes)).toBe(1);
    database.close();
    const broken = await remitHere(cwd, ["kpi"]);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/✗ run_\S+ is not what was written, and is left out/);
  });

  test("what it cannot do is wrong usage or an unknown suite", async () => {
    expect((await remitHere(home, ["kpi", "--by", "shoe"])).stderr).toMatch(/--by takes one of tag, status, model/);
    expect((await remitHere(home, ["kpi", "nosuch"])).stderr).toMatch(/suite\/unknown/);
    expect((await remitHere(folder(), ["kpi"])).stderr).toMatch(/state\/missing/);
  });
});
