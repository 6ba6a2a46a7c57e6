import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type Batch, linesOf, memoryJournal, verifyChain } from "@remit/core";
import { describe, expect, test } from "vitest";
import { replayRun } from "../../packages/core/src/run/replay.ts";
import { normalLines } from "./normal.ts";
import { goldenKey, goldenRuns, playGolden, storedDefinitionOf, storedStream } from "./runs.ts";

/**
 * Two kinds of golden files. `normal/` is what runs look like today: it changes by an explicit update
 * (`REMIT_UPDATE_GOLDEN=1`) that is read like code. `raw/` holds journals as they were stored: what is there stays for
 * ever, whatever version wrote it, and must verify and replay; an update only adds files that are not there.
 */

const update = process.env.REMIT_UPDATE_GOLDEN === "1";
const fileOf = (folder: "normal" | "raw", name: string) => new URL(`${folder}/${name}.jsonl`, import.meta.url);

/** Stored batches as lines of a file: batches are apart by an empty line. */
const toText = (batches: readonly Batch[]) => batches.map(({ lines }) => lines).join("\n");

function fromText(text: string): Batch[] {
  let seq = 0;
  return text.split("\n\n").map((block) => {
    const lines = `${block.trimEnd()}\n`;
    const stored = linesOf({ firstSeq: 0, lastSeq: 0, lines, hash: "" });
    const firstSeq = seq + 1;
    seq += stored.length;
    return { firstSeq, lastSeq: seq, lines, hash: stored.at(-1)?.hash ?? "" };
  });
}

async function replayText(run: (typeof goldenRuns)[number], text: string) {
  const journal = memoryJournal({ newKey: goldenKey });
  const key = storedStream(run);
  let expected = 0;
  for (const batch of fromText(text)) {
    await journal.append(key, batch, expected);
    expected = batch.lastSeq;
  }
  return replayRun(journal, key, storedDefinitionOf(run));
}

describe.each(goldenRuns)("$name", (run) => {
  test("comes out as it is written down", async () => {
    const { entries } = await playGolden(run);
    const text = `${normalLines(entries).join("\n")}\n`;
    const file = fileOf("normal", run.name);
    if (update) writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, "utf8"));
  });

  test("is stored to the byte the same on every play", async () => {
    const [first, second] = [await playGolden(run), await playGolden(run)];
    expect(toText(second.batches)).toBe(toText(first.batches));
  });

  test("its journal as it was once stored still verifies and replays", async () => {
    const file = fileOf("raw", run.name);
    if (update && !existsSync(file)) writeFileSync(file, toText((await playGolden(run)).batches));
    const text = readFileSync(file, "utf8");
    const batches = fromText(text);
    expect(verifyChain(batches).fault).toBeUndefined();
    const report = await replayText(run, text);
    expect(report.fault).toBeUndefined();
    expect(report).toMatchObject({ ok: true, entries: batches.at(-1)?.lastSeq });
  });

  test("one changed character of it is named", async () => {
    const text = readFileSync(fileOf("raw", run.name), "utf8");
    const batches = fromText(text);
    const [last] = batches.slice(-1);
    if (!last) throw new Error("the golden file is empty");
    const forged = {
      ...last,
      lines: last.lines.replace("wish", "fish").replace('"reply"', '"repay"').replace('"undone"', '"undune"'),
    };
    const { fault } = verifyChain([...batches.slice(0, -1), forged]);
    expect(fault).toMatchObject({ reason: expect.stringContaining("commitment") as string });
  });
});
