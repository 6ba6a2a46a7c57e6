import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anthropicServer, type ModelServer, type ModelServerOptions, openaiServer } from "@remit/agents/testing";
import {
  type AnyAgent,
  type Entry,
  localEngine,
  memoryJournal,
  type SupervisorDefinition,
  seededIds,
  silentLogger,
} from "@remit/core";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { orderDeskPack } from "../../apps/sandbox/packs/order-desk/pack.ts";
import { readRun } from "../../apps/sandbox/src/cli/recorded-run.ts";
import type { LiveChoice } from "../../apps/sandbox/src/model/live.ts";
import type { Pack } from "../../apps/sandbox/src/pack.ts";
import { readRecording, type SuiteRecording } from "../../apps/sandbox/src/suite/recording.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { standingClock } from "../../apps/sandbox/src/suite/standing-clock.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { oracleAnswers } from "../cli/oracle-server.ts";

/** A suite is recorded through the vendors' SDKs, and played again when nobody is there to be asked. */
const key = "sk-test-0123456789abcdef";
const keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "COMPATIBLE_API_KEY"];
/** With a question, approvals, an edit, one that expires, a call that is denied, and an answer that does not fit. */
const scenarios = [
  "voucher-afterwards",
  "a-tool-of-somebody-else",
  "a-refund-that-is-edited",
  "nobody-approves-in-time",
  "a-broken-answer-is-mended",
];

interface Vendor {
  readonly name: string;
  readonly serve: (options: ModelServerOptions) => Promise<ModelServer>;
  readonly choice: (url: string) => LiveChoice;
}

const vendors: readonly Vendor[] = [
  {
    name: "openai",
    serve: openaiServer,
    choice: (url) => ({ model: "openai:gpt-5-mini", baseUrl: `${url}/v1`, spendLimitMicroUsd: 500_000_000 }),
  },
  {
    name: "anthropic",
    serve: anthropicServer,
    choice: (url) => ({ model: "anthropic:claude-haiku-4-5", baseUrl: url, spendLimitMicroUsd: 500_000_000 }),
  },
  {
    name: "routes",
    serve: openaiServer,
    choice: (url) => ({
      routes: {
        file: "routes.yaml",
        text: `# the key is ${key}
models:
  house: { model: compatible:oracle-1, baseUrl: "${url}/v1", cleared: [sensitive] }
  spare: { model: compatible:oracle-2, baseUrl: "${url.replace("//", "//me:s3cret@")}/v1?key=s3cret" }
  small: { model: openai:gpt-5-mini, baseUrl: ${url}/v1 }
routes:
  fast: { candidates: [house, small], rules: [{ name: judges, agents: [effect_compliance], use: small }] }
  "*": small
prices: { oracle-1: { input: 1, output: 1 }, oracle-2: { input: 1, output: 1 } }
`,
      },
    }),
  },
];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "remit-recorded-suite-"));
  for (const name of keys) vi.stubEnv(name, key);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

/** Plays the scenarios with ports that are the same each time, and gives back what the journal says of each run. */
async function play(
  live: LiveChoice,
  recording: SuiteRecording,
  options: { readonly pack?: Pack; readonly concurrency?: number } = {},
) {
  const { pack = orderDeskPack(), concurrency = 1 } = options;
  const ids = seededIds(7);
  const journal = memoryJournal({ newKey: () => "k" });
  const engine = localEngine({ name: "memory", journal, clock: standingClock(0), logger: silentLogger, ids });
  onTestFinished(() => engine.close());
  const report = await runSuite({
    suite: {
      format: 1,
      id: "suite-1",
      pack: { name: pack.name },
      model: { name: "live", seed: 3, live, recording },
      scenarios,
      approver: "auto",
      startedAt: 0,
    },
    pack,
    workspace: openWorkspace(mkdtempSync(join(dir, "state-"))),
    engine,
    ids,
    concurrency,
  });
  const runs = report.scenarios.map(({ runId }) => readRun(journal, { tenant: "suite-1", runId }));
  return { report, journals: (await Promise.all(runs)).map(({ entries, head }) => ({ entries, head })) };
}

/** Records, closes the server and takes the keys away; what is left is the folder. */
async function record(vendor: Vendor) {
  const server = await vendor.serve({ answer: oracleAnswers() });
  const folder = join(dir, "recording");
  try {
    const played = await play(vendor.choice(server.url), { folder, mode: "record" });
    expect(server.calls().flatMap(({ threw }) => threw ?? [])).toEqual([]);
    return { ...played, folder, url: server.url, calls: server.calls().length };
  } finally {
    await server.close();
    for (const name of keys) vi.stubEnv(name, "");
  }
}

