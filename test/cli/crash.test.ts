import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folder, remit, startRemit } from "./remit.ts";

interface Listed {
  readonly runId: string;
  readonly scenario: string;
  readonly status: string;
  readonly lastSeq: number;
  readonly updatedAt: number;
}

const isEnded = ({ status }: Listed) => status !== "running" && status !== "parked";

async function listed(cwd: string) {
  const { stdout } = await remit(cwd, ["list", "--json"]);
  return JSON.parse(stdout) as {
    readonly suites: readonly {
      readonly id: string;
      readonly unfinished: boolean;
      readonly scenarios: readonly string[];
    }[];
    readonly runs: readonly Listed[];
  };
}

/** What became of each write, by world and key, as the worlds' own logs have it. */
function writesIn(cwd: string, suite: string): ReadonlyMap<string, readonly string[]> {
  const dir = join(cwd, ".remit", "worlds", suite);
  const logs = readdirSync(dir).filter((name) => name.endsWith(".jsonl"));
  const lines = logs.flatMap((name) =>
    readFileSync(join(dir, name), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map(
        (line) => ({ name, ...JSON.parse(line) }) as { name: string; effect: string; outcome: string; key?: string },
      ),
  );
  const writes = Map.groupBy(
    lines.filter(({ effect }) => effect === "write"),
    ({ name, key }) => `${name} ${key}`,
  );
  return new Map([...writes].map(([key, found]) => [key, found.map(({ outcome }) => outcome)]));
}

test("killed in the middle, then resumed: all runs end right, ended ones stay as they were, no write happens twice", async () => {
  const cwd = folder();
  const { child, ended, printed } = startRemit(cwd, ["run", "--concurrency", "3", "--no-report"]);
  await printed(" played");
  child.kill("SIGKILL");
  expect((await ended).code).toBeNull();

  const before = await listed(cwd);
  const [suite] = before.suites;
  const endedBefore = before.runs.filter(isEnded);
  expect(suite?.unfinished).toBe(true);
  expect(endedBefore.length).toBeGreaterThan(0);
  expect(endedBefore.length).toBeLessThan(suite?.scenarios.length ?? 0);

  const resumed = await remit(cwd, ["resume", "--json", "--no-report"]);
  const document = JSON.parse(resumed.stdout);
  expect(resumed.code, resumed.stdout.slice(0, 2_000)).toBe(0);
  expect(document.before.ended).toBe(endedBefore.length);
  expect(document.totals).toMatchObject({ runs: suite?.scenarios.length, failed: 0, violations: 0 });

  const after = new Map((await listed(cwd)).runs.map((run) => [run.runId, run]));
  for (const run of endedBefore) expect(after.get(run.runId)).toEqual(run);
  // Every intent reached its world; of those that were done, each exactly once.
  const writes = writesIn(cwd, suite?.id ?? "");
  expect(writes.size).toBe(document.totals.writes);
  const done = [...writes.values()].map((outcomes) => outcomes.filter((outcome) => outcome === "done").length);
  expect(done.every((times) => times <= 1)).toBe(true);
  expect(done.filter((times) => times === 1).length).toBeGreaterThan(10);
});

test("Ctrl-C lets what is under way come to its end, says how to go on, and exits with 130", async () => {
  const cwd = folder();
  const { child, ended, printed } = startRemit(cwd, ["run", "--concurrency", "1", "--no-report"]);
  await printed(" played");
  child.kill("SIGINT");
  const stopped = await ended;
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toContain("Stopping");
  const command = /^Stopped\. To go on: remit (resume order-desk-\S+)$/m.exec(stopped.stdout)?.[1] ?? "";
  const { runs } = await listed(cwd);
  expect(runs.every(isEnded)).toBe(true);

  const resumed = await remit(cwd, [...command.split(" "), "--no-report"]);
  expect(resumed.code, resumed.stdout).toBe(0);
  expect(resumed.stdout).toContain(`${runs.length} had ended before, 0 are taken up`);
});
