import { type ChildProcessByStdio, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { verifyChain } from "../../packages/core/src/journal/chain.ts";
import { sqliteJournal } from "../../packages/core/src/journal/sqlite.ts";
import type { Batch } from "../../packages/core/src/port/journal.ts";
import { testStream } from "./journal-stream.ts";

/** One file, several processes: who wins, and what is left when one is killed. */

const folder = mkdtempSync(join(tmpdir(), "remit-journal-process-"));
const program = fileURLToPath(new URL("./journal-child.ts", import.meta.url));
const children = new Set<ChildProcessByStdio<Writable, Readable, Readable>>();
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly ready?: true;
  readonly opened?: true;
  readonly key?: string;
  readonly id?: string;
  readonly acknowledged?: number;
  readonly hash?: string;
  readonly refused?: string;
  readonly data?: unknown;
}

/** Starts a child. `onLine` sees what it reports; `ended` resolves with all of that when the process is gone. */
function startChild(
  args: readonly (string | number)[],
  onLine: (line: Line, lines: readonly Line[]) => void = () => {},
) {
  const child = spawn(process.execPath, [program, ...args.map(String)], { stdio: ["pipe", "pipe", "pipe"] });
  children.add(child);
  const lines: Line[] = [];
  let complaint = "";
  child.stderr.on("data", (chunk) => {
    complaint += String(chunk);
  });
  createInterface({ input: child.stdout }).on("line", (text) => {
    // A line that the kill has cut off says nothing.
    if (!text.endsWith("}")) return;
    const line = JSON.parse(text) as Line;
    lines.push(line);
    onLine(line, lines);
  });
  const ended = new Promise<{ readonly lines: readonly Line[]; readonly code: number | null; complaint: string }>(
    (resolve) => {
      child.on("close", (code) => {
        children.delete(child);
        resolve({ lines, code, complaint });
      });
    },
  );
  return { child, ended };
}

/** Two children of one order that wait for each other before they begin. */
async function bothAtOnce(order: string, path: string, count: number) {
  let ready = 0;
  const pair = ["a", "b"].map((story) =>
    startChild([order, path, story, count], (line) => {
      if (!line.ready || ++ready < 2) return;
      for (const { child } of pair) child.stdin.end("go\n");
    }),
  );
  const outcomes = await Promise.all(pair.map(({ ended }) => ended));
  for (const { complaint, code } of outcomes) expect({ complaint, code }).toEqual({ complaint: "", code: 0 });
  return outcomes.map(({ lines }) => lines);
}

function hashesAt(batches: readonly Batch[]): ReadonlyMap<number, string> {
  return new Map(batches.map(({ lastSeq, hash }) => [lastSeq, hash]));
}

async function readAll(path: string, id: string): Promise<readonly Batch[]> {
  const journal = sqliteJournal({ path });
  try {
    return await journal.read(testStream(id).key);
  } finally {
    await journal.close();
  }
}

describe("two processes", () => {
  test("of two writers of one stream, one has the history and the other a typed error", async () => {
    const path = join(folder, "race.db");
    const reports = await bothAtOnce("race", path, 60);
    const refused = reports.filter((lines) => lines.some((line) => line.refused));
    expect(refused).toHaveLength(1);
    expect(refused[0]?.at(-1)).toMatchObject({ refused: "journal/conflict", data: { stream: "acme/run/raced" } });
    const batches = await readAll(path, "raced");
    expect(verifyChain(batches).fault).toBeUndefined();
    expect(batches).toHaveLength(60);
    const winner = reports.find((lines) => !lines.some((line) => line.refused)) ?? [];
    expect(winner.filter((line) => line.acknowledged)).toEqual(
      batches.map(({ lastSeq, hash }) => ({ acknowledged: lastSeq, hash })),
    );
  });

  test("two writers that reload when refused make one history of all that was acknowledged", async () => {
    const path = join(folder, "share.db");
    const reports = await bothAtOnce("share", path, 40);
    const batches = await readAll(path, "shared");
    expect(verifyChain(batches).fault).toBeUndefined();
    expect(batches).toHaveLength(80);
    const stored = hashesAt(batches);
    for (const lines of reports) {
      const acknowledged = lines.filter((line) => line.acknowledged !== undefined);
      expect(acknowledged).toHaveLength(40);
      for (const { acknowledged: seq, hash } of acknowledged) expect(stored.get(seq ?? 0)).toBe(hash);
    }
    expect(reports[0]?.[0]?.key).toBe(reports[1]?.[0]?.key);
  });
});

describe("a killed process", () => {
  test("has lost nothing that was acknowledged, and its streams go on", async () => {
    const path = join(folder, "killed.db");
    const acknowledged = new Map<string, Map<number, string>>();
    for (const [round, after] of [1, 37, 150, 600].entries()) {
      let wanted = after;
      const { child, ended } = startChild(["endless", path, `round ${round}`, 8], (line) => {
        if (line.acknowledged !== undefined && --wanted === 0) child.kill("SIGKILL");
      });
      const { lines } = await ended;
      expect(lines.length).toBeGreaterThanOrEqual(after);
      for (const { id = "", acknowledged: seq = 0, hash = "" } of lines) {
        acknowledged.set(id, (acknowledged.get(id) ?? new Map()).set(seq, hash));
      }
      const journal = sqliteJournal({ path });
      for (const [id, hashes] of acknowledged) {
        const batches = await journal.read(testStream(id).key);
        const { head, fault } = verifyChain(batches);
        expect(fault).toBeUndefined();
        const stored = hashesAt(batches);
        for (const [seq, hash] of hashes) expect(stored.get(seq), `${id} at ${seq}`).toBe(hash);
        expect((await journal.findRun("acme", id))?.lastSeq).toBe(head.seq);
      }
      // Half of the rounds find the log as the killed process left it, the others a file that was closed well.
      if (round % 2 === 0) await journal.close();
    }
  });
});

describe("a process that ends", () => {
  test("stores what it was asked to, and does not wait for a close", async () => {
    const path = join(folder, "left.db");
    const { code, complaint } = await startChild(["leave", path, "a", 25]).ended;
    expect({ code, complaint }).toEqual({ code: 0, complaint: "" });
    expect(await readAll(path, "left")).toHaveLength(25);
  });
});

describe("a folder that takes no files", () => {
  test("is named in a typed error, whether the journal exists or not", async () => {
    const place = join(folder, "locked");
    mkdirSync(place);
    const there = join(place, "there.db");
    await sqliteJournal({ path: there }).close();
    chmodSync(folder, 0o755);
    chmodSync(place, 0o555);
    for (const path of [join(place, "new.db"), there]) {
      const { lines, complaint } = await startChild(["open", path]).ended;
      expect(complaint).toBe("");
      expect(lines).toEqual([{ refused: "journal/unavailable", data: { reason: expect.any(String), path } }]);
    }
  });
});