const replay = (folder: string, options?: Parameters<typeof play>[2]) =>
  play(readRecording(folder).model.live as LiveChoice, { folder, mode: "replay" }, options);
const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
const textOf = (folder: string) => new Map(files(folder).map((file) => [file, readFileSync(file, "utf8")]));
const without = (entries: readonly Entry[]) => entries.filter(({ type }) => type !== "run.started");

/** The order desk with other instructions of one agent. */
function deskWith(agent: string, change: (instructions: string) => string): Pack {
  const pack = orderDeskPack();
  return {
    ...pack,
    team: (tools) => {
      const definition: SupervisorDefinition = pack.team(tools);
      const changed = ([name, one]: readonly [string, AnyAgent]): readonly [string, AnyAgent] =>
        name === agent ? [name, { ...one, instructions: change(one.instructions) }] : [name, one];
      return { ...definition, agents: new Map([...definition.agents].map(changed)) };
    },
  };
}

describe.each(vendors)("a suite of $name", { timeout: 240_000 }, (vendor) => {
  test("T1 T2 is replayed offline, twice, with the very journals of the recording, and recorded again as it was", async () => {
    const recorded = await record(vendor);
    expect(recorded.report.scenarios.map(({ name, ok }) => [name, ok])).toEqual(scenarios.map((name) => [name, true]));
    expect(recorded.report.violations).toEqual([]);
    const before = textOf(recorded.folder);
    const lines = [...before].flatMap(([file, text]) => (file.endsWith(".jsonl") ? text.trimEnd().split("\n") : []));
    expect(lines).toHaveLength(recorded.calls);

    for (const again of [await replay(recorded.folder), await replay(recorded.folder)]) {
      expect(again.journals).toEqual(recorded.journals);
      expect(again.report.recording).toMatchObject({ mode: "replay", missed: 0, unused: [] });
      expect(again.report.spending).toEqual(recorded.report.spending);
    }
    const all = [...before.values()].join("").toLowerCase();
    for (const secret of [key, "s3cret", new URL(recorded.url).host, "authorization", "x-api-key", "suite-1", "run_"]) {
      expect(all).not.toContain(secret.toLowerCase());
    }
    rmSync(recorded.folder, { recursive: true });
    for (const name of keys) vi.stubEnv(name, key);
    await record(vendor);
    expect(textOf(recorded.folder)).toEqual(before);
  });
});

describe("a recorded suite", { timeout: 240_000 }, () => {
  const [openai] = vendors as [Vendor];

  test("fails where a prompt has changed, and shows the line that did", async () => {
    const { folder } = await record(openai);
    const pack = deskWith("retrieval", (text) =>
      text.replace("never choose.", "choose the first one, and say which it was."),
    );
    const { report } = await replay(folder, { pack });
    expect(report.recording?.missed).toBeGreaterThan(0);
    const [voucher] = report.scenarios;
    expect(voucher).toMatchObject({ ok: false, missed: [expect.stringContaining("model/not-recorded")] });
    expect(voucher?.reason).toMatch(
      /line 2 is nearest and differs at \/instructions: recorded .*ask the customer; never choose\.", asked .*ask the customer; choose the first one, and say which it was\."/,
    );
    expect(voucher?.checks).toContainEqual({
      name: "what is asked is recorded",
      ok: false,
      detail: voucher?.reason,
    });
    expect(report.recording?.unused.length).toBeGreaterThan(0);
    expect(report.recording?.unused[0]).toMatchObject({ scenario: "voucher-afterwards", agent: "retrieval" });
  });

  test("says the same beside others as alone", async () => {
    const { folder, journals } = await record(openai);
    const { journals: beside, report } = await replay(folder, { concurrency: scenarios.length });
    expect(report.recording).toMatchObject({ missed: 0, unused: [] });
    const told = (all: typeof journals) =>
      all.map(({ entries }) => without(entries).map(({ type, path, body }) => ({ type, path, body })));
    expect(told(beside)).toEqual(told(journals));
  });

  test("tells of exchanges that nobody asks for, also of scenarios that are no more", async () => {
    const { folder } = await record(openai);
    const file = join(folder, "seed-3", "voucher-afterwards.jsonl");
    const text = readFileSync(file, "utf8");
    const [first = ""] = text.split("\n");
    writeFileSync(file, `${text}${first.replace('"agent":"triage"', '"agent":"nobody"')}\n`);
    writeFileSync(join(folder, "seed-3", "gone.jsonl"), `${first}\n`);
    const { report } = await replay(folder);
    const lines = text.trimEnd().split("\n").length;
    expect(report.recording).toMatchObject({
      missed: 0,
      unused: [
        { scenario: "voucher-afterwards", line: lines + 1, agent: "nobody" },
        { scenario: "gone", line: 1, agent: "triage" },
      ],
    });
  });
});
