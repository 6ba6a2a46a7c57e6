import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  checkpointStream,
  createSupervisor,
  defineAgent,
  eraseRun,
  linesOf,
  operator,
  seededIds,
  verifyChain,
} from "@remit/core";
import { sqliteEngine, sqliteJournal } from "@remit/core/sqlite";
import { answers, scriptedModel } from "@remit/core/testing";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { sealBatch } from "../../packages/core/src/journal/chain.ts";
import { type Draft, emptyHead } from "../../packages/core/src/journal/draft.ts";
import { goldenRuns } from "../golden/runs.ts";
import { evidenceOf, golden, playSigned, publicKey, signer, tenantKey, verify } from "./files.ts";

/** Whatever is done to a file of evidence, the first bad entry is named (R1). */

const verifier = fileURLToPath(new URL("../../docs/verify/verify-audit.mjs", import.meta.url));

test("the verifier is one file of fewer than 200 lines that imports Node's own modules alone", () => {
  const text = readFileSync(verifier, "utf8");
  expect(text.trimEnd().split("\n").length).toBeLessThan(200);
  expect([...text.matchAll(/from "([^"]+)"/g)].map(([, name]) => name)).toEqual(["node:crypto", "node:fs", "node:url"]);
});

describe.each(goldenRuns)("$name", (run) => {
  test("its evidence holds, is covered to its end, complete, and has nothing unread but what needs the tenant's key", async () => {
    const played = await playSigned(run);
    const lines = await evidenceOf(played);
    const report = await verify(lines.join(""));
    expect(report.fault).toBeUndefined();
    const { head } = verifyChain(await played.journal.read({ ...played.key, kind: "run", id: played.key.runId }));
    expect(report).toMatchObject({ ok: true, run: played.key.runId, entries: head.seq, head: head.hash });
    expect(report.completeness?.present).toBe(report.completeness?.required);
    expect(await verify(lines.join(""), { key: tenantKey })).toMatchObject({ ok: true, notes: [] });
  });

  test("any line dropped, doubled, put elsewhere or cut off behind is found where it is", async () => {
    const lines = await evidenceOf(await playSigned(run));
    const seqs = seqsIn(lines);
    for (const [index, line] of lines.entries()) {
      const at = seqs[index];
      const dropped = await verify(lines.toSpliced(index, 1).join(""));
      expect(dropped.ok, `line ${index + 1} dropped`).toBe(false);
      if (at?.own) expect(dropped.fault, `line ${index + 1} dropped`).toMatchObject({ seq: at.seq });
      const doubled = await verify(lines.toSpliced(index, 0, line).join(""));
      expect(doubled.ok, `line ${index + 1} doubled`).toBe(false);
      if (at?.own) expect(doubled.fault?.line, `line ${index + 1} doubled`).toBe(index + 2);
      const after = lines[index + 1];
      if (after !== undefined) {
        const swapped = await verify(lines.toSpliced(index, 2, after, line).join(""));
        expect(swapped.ok, `lines ${index + 1} and ${index + 2} swapped`).toBe(false);
        if (at?.own && seqs[index + 1]?.own) expect(swapped.fault).toMatchObject({ seq: at.seq });
      }
      const cut = await verify(lines.slice(0, index).join(""));
      expect(cut.ok, `cut before line ${index + 1}`).toBe(false);
      if (at?.own) expect(cut.fault, `cut before line ${index + 1}`).toMatchObject({ seq: at.seq });
    }
  });
});

test("a signature under another name is no signature, and no seal", async () => {
  const lines = await evidenceOf(await playSigned(golden("a-fine-is-waived")));
  for (const name of ["keyId", "signature", "marks"]) {
    const renamed = lines.map((line, index) =>
      index === lines.length - 1 ? line.replace(`"${name}"`, `"x${name}"`) : line,
    );
    expect((await verify(renamed.join(""), { key: tenantKey })).ok, name).toBe(false);
  }
});

test("a first line without one of its members, or with it under another name, is no first line of these", async () => {
  const [first = "", ...lines] = await evidenceOf(await playSigned(golden("a-fine-is-waived")));
  const { file } = JSON.parse(first) as { file: object };
  for (const name of Object.keys(file)) {
    const { [name as keyof typeof file]: value, ...others } = file;
    for (const changed of [others, { ...others, [`x${name}`]: value }, { ...file, [name]: 7 }]) {
      const report = await verify([`${JSON.stringify({ file: changed })}\n`, ...lines].join(""), { key: tenantKey });
      expect(report.fault, name).toMatchObject({ line: 1 });
    }
  }
});

test("a member that is nothing, or of a kind that it never is, is a fault of the file and no throw", async () => {
  const lines = await evidenceOf(await playSigned(golden("a-fine-is-waived"), 200));
  expect(lines.some((line) => line.startsWith('{"blob":'))).toBe(true);
  for (const [index, line] of lines.entries()) {
    const members = JSON.parse(line) as { readonly blob?: string };
    for (const name of ["seal", ...(members.blob === undefined ? [] : ["text"])]) {
      for (const value of [null, 0, "", {}, []]) {
        const changed = lines.with(index, `${JSON.stringify({ ...members, [name]: value })}\n`);
        const report = await verify(changed.join(""), { key: tenantKey });
        expect(report.ok, `${name} of line ${index + 1}: ${JSON.stringify(value)}`).toBe(false);
      }
    }
  }
});

test("any character changed, at any place, is found in its line; in an entry, the entry is named", async () => {
  const lines = await evidenceOf(await playSigned(golden("a-fine-is-waived")));
  const text = lines.join("");
  const starts = lines.map((_, index) => lines.slice(0, index).join("").length);
  const seqs = seqsIn(lines);
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), fc.constantFrom(...'aZ0-{}"\\\t \n'), async (place, by) => {
      fc.pre(text[place] !== by && text[place] !== "\n");
      const report = await verify(`${text.slice(0, place)}${by}${text.slice(place + 1)}`, { key: tenantKey });
      expect(report.ok).toBe(false);
      const index = starts.findLastIndex((start) => start <= place);
      const at = seqs[index];
      // A name of a stream is no part of the entry: a line of another one stands in its place.
      const isInEntry = place - (starts[index] ?? 0) >= (lines[index] ?? "").indexOf(',"line":');
      if (at?.own && isInEntry) expect(report.fault).toMatchObject({ line: index + 1, seq: at.seq });
    }),
    { numRuns: 500 },
  );
}, 120_000);

