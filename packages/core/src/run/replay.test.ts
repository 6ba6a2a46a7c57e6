import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { localEngine } from "../engine/local.ts";
import { OrchestrationError } from "../errors.ts";
import { defineEscalation, defineHandoff } from "../handoff.ts";
import { openBatch } from "../journal/chain.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Batch, Journal } from "../port/journal.ts";
import { silentLogger } from "../port/logger.ts";
import { user } from "../principal.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { answers, fakeClock, scriptedModel } from "../testing/index.ts";
import { replayRun } from "./replay.ts";

const text = z.object({ text: z.string() });
const agent = <const Name extends string>(name: Name) =>
  defineAgent({ name, description: "", model: "m", tools: [], input: text, output: text, instructions: "Write." });
const clerk = agent("clerk");
const boss = agent("boss");

function desk(when: (output: { text: string }) => boolean = () => true, version = "0") {
  return defineSupervisor({
    agents: { clerk, boss },
    entry: "clerk",
    exit: "boss",
    handoffs: [
      defineHandoff({ from: clerk, to: boss, when, map: (output) => output, version }),
      defineEscalation({ from: clerk, reason: "odd" }),
    ],
  });
}

/** A finished run in a journal, and the same journal with other lines. */
async function finished() {
  const journal = memoryJournal();
  const engine = localEngine({ name: "memory", journal, clock: fakeClock(), logger: silentLogger });
  const model = scriptedModel([answers(clerk, { text: "a" }), answers(boss, { text: "b" })]);
  const supervisor = runSupervisor(desk(), { engine, models: { m: model } });
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme", principal: user("u_1") });
  const { journalHash, seq } = await run.result();
  const key = { tenant: "acme", kind: "run", id: run.id } as const;
  const batches = await journal.read(key);
  const changed = (change: (batch: Batch, index: number) => Batch): Journal => ({
    ...journal,
    read: async () => batches.map(change),
  });
  const replay = (from: Journal = journal, definition = desk()) => replayRun(from, key, definition as never);
  return { replay, changed, batches, journalHash, seq, run };
}

describe("replay", () => {
  test("decides everything again from the journal alone", async () => {
    const { replay, journalHash, seq, run } = await finished();
    const report = await replay();
    expect(report).toMatchObject({ ok: true, run: run.id, entries: seq, status: "completed", journalHash });
    expect(report.inputs + report.decisions).toBe(seq);
    expect(report.inputs).toBe(3);
    expect(report.fault).toBeUndefined();
  });

  test("says nothing of a journal that is away: a payload that cannot be fetched now was not tampered with", async () => {
    const { replay, changed, batches } = await finished();
    const reference = JSON.stringify({ $blob: "address", chars: 20_000 });
    const [first] = batches;
    if (!first) throw new Error("the run has no entries");
    const entries = openBatch(first, "run").map((entry) => ({ ...entry, body: JSON.parse(reference) as object }));
    const by = (code: "journal/unavailable" | "journal/blob-missing"): Journal => ({
      ...changed((one, index) => (index === 0 ? { ...one, entries: entries as never } : one)),
      getBlob: async () => {
        if (code === "journal/blob-missing") return undefined;
        throw new OrchestrationError(code, { reason: "the disk is busy" });
      },
    });
    await expect(replay(by("journal/unavailable"))).rejects.toMatchObject({ code: "journal/unavailable" });
    expect(await replay(by("journal/blob-missing"))).toMatchObject({ ok: false, fault: { kind: "erased", seq: 1 } });
  });

  test("names the line that was tampered with", async () => {
    const { replay, changed, batches } = await finished();
    for (const [place, batch] of batches.entries()) {
      const journal = changed((one, index) =>
        index === place ? { ...one, lines: one.lines.replace(/"path":"[^"]*"/, '"path":"x"') } : one,
      );
      expect(await replay(journal)).toMatchObject({ ok: false, fault: { kind: "chain", seq: batch.firstSeq } });
    }
  });

  test("names a body that was erased: the chain holds, but nothing can be decided from it", async () => {
    const { replay, changed } = await finished();
    const journal = changed((one, index) =>
      index === 1 ? { ...one, lines: one.lines.replace(/\t[^\t]*\t[^\t]*\n/, "\t\t\n") } : one,
    );
    const report = await replay(journal);
    expect(report).toMatchObject({ ok: false, fault: { kind: "erased" } });
  });

  test("names the first decision that a changed guard makes differently", async () => {
    const { replay } = await finished();
    const report = await replay(
      undefined,
      desk(() => false),
    );
    expect(report).toMatchObject({ ok: false, fault: { kind: "decision" } });
    expect(report.fault?.reason).toContain("clerk->boss");
    expect(report.fault?.reason).toContain("clerk->escalated:odd");
    const throwing = await replay(
      undefined,
      desk(() => {
        throw new Error("today");
      }),
    );
    expect(throwing).toMatchObject({ ok: false, fault: { kind: "decision", seq: report.fault?.seq } });
  });

  test("says so when the run belongs to another definition", async () => {
    const { replay } = await finished();
    const report = await replay(
      undefined,
      desk(() => true, "1"),
    );
    expect(report).toMatchObject({ ok: false, fault: { kind: "definition", seq: 1 } });
    expect(report.fault?.reason).toContain(desk().hash);
  });

  test("of a run that is not there is a typed error", async () => {
    const { replay, changed } = await finished();
    const none = { ...changed((one) => one), read: async () => [] };
    await expect(replay(none)).rejects.toMatchObject({ code: "run/unknown" });
  });
});
