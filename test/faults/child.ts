import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type Batch, type Entry, openBatch, type RunRecord, verifyChain } from "@remit/core";
import { sqliteJournal } from "@remit/core/sqlite";

/** Processes that drive runs, and what they leave behind. */

const program = fileURLToPath(new URL("./fixtures/desk-child.ts", import.meta.url));

/** A line that a child reports. */
export interface Report {
  readonly at?: string;
  readonly outcome?: string;
  readonly refused?: string;
  readonly parked?: string;
  readonly woken?: number;
  readonly ended?: string;
  readonly status?: string;
  readonly run?: string;
  readonly seq?: number;
}

export interface Child {
  /** Resolves with the first line that fits; rejects when the process ends without one. */
  readonly saw: (fits: (line: Report) => boolean) => Promise<Report>;
  /** Opens one gate. */
  readonly go: () => void;
  readonly kill: () => void;
  /** Everything it reported, when it is gone. */
  readonly ended: Promise<{
    readonly lines: readonly Report[];
    readonly code: number | null;
    readonly complaint: string;
  }>;
}

/** A folder for one story, with the file of its journal and the traces of its effects. */
export function makePlace() {
  const folder = mkdtempSync(join(tmpdir(), "remit-processes-"));
  mkdirSync(join(folder, "effects"));
  const running = new Set<ChildProcessByStdio<Writable, Readable, Readable>>();

  const child = (order: string, who = order, onLine: (line: Report, count: number) => void = () => {}): Child => {
    const process_ = spawn(process.execPath, ["--conditions=@remit/source", program, order, folder, who], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    running.add(process_);
    const lines: Report[] = [];
    const waiting = new Set<() => void>();
    let gone = false;
    let complaint = "";
    process_.stderr.on("data", (chunk) => {
      complaint += String(chunk);
    });
    // A gate that nobody waits at any more is no fault of the test's.
    process_.stdin.on("error", (error) => {
      complaint += String(error);
    });
    createInterface({ input: process_.stdout }).on("line", (text) => {
      // A line that a kill has cut off says nothing.
      if (!text.endsWith("}")) return;
      lines.push(JSON.parse(text) as Report);
      onLine(lines.at(-1) as Report, lines.length);
      for (const look of waiting) look();
    });
    const ended = new Promise<Awaited<Child["ended"]>>((resolve) => {
      process_.on("close", (code) => {
        running.delete(process_);
        gone = true;
        for (const look of waiting) look();
        resolve({ lines, code, complaint });
      });
    });
    return {
      saw: (fits) =>
        new Promise((resolve, reject) => {
          const look = () => {
            const found = lines.find(fits);
            if (found) resolve(found);
            else if (gone) reject(new Error(`the process ended without it: ${JSON.stringify(lines)} ${complaint}`));
            else return;
            waiting.delete(look);
          };
          waiting.add(look);
          look();
        }),
      go: () => process_.stdin.write("go\n"),
      kill: () => process_.kill("SIGKILL"),
      ended,
    };
  };

  return {
    child,
    /** Effects by key: what each was about. One file is one effect. */
    effects: () =>
      new Map(
        readdirSync(join(folder, "effects")).map((key) => [key, readFileSync(join(folder, "effects", key), "utf8")]),
      ),
    /** Calls that had an effect or found it there, in order. */
    calls: () =>
      readFileSync(join(folder, "calls.log"), "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { who: string; key: string; what: string }),
    /** Every run of the journal: its record, its entries, and the first fault of its chain. */
    runs: async () => {
      const journal = sqliteJournal({ path: join(folder, "journal.db") });
      try {
        const records = await journal.listRuns({ tenant: "acme" });
        const read = async (record: RunRecord) => {
          const batches: readonly Batch[] = await journal.read({ tenant: "acme", kind: "run", id: record.runId });
          const entries: readonly Entry[] = batches.flatMap((batch) => openBatch(batch, record.runId));
          return { record, entries, fault: verifyChain(batches).fault };
        };
        return await Promise.all(records.map(read));
      } finally {
        await journal.close();
      }
    },
    remove: () => {
      for (const process_ of running) process_.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