describe("who writes the chain anew", () => {
  test("is betrayed by the checkpoints: a tail that is cut off is missing, by its seq", async () => {
    const played = await playSigned(golden("a-book-is-lent"));
    const { journal, key } = played;
    const stream = { tenant: key.tenant, kind: "run", id: key.runId } as const;
    const batches = await journal.read(stream);
    const kept = batches.slice(0, -2);
    const read: typeof journal.read = async (asked, from = 1, most) =>
      asked.kind === "run" ? kept.filter(({ lastSeq }) => lastSeq >= from) : journal.read(asked, from, most);
    const cut = await evidenceOf({ ...played, journal: { ...journal, read } });
    const { fault } = await verify(cut.join(""));
    const first = (kept.at(-1)?.lastSeq ?? 0) + 1;
    expect(fault).toMatchObject({ seq: first, reason: expect.stringMatching(/a checkpoint names entry \d+/) });
    // Nothing but the checkpoints knows: the file is sealed and signed as it was found.
    const without = {
      ...journal,
      read: async (...asked: Parameters<typeof read>) => (asked[0].kind === "checkpoints" ? [] : read(...asked)),
    };
    const blind = await verify((await evidenceOf({ ...played, journal: without })).join(""));
    expect(blind.ok).toBe(true);
    expect(blind.notes).toContain(
      "no checkpoint covers the run: a tail that was cut off before the export is not seen",
    );
  });

  test("has no key: a checkpoint or a seal by another one does not count", async () => {
    const played = await playSigned(golden("nothing-to-do-here"));
    const lines = await evidenceOf(played);
    const other = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }) as string;
    const report = await verify(lines.join(""), { keys: [other] });
    expect(report.fault?.reason).toMatch(
      /^the checkpoint of entry \d+: it is signed by the key [\w-]{43}, which was not given$/,
    );
    expect((await verify(lines.join(""), { keys: [] })).notes).toContain(
      "no key was given: signatures were not checked",
    );
    const unsigned = await verify((await evidenceOf(played, false)).join(""));
    expect(unsigned).toMatchObject({ ok: true });
    expect(unsigned.notes).toContain("the file as a whole is not signed");
  });
});

test("K3 checkpoints form a chain of their own under the key: at parks, every so many entries, and at the end", async () => {
  const { journal, key } = await playSigned(golden("a-book-is-lent"));
  const batches = await journal.read(checkpointStream(key.tenant));
  expect(verifyChain(batches).fault).toBeUndefined();
  const bodies = batches.flatMap(linesOf).map(({ body }) => JSON.parse(body));
  const hashes = batches.flatMap(linesOf).map(({ hash }) => hash);
  expect(bodies.map(({ previous }) => previous)).toEqual(["", ...hashes.slice(0, -1)]);
  const run = await journal.read({ tenant: key.tenant, kind: "run", id: key.runId });
  expect(bodies.at(-1)).toMatchObject({ stream: `run/${key.runId}`, seq: run.at(-1)?.lastSeq, hash: run.at(-1)?.hash });
  expect(bodies.length).toBeGreaterThan(2);
});

