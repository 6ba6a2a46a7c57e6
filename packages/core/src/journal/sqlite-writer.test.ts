import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../port/logger.ts";
import { sealBatch } from "./chain.ts";
import { emptyHead } from "./draft.ts";
import { openForReading } from "./sqlite-file.ts";
import type { Write } from "./sqlite-message.ts";
import { sqliteReader } from "./sqlite-reader.ts";
import { sqliteWriter, type Writer } from "./sqlite-writer.ts";

let folder: string;
let path: string;
let writer: Writer;
/** The stopwatch is looked at before and behind each commit here, and at no other time. */
let looks: number;
let commitMs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-writer-"));
  path = join(folder, "journal.db");
  openForReading(path).close();
  looks = 0;
  commitMs = 0;
  const elapsed = () => (looks++ % 2 === 0 ? 0 : commitMs);
  writer = sqliteWriter({ path, logger: silentLogger, fault: () => undefined, elapsed });
});
afterEach(async () => {
  await writer.close();
  rmSync(folder, { recursive: true, force: true });
});

const write = (address: string, body = "payload") =>
  writer.write((known): Write => ({ type: "blob", tenant: "acme", address, body, known }), body.length);
/** The first append of a run. */
function append(id: string): Promise<void> {
  const draft = { type: "run.parked", at: 1, path: "", cause: 0, body: { waitingFor: [id] } } as const;
  const batch = sealBatch(emptyHead, [draft], () => "salt");
  const key = { tenant: "acme", kind: "run", id } as const;
  return writer.write((known) => ({ type: "append", key, batch, expectedSeq: 0, record: undefined, known }), 100);
}
const many = (count: number) => Array.from({ length: count }, (_, index) => `a${index}`);
function isStored(address: string): boolean {
  const database = openForReading(path);
  try {
    return sqliteReader(database).blob("acme", address) !== undefined;
  } finally {
    database.close();
  }
}

test("W1 a write that comes alone is committed here", async () => {
  await write("one");
  expect(looks).toBe(2);
  expect(isStored("one")).toBe(true);
});

test("W1 many at a time, a large one, and whatever comes while the thread is at work are the thread's", async () => {
  await Promise.all(many(17).map((address) => write(address)));
  await write("large", "x".repeat(65_537));
  expect(looks).toBe(0);
  const first = Promise.all(many(32).map((address) => write(`b${address}`)));
  await new Promise(setImmediate);
  await Promise.all([first, write("meanwhile")]);
  expect(looks).toBe(0);
  for (const address of ["a0", "a4", "large", "ba31", "meanwhile"]) expect(isStored(address)).toBe(true);
});

test("W1 what two runs write at once is the thread's, and what one writes with its payloads is not", async () => {
  await Promise.all([append("one"), append("two")]);
  expect(looks).toBe(0);
  await Promise.all([write("payload"), append("three")]);
  expect(looks).toBe(2);
});

test("W1 one stall is no slow disk; where each commit takes long, the thread commits", async () => {
  commitMs = 1_000;
  await write("one");
  commitMs = 0;
  for (const address of many(3)) await write(address);
  expect(looks).toBe(8);
  commitMs = 50;
  for (const address of many(20)) await write(`b${address}`);
  // Six of those are an average above 2 ms; the thread's own commits on this disk bring it down again.
  expect(looks).toBeLessThan(8 + 2 * 20);
  expect(isStored("ba19")).toBe(true);
});

test("W1 the thread gets every hundred and first group, and folds the log into the file", async () => {
  for (const address of many(101)) await write(address);
  expect(looks).toBe(200);
  await write("next");
  expect(looks).toBe(202);
});

test("W3 while another connection writes, the thread waits for it, and this one goes on", async () => {
  await write("one");
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  let isWritten = false;
  const written = write("two").then(() => {
    isWritten = true;
  });
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect([looks, isWritten]).toEqual([4, false]);
  other.exec("COMMIT");
  other.close();
  await written;
  expect(isStored("two")).toBe(true);
});

test("W3 a file that cannot be written is the thread's to tell", async () => {
  await write("one");
  await writer.close();
  rmSync(path);
  await expect(write("two")).rejects.toMatchObject({ code: "journal/unavailable" });
  expect(looks).toBe(4);
});
