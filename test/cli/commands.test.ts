import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ended, folder, remit, remitHere } from "./remit.ts";

/** One suite, played once; every test looks at it or at a copy. */
const scenario = "a-tool-of-somebody-else";
let home: string;
let played: Ended;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "remit-cli-"));
  played = await remit(home, ["run", "--filter", "cancel", "--watch", scenario]);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A copy of the played state, to do harm to. */
function copyOfHome(): string {
  const copy = folder();
  cpSync(home, copy, { recursive: true });
  return copy;
}

const parsed = (ended: Ended) => JSON.parse(ended.stdout);

describe("run", () => {
  test("it passes, tells the watched scenario, and ends with numbers and the report", () => {
    expect(played.code, played.stderr).toBe(0);
    expect(played.stderr).toBe("");
    const lines = played.stdout.split("\n");
    const story = lines.slice(
      0,
      lines.findIndex((line) => line.includes("checks hold")),
    );
    expect(story.some((line) => /customer +▶ writes/.test(line))).toBe(true);
    expect(story.some((line) => /triage +→ hands to retrieval/.test(line))).toBe(true);
    const denial = story.findIndex((line) => /retrieval +✗ cancel_order denied/.test(line));
    expect(story[denial + 1]).toContain(
      'policy/tool-not-allowed: agent "retrieval" may not use the tool "cancel_order"',
    );
    expect(story.some((line) => /action +\? asks the customer/.test(line))).toBe(true);
    expect(story.some((line) => /supervisor +■ completed/.test(line))).toBe(true);
    expect(lines.some((line) => line.startsWith(`✓  ${scenario}`))).toBe(true);
    expect(lines).toContain("violations 0");
    const report = lines.find((line) => line.startsWith("Report: "))?.slice("Report: ".length) ?? "";
    expect(existsSync(report)).toBe(true);
  });

  test("the report needs nothing but itself, and holds each run's timeline", () => {
    const path = /^Report: (.*)$/m.exec(played.stdout)?.[1] ?? "";
    const page = readFileSync(path, "utf8");
    expect(page).not.toMatch(/<link|<img|<script[^>]*\ssrc=|@import|url\(\s*["']?http/i);
    expect(page).toContain("default-src 'none'");
    const runs = [...page.matchAll(/<script type="application\/json" id="data-(run_[^"]+)">(.*)<\/script>/g)];
    expect(runs.length).toBe([...page.matchAll(/<tbody id="run_/g)].length);
    for (const [, run, text = ""] of runs) {
      const data = JSON.parse(text);
      expect(data.run).toBe(run);
      expect(data.beats).toHaveLength(data.seq);
      expect(data.hash).toMatch(/^[\w-]{43}$/);
    }
    expect(page).toContain('<svg class="picture"');
  });

  test("--json prints one document and nothing else; a relative path begins where the person is", async () => {
    const cwd = folder();
    const ended = await remitHere(cwd, ["run", "--filter", "thanks", "--json", "--no-report", "--state", "kept"]);
    const document = parsed(ended);
    expect(ended.stderr).toBe("");
    expect(document).toMatchObject({
      ok: true,
      exitCode: 0,
      report: null,
      totals: { runs: 1, passed: 1, violations: 0 },
    });
    expect(document.suites[0].scenarios[0]).toMatchObject({ name: "thanks", status: "completed", ok: true });
    expect(existsSync(join(cwd, "kept", "journal.db"))).toBe(true);
  });

  test("npm start runs elsewhere: the folder is the person's, and the commands are as they type them", async () => {
    const cwd = folder();
    const env = { INIT_CWD: cwd, npm_lifecycle_event: "start" };
    const wrong = await remit(tmpdir(), ["list"], env);
    expect(wrong.stdout).toContain(`Nothing has been played in ${join(cwd, ".remit")} yet. npm start -- run does.`);
    expect(existsSync(join(cwd, ".remit"))).toBe(false);
  });

  test("a noisy model over two seeds: faults are counted by kind, nothing forbidden happens, the exit code is 0", async () => {
    const ended = await remitHere(folder(), [
      "run",
      "--filter",
      "cancel",
      "--model",
      "noisy",
      "--seed",
      "3..4",
      "--json",
    ]);
    const { totals, suites, exitCode, closing } = parsed(ended);
    expect(ended.code).toBe(0);
    expect(exitCode).toBe(0);
    expect(closing).toEqual([]);
    expect(suites.map(({ seed }: { seed: number }) => seed)).toEqual([3, 4]);
    const sum = (tally: Record<string, number>) => Object.values(tally).reduce((all, one) => all + one, 0);
    expect(sum(totals.noise)).toBeGreaterThan(5);
    expect(sum(totals.denied)).toBe(totals.denials);
    // Each of these faults is exactly one denial of this code.
    expect(totals.denied["policy/tool-unknown"] ?? 0).toBeGreaterThanOrEqual(totals.noise["unknown-tool"] ?? 0);
    expect(totals.violations).toBe(0);
  });

  test("a model that never acts does not reach the right ends, and that is no failure", async () => {
    const ended = await remitHere(folder(), ["run", "--filter", "cancel", "--model", "noop", "--no-report"]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/0 as the ground truth has it/);
    expect(ended.stdout).toMatch(/^violations 0$/m);
  });
});

describe("own scenarios", () => {
  test("a YAML file plays on the order desk, and what does not hold is named with exit code 1", async () => {
    const cwd = folder();
    writeFileSync(
      join(cwd, "mine.yaml"),
      `name: wrong-hope
title: Ein Wunsch mit Umlauten, 日本語も
input: { text: "\${pendingOrder.from} Thanks!" }
script:
  - triage:
      answers: { intent: thanks, kind: question, severity: low, sensitivity: personal, confidence: 0.9, summary: Thanks., language: en }
  - retrieval: { answers: { passages: [], summary: Nothing to look up., missing: [] } }
  - reviewer: { answers: { disposition: answered, reply: You are welcome. } }
expect: { status: denied, writes: [] }
`,
    );
    const ended = await remitHere(cwd, ["run", "--scenarios", "mine.yaml", "--no-report"]);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain("✗ wrong-hope");
    expect(ended.stdout).toContain("status: expected denied, saw completed");
    // Columns stand under each other also behind characters that take two cells.
    const lines = ended.stdout.split("\n");
    const head = lines.find((line) => line.includes("what it is about")) ?? "";
    const row = lines.find((line) => line.startsWith("✗  wrong-hope")) ?? "";
    const cells = (text: string) => [...text].reduce((sum, one) => sum + (/[\u3000-\u9fff]/.test(one) ? 2 : 1), 0);
    expect(cells(row.slice(0, row.indexOf("completed")))).toBe(head.indexOf("status"));
  });
});

describe("list", () => {
  test("suites, and the runs of the newest with their scenarios", async () => {
    const { suites, runs } = parsed(await remitHere(home, ["list", "--json"]));
    expect(suites).toHaveLength(1);
    expect(suites[0]).toMatchObject({ pack: { name: "order-desk" }, model: { name: "oracle" }, unfinished: false });
    expect(runs.map((run: { scenario: string }) => run.scenario)).toEqual(suites[0].scenarios);
    const { stdout } = await remitHere(home, ["list"]);
    expect(stdout).toContain(suites[0].id);
    for (const { runId } of runs) expect(stdout).toContain(runId);
  });

  test("--scenarios names every scenario of a pack", async () => {
    const { scenarios } = parsed(await remitHere(folder(), ["list", "--scenarios", "--json"]));
    expect(scenarios.length).toBeGreaterThanOrEqual(24);
    expect(scenarios.map(({ name }: { name: string }) => name)).toContain(scenario);
  });
});

describe("show", () => {
  test("a scenario's name stands for its newest run; entries come in order, payloads when asked for", async () => {
    const [text, raw] = await Promise.all([
      remit(home, ["show", scenario, "--payloads"]),
      remitHere(home, ["show", scenario, "--json"]),
    ]);
    const { entries, journalHash, run, fault } = parsed(raw);
    expect(fault).toBeNull();
    expect(entries.map(({ seq }: { seq: number }) => seq)).toEqual(
      entries.map((_: unknown, index: number) => index + 1),
    );
    expect(text.stdout).toContain(`the chain of ${entries.length} entries holds, journal hash ${journalHash}`);
    expect(text.stdout).toContain('"reason": "takes_too_long"');
    // A part of the id is enough, behind `--` since it may begin with a hyphen.
    const part = parsed(await remitHere(home, ["show", "--json", "--", run.slice(6, 16)]));
    expect(part.run).toBe(run);
  });
});

describe("replay", () => {
  test("one run and all runs decide the same again, without server or model", async () => {
    const [one, all] = await Promise.all([
      remit(home, ["replay", scenario]),
      remitHere(home, ["replay", "--all", "--json"]),
    ]);
    expect(one.code, one.stderr).toBe(0);
    expect(one.stdout).toMatch(/decisions .* came out as recorded/);
    const { ok, runs } = parsed(all);
    expect(ok).toBe(true);
    expect(runs.length).toBeGreaterThan(1);
    for (const run of runs) expect(run).toMatchObject({ ok: true, entries: run.inputs + run.decisions });
  });

  test("a changed letter in one body is found and named by replay and by show", async () => {
    const copy = copyOfHome();
    const { run, entries } = parsed(await remitHere(copy, ["show", scenario, "--json"]));
    const denied = entries.find(({ type }: { type: string }) => type === "tool.denied").seq;
    const database = new DatabaseSync(join(copy, ".remit", "journal.db"));
    const changed = database
      .prepare(
        'UPDATE batches SET lines = replace(lines, \'"ruleId":"allowlist"\', \'"ruleId":"allowliat"\') WHERE first_seq <= ? AND last_seq >= ? AND stream = (SELECT stream FROM streams WHERE id = ?)',
      )
      .run(denied, denied, run);
    database.close();
    expect(changed.changes).toBe(1);

    const [replayed, shown, all] = await Promise.all([
      remit(copy, ["replay", scenario]),
      remitHere(copy, ["show", run]),
      remitHere(copy, ["replay", "--all", "--json"]),
    ]);
    // The batch holds two decisions of the policy; the first changed entry is the one to name.
    const seq = Number(/entry (\d+) is not what was written/.exec(replayed.stdout)?.[1]);
    expect(replayed.code).toBe(1);
    expect(entries[seq - 1].body.decision).toMatchObject({ ruleId: "allowlist" });
    expect(replayed.stdout).toContain("its body does not fit its commitment");
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain(`Entry ${seq} is not what was written`);
    expect(all.code).toBe(1);
    const broken = parsed(all).runs.filter(({ ok }: { ok: boolean }) => !ok);
    expect(broken).toMatchObject([{ run, fault: { kind: "chain", seq } }]);
  });
});

describe("resume and graph", () => {
  test("there is nothing to resume when all has ended", async () => {
    const ended = await remitHere(home, ["resume"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^Nothing to resume: every run of order-desk-\S+ has ended/);
  });

  test("the supervisor as Mermaid and as XState JSON, without a server", async () => {
    const cwd = folder();
    const [mermaid, xstate] = await Promise.all([remit(cwd, ["graph"]), remit(cwd, ["graph", "--format", "xstate"])]);
    expect(mermaid.stdout).toMatch(/^stateDiagram-v2\n/);
    expect(mermaid.stdout).toContain("[*] --> triage");
    const machine = parsed(xstate);
    expect(machine).toMatchObject({ id: "order-desk" });
    expect(JSON.stringify(machine.states)).toContain('"compliance":{');
    expect(existsSync(join(cwd, ".remit"))).toBe(false);
  });
});