test("K2 an engine that is closed at once behind a run's end has its last checkpoint on disk", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-checkpoint-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "journal.db");
  const clerk = defineAgent({
    name: "clerk",
    description: "Answers.",
    model: "m",
    tools: [],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    instructions: "Answer.",
  });
  const engine = sqliteEngine({ path });
  const desk = createSupervisor({
    name: "desk",
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { m: scriptedModel([answers(clerk, { text: "yes" })]) },
    engine,
    checkpoints: { signer },
  });
  const run = await desk.start({ text: "?" }, { tenant: "acme", principal: operator("jo") });
  const { journalHash } = await run.result();
  await engine.close();
  const journal = sqliteJournal({ path });
  const last = (await journal.read(checkpointStream("acme"))).flatMap(linesOf).at(-1);
  expect(JSON.parse(last?.body ?? "")).toMatchObject({ stream: `run/${run.id}`, hash: journalHash });
  await journal.close();
});

describe("erased", () => {
  const erasing = { by: operator("dpo"), reason: "asked for by r-7", now: () => 1, salt: seededIds(3).salt };

  test("a run's file still holds, says who erased it, and has nothing of what was said", async () => {
    const played = await playSigned(golden("a-book-is-lent"));
    const before = (await evidenceOf(played)).join("");
    expect(before).toContain("r-7");
    expect(await eraseRun(played.journal, played.key, erasing)).toBeGreaterThan(20);
    const lines = await evidenceOf(played);
    const report = await verify(lines.join(""));
    expect(report).toMatchObject({ ok: true });
    expect(report.notes).toContainEqual(expect.stringMatching(/^\d+ bodies were erased/));
    const said = lines.filter((line) => line.includes("erasure.requested"));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain("asked for by r-7");
    expect(lines.filter((line) => line !== said[0]).join("")).not.toContain("r-7");
  });

  test("and nobody says so: the first entry without its body is named", async () => {
    const played = await playSigned(golden("a-book-is-lent"));
    await played.journal.erase([{ tenant: "golden", kind: "run", id: played.key.runId }]);
    expect((await verify((await evidenceOf(played)).join(""))).fault).toMatchObject({
      seq: 1,
      reason: "it was erased, and no entry says by whom",
    });
  });

  test("and an entry says it of classes alone: that is word of the vault's values, and not of an answer that is gone", async () => {
    const played = await playSigned(golden("a-book-is-lent"));
    const { journal, key } = played;
    const answers = { tenant: key.tenant, kind: "answers", id: key.runId } as const;
    const body = { question: "q", answer: "yes", principal: operator("o"), reason: "", key: "k" };
    const draft = { type: "answer.left", at: 1, path: "", cause: 0, body } as unknown as Draft;
    await journal.append(answers, sealBatch(emptyHead, [draft], erasing.salt), 0);
    await eraseRun(journal, key, { ...erasing, classes: ["email"] });
    expect(await verify((await evidenceOf(played)).join(""))).toMatchObject({ ok: true });
    await journal.erase([answers]);
    expect((await verify((await evidenceOf(played)).join(""))).fault).toMatchObject({
      stream: `answers/${key.runId}`,
      seq: 1,
      reason: "it was erased, and no entry says by whom",
    });
    await eraseRun(journal, key, erasing);
    expect(await verify((await evidenceOf(played)).join(""))).toMatchObject({ ok: true });
  });
});

test("on the command line: 0 when all holds, 1 with the first bad entry, 2 for wrong usage", async () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-evidence-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const lines = await evidenceOf(await playSigned(golden("a-fine-is-waived")));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const run = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [verifier, ...words], { encoding: "utf8", env: {} });
    return { status, stdout, stderr };
  };
  const key = file("public.pem", publicKey);
  expect(run(file("whole.jsonl", lines.join("")), "--key", key, "--tenant-key", file("key", tenantKey))).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^run_[\w-]+: \d+ entries hold, hash [\w-]{43}\n$/),
  });
  const forged = file("forged.jsonl", lines.join("").replace("cents", "scent"));
  expect(run(forged, "--key", key)).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^line \d+, entry \d+ of run\//),
  });
  for (const words of [[], [file("a", "")], ["x", "y"], [join(folder, "none")], [forged, "--key"]]) {
    expect(run(...words).status, words.join(" ")).toBe(words[0] === join(folder, "a") ? 1 : 2);
  }
});

/** For each line the entry that it is, or whose payload it is. */
function seqsIn(lines: readonly string[]): ({ readonly seq: number; readonly own: boolean } | undefined)[] {
  let last = 0;
  return lines.map((text) => {
    const { stream, line, blob } = JSON.parse(text) as { stream?: string; line?: string; blob?: string };
    if (blob !== undefined) return { seq: last, own: true };
    if (line === undefined) return undefined;
    const { seq } = JSON.parse(line.split("\t")[0] ?? "") as { seq: number };
    if (stream?.startsWith("run/")) last = seq;
    return { seq, own: stream?.startsWith("run/") ?? false };
  });
}
