import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StreamKey } from "../port/journal.ts";
import { sealBatch } from "./chain.ts";
import { emptyHead } from "./draft.ts";
import { type Committer, sqliteCommitter } from "./sqlite-commit.ts";
import { openForReading } from "./sqlite-file.ts";
import type { Write } from "./sqlite-message.ts";
import { sqliteReader } from "./sqlite-reader.ts";

let folder: string;
let path: string;
let committer: Committer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-commit-"));
  path = join(folder, "journal.db");
  openForReading(path).close();
  committer = sqliteCommitter(path);
});
afterEach(() => {
  committer.close();
  rmSync(folder, { recursive: true, force: true });
});

const keyOf = (id: string): StreamKey => ({ tenant: "acme", kind: "run", id });
const blob = (known: number, body: string): Write => ({ type: "blob", tenant: "acme", address: "here", body, known });
/** The first append of a stream. */
function append(known: number, id: string): Write {
  const body = { waitingFor: [id] };
  const draft = { type: "run.parked", at: 1, path: "", cause: 0, body } as const;
  const batch = sealBatch(emptyHead, [draft], () => "salt");
  return { type: "append", key: keyOf(id), batch, expectedSeq: 0, record: undefined, known };
}
function streamsStored(): string[] {
  const database = openForReading(path);
  try {
    return sqliteReader(database).streams("acme", "run");
  } finally {
    database.close();
  }
}
const codesOf = ({ failures }: ReturnType<Committer["commit"]>) =>
  failures.map(({ position, failure }) => `${position} ${failure.code}`);

test("a refused write of a group leaves its neighbours alone", () => {
  const answer = committer.commit([append(0, "one"), append(0, "one"), append(0, "two")]);
  expect(answer.count).toBe(3);
  expect(codesOf(answer)).toEqual(["1 journal/conflict"]);
  expect(streamsStored()).toEqual(["one", "two"]);
});

test("when the disk fails, all of the group fails and nothing of it is stored", () => {
  const answer = committer.commit([append(0, "one"), blob(0, "x".repeat(100_000)), append(0, "two")], true);
  expect(codesOf(answer)).toEqual(["0 journal/unavailable", "1 journal/unavailable", "2 journal/unavailable"]);
  expect(streamsStored()).toEqual([]);
});

test("what was asked for before the failure was known fails too, though there is room again", () => {
  committer.commit([append(0, "zero")]);
  committer.commit([append(1, "one"), blob(1, "x".repeat(100_000))], true);
  const unknowing = committer.commit([append(0, "two"), append(1, "three"), append(2, "four")]);
  expect(codesOf(unknowing)).toEqual(["0 journal/unavailable", "1 journal/unavailable", "2 journal/unavailable"]);
  const mixed = committer.commit([append(2, "five"), append(3, "six")]);
  expect(codesOf(mixed)).toEqual(["0 journal/unavailable"]);
  expect(codesOf(committer.commit([append(6, "seven")]))).toEqual([]);
  expect(streamsStored()).toEqual(["seven", "six", "zero"]);
});

test("a file that was taken away is an answer, not a crash", () => {
  rmSync(path);
  expect(codesOf(committer.commit([append(0, "one")]))).toEqual(["0 journal/unavailable"]);
});
