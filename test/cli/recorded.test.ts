import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openaiServer } from "@remit/agents/testing";
import { expect, test } from "vitest";
import { oracleAnswers } from "./oracle-server.ts";
import { folder, remit, remitHere } from "./remit.ts";

/** Everything that a journal's file holds, table by table. */
function tablesOf(state: string): Readonly<Record<string, readonly string[]>> {
  const database = new DatabaseSync(join(state, "journal.db"), { readOnly: true });
  try {
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
    const rowsOf = (name: unknown) =>
      database
        .prepare(`SELECT * FROM "${name}"`)
        .all()
        .map((row) => JSON.stringify(row));
    return Object.fromEntries(names.map(({ name }) => [String(name), rowsOf(name)]));
  } finally {
    database.close();
  }
}

const key = "sk-test-0123456789abcdef";

const timeout = 180_000;

test("a suite is recorded over the wire, and replayed without server and key: the same journals, byte by byte", {
  timeout,
}, async () => {
  const server = await openaiServer({ answer: oracleAnswers() });
  const cwd = folder();
  const at = ["--model", "openai:gpt-5-mini", "--base-url", `${server.url}/v1`, "--concurrency", "1"];
  const args = [
    "run",
    "--filter",
    "voucher-afterwards",
    ...at,
    "--record",
    "recorded",
    "--spend-limit",
    "none",
    "--no-report",
  ];
  try {
    const recorded = await remit(cwd, args, { OPENAI_API_KEY: key });
    expect([recorded.code, recorded.stderr]).toEqual([0, ""]);
    expect(recorded.stdout).toContain("Recorded in recorded\n");
  } finally {
    await server.close();
  }
  const files = readdirSync(join(cwd, "recorded", "seed-1"));
  expect(files).toContain("voucher-afterwards.jsonl");
  const texts = ["recording.json", ...files.map((name) => join("seed-1", name))].map((name) =>
    readFileSync(join(cwd, "recorded", name), "utf8"),
  );
  expect(texts.join("")).not.toContain(key);
  expect(texts.join("")).not.toContain(new URL(server.url).host);

  for (const state of ["one", "two"]) {
    const { code, stdout, stderr } = await remitHere(cwd, ["--state", state, "run", "--replay", "recorded", "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    const { totals, suites } = JSON.parse(stdout);
    expect(totals).toMatchObject({ runs: files.length, failed: 0, violations: 0 });
    expect(suites[0]).toMatchObject({
      suite: "order-desk-replay-1",
      recording: { mode: "replay", missed: 0, unused: [] },
    });
  }
  const [one, two] = ["one", "two"].map((state) => tablesOf(join(cwd, state)));
  expect(one?.runs).toHaveLength(files.length);
  expect(two).toEqual(one);
  const again = await remit(cwd, ["--state", "one", "run", "--replay", "recorded", "--no-report"]);
  expect(again.stdout).toContain("recording  0 requests not recorded, 0 exchanges not asked for");
});

test("a request that is not recorded fails its run with the nearest one; what nobody asks for is told", {
  timeout,
}, async () => {
  const cwd = folder();
  const { code } = await remitHere(cwd, ["run", "--filter", "voucher-afterwards", "--record", "kept", "--no-report"]);
  expect(code).toBe(0);
  const file = join(cwd, "kept", "seed-1", "voucher-afterwards.jsonl");
  writeFileSync(file, readFileSync(file, "utf8").replace("You classify requests", "You sort requests"));
  const { code: missed, stdout, stderr } = await remitHere(cwd, ["run", "--replay", "kept"]);
  expect([missed, stderr]).toEqual([1, ""]);
  const words = stdout.replace(/\s+/g, " ");
  expect(words).toContain("not recorded: model/not-recorded:");
  expect(words).toContain("line 1 is nearest and differs at /instructions: recorded");
  expect(words).toContain("You sort requests to a service desk.");
  expect(words).toContain("You classify requests to a service desk.");
  expect(words).toMatch(/recording 1 request not recorded, \d+ exchanges not asked for/);
  expect(words).toContain("not asked for: line 1 of seed-1/voucher-afterwards, an answer to triage");
  const page = readFileSync(/^Report: (.+)$/m.exec(stdout)?.[1] ?? "", "utf8");
  expect(page).toContain("You sort requests to a service desk.");
  expect(page).toContain("from a recording: 1 request not in it");
});

test("each seed has its own files, a replay plays all of them, and a recording keeps what it does not play", {
  timeout,
}, async () => {
  const cwd = folder();
  const args = ["run", "--filter", "voucher-afterwards", "--model", "noisy", "--record", "kept", "--no-report"];
  await remitHere(cwd, [...args, "--seed", "1..2"]);
  const texts = () =>
    [1, 2].map((seed) => readFileSync(join(cwd, "kept", `seed-${seed}`, "voucher-afterwards.jsonl"), "utf8"));
  const [first, second] = texts();
  const replayed = await remitHere(cwd, ["run", "--replay", "kept", "--json"]);
  expect(replayed.code, replayed.stdout).toBe(0);
  const { suites } = JSON.parse(replayed.stdout);
  expect(suites.map(({ seed, recording }: never) => [seed, (recording as { missed: number }).missed])).toEqual([
    [1, 0],
    [2, 0],
  ]);
  appendFileSync(join(cwd, "kept", "seed-2", "voucher-afterwards.jsonl"), "\n");
  await remitHere(cwd, args);
  expect(texts()).toEqual([first, `${second}\n`]);
});

test.each([
  [["--replay", "none"], "recording/missing"],
  [["--replay", "mine", "--model", "noop"], "recording/missing"],
  [["--record", "mine"], "recording/foreign-folder"],
])("run %j is one sentence", async (args, error) => {
  const cwd = folder();
  writeFileSync(join(cwd, "notes.txt"), "mine");
  const at = args.map((arg) => (arg === "mine" ? "." : arg));
  const { code, stdout, stderr } = await remitHere(cwd, ["run", "--filter", "voucher-afterwards", ...at]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(`remit: ${error}: `);
  expect(readdirSync(cwd)).toEqual(["notes.txt"]);
});
