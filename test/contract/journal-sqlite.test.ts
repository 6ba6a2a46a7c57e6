import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { verifyChain } from "../../packages/core/src/journal/chain.ts";
import { type SqliteJournalOptions, sqliteJournal } from "../../packages/core/src/journal/sqlite.ts";
import type { Journal } from "../../packages/core/src/port/journal.ts";
import { silentLogger } from "../../packages/core/src/port/logger.ts";
import { testRecord, testStream } from "./journal-stream.ts";

/** What only a file and a thread can do wrong. */

/** As it was written once; never changed. */
const schemaOfVersion1 = `
CREATE TABLE streams (stream INTEGER PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
  UNIQUE (tenant, kind, id)) STRICT;
CREATE TABLE batches (batch INTEGER PRIMARY KEY, stream INTEGER NOT NULL, first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL, hash TEXT NOT NULL, lines TEXT NOT NULL, UNIQUE (stream, first_seq)) STRICT;
CREATE TABLE runs (stream INTEGER PRIMARY KEY, tenant TEXT NOT NULL, run_id TEXT NOT NULL, supervisor TEXT NOT NULL,
  definition_hash TEXT NOT NULL, status TEXT NOT NULL, started_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  last_seq INTEGER NOT NULL, conversation_id TEXT, wake_at INTEGER) STRICT;
CREATE INDEX runs_by_status ON runs (tenant, status, started_at, run_id);
CREATE INDEX runs_by_supervisor ON runs (tenant, supervisor, status, started_at, run_id);
CREATE INDEX runs_by_conversation ON runs (tenant, conversation_id, started_at, run_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX runs_unfinished ON runs (started_at, run_id) WHERE status IN ('running', 'parked');
CREATE TABLE blobs (blob INTEGER PRIMARY KEY, tenant TEXT NOT NULL, address TEXT NOT NULL, body TEXT NOT NULL,
  UNIQUE (tenant, address)) STRICT;
CREATE TABLE snapshots (snapshot INTEGER PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
  seq INTEGER NOT NULL, hash TEXT NOT NULL, state TEXT NOT NULL, UNIQUE (tenant, kind, id)) STRICT;
CREATE TABLE tenants (tenant TEXT PRIMARY KEY, key TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

const folder = mkdtempSync(join(tmpdir(), "remit-journal-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened: Journal[] = [];
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
});
function open(options: SqliteJournalOptions): Journal {
  const journal = sqliteJournal(options);
  opened.push(journal);
  return journal;
}

/** Every file of a folder with its bytes. */
function contents(place: string): Record<string, string> {
  return Object.fromEntries(readdirSync(place).map((name) => [name, readFileSync(join(place, name), "base64")]));
}

/** A folder of its own with one file in it. */
function placeFor(name: string): { readonly place: string; readonly path: string } {
  const place = join(folder, name);
  mkdirSync(place);
  return { place, path: join(place, "journal.db") };
}

describe("a file that is not ours", () => {
  const refused = (place: string, path: string, error: object) => {
    const before = contents(place);
    expect(() => sqliteJournal({ path })).toThrow(expect.objectContaining(error));
    expect(contents(place)).toEqual(before);
  };

  test("a text is refused and left as it is", () => {
    for (const [index, text] of ["x", "To do:\n- buy milk\n", "long ".repeat(10_000)].entries()) {
      const { place, path } = placeFor(`text-${index}`);
      writeFileSync(path, text);
      const data = { path, reason: "it is not an SQLite database" };
      refused(place, path, { code: "journal/foreign-file", data });
    }
  });

  test("another application's database is refused and left as it is, its log too", () => {
    for (const mode of ["DELETE", "WAL"]) {
      const { place, path } = placeFor(`database-${mode}`);
      const database = new DatabaseSync(path);
      database.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE notes (note TEXT); INSERT INTO notes VALUES ('mine')`);
      const data = { path, reason: expect.stringContaining("another application") };
      refused(place, path, { code: "journal/foreign-file", data });
      database.close();
      refused(place, path, { code: "journal/foreign-file", data });
    }
  });

  test("a journal of a newer version is refused and left as it is", async () => {
    const { place, path } = placeFor("newer");
    await sqliteJournal({ path }).close();
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 4");
    database.close();
    refused(place, path, { code: "journal/newer-version", data: { path, found: 4, supported: 3 } });
  });

  test("a folder is refused", () => {
    const { place } = placeFor("folder");
    const data = { path: place, reason: "it is a folder" };
    refused(place, place, { code: "journal/foreign-file", data });
  });
});

describe("a journal's file", () => {
  test("is made with its folder, for its owner alone", async () => {
    const path = join(folder, "deep", "er", "journal.db");
    const journal = open({ path });
    await testStream("run_1").append(journal);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(statSync(`${path}-wal`).mode & 0o077).toBe(0);
  });

  test("may be an empty file at first, and is one file when closed", async () => {
    const { place, path } = placeFor("empty");
    writeFileSync(path, "");
    const journal = open({ path });
    await testStream("run_1").append(journal);
    await journal.close();
    expect(readdirSync(place)).toEqual(["journal.db"]);
  });

  test("may have a name that looks like a URL's parts, relative to the working directory", async () => {
    const { place } = placeFor("odd");
    const path = join(place, "50% & more? #1.db");
    const journal = open({ path: relative(process.cwd(), path) });
    await testStream("run_1").append(journal);
    await journal.close();
    expect(readdirSync(place)).toEqual(["50% & more? #1.db"]);
  });

  test("serves two journals of one process", async () => {
    const { path } = placeFor("twice");
    const [one, two] = [open({ path }), open({ path })];
    const stream = testStream("run_1");
    await stream.append(one);
    expect(await two.read(stream.key)).toStrictEqual(stream.batches);
    await stream.append(two);
    expect(await one.read(stream.key)).toStrictEqual(stream.batches);
    expect(await two.tenantKey("acme")).toBe(await one.tenantKey("acme"));
  });

  test("is whole again after a checkpoint that was cut off", async () => {
    const { place, path } = placeFor("checkpoint");
    const journal = open({ path });
    const stream = testStream("run_1");
    for (let index = 0; index < 50; index++) await stream.append(journal);
    // As a kill leaves it: the first page was folded into the file, the pages that it counts were not.
    const copy = join(place, "copy.db");
    copyFileSync(`${path}-wal`, `${copy}-wal`);
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(bytes.readUInt32BE(28) + 40, 28);
    writeFileSync(copy, bytes);
    const recovered = open({ path: copy });
    expect(await recovered.read(stream.key)).toStrictEqual(stream.batches);
    await stream.append(recovered);
    expect(await recovered.read(stream.key)).toStrictEqual(stream.batches);
  });

  test("that was damaged is named in a typed error", async () => {
    const { path } = placeFor("damaged");
    const journal = sqliteJournal({ path });
    const stream = testStream("run_1");
    for (let index = 0; index < 50; index++) await stream.append(journal, { status: "running" });
    await journal.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 8192));
    const error = { code: "journal/unavailable", data: { reason: expect.any(String), path } };
    const damaged = open({ path });
    await expect(damaged.read(stream.key)).rejects.toMatchObject(error);
    await expect(stream.append(damaged)).rejects.toMatchObject(error);
  });

  test("has no snapshot where that cannot be read: it is a cache, and its loss costs time alone", async () => {
    const { path } = placeFor("damaged-snapshot");
    const journal = open({ path });
    const { key } = testStream("run_1");
    await journal.saveSnapshot(key, { seq: 1, hash: "h", state: { value: "triage" } });
    const database = new DatabaseSync(path);
    database.exec("UPDATE snapshots SET state = substr(state, 1, 9)");
    database.close();
    expect(await journal.loadSnapshot(key)).toBeUndefined();
    await journal.saveSnapshot(key, { seq: 2, hash: "h2", state: "kept" });
    expect(await journal.loadSnapshot(key)).toEqual({ seq: 2, hash: "h2", state: "kept" });
  });
});

describe("a journal of an older version", () => {
  test("is brought to this one where it lies, with all its runs, by whichever process is first", async () => {
    const { path } = placeFor("older");
    const database = new DatabaseSync(path);
    database.exec(
      `PRAGMA page_size = 8192; ${schemaOfVersion1} PRAGMA application_id = 1382378868; PRAGMA user_version = 1`,
    );
    const stream = testStream("run_1");
    const { batch } = stream.next();
    database.exec("INSERT INTO streams (stream, tenant, kind, id) VALUES (1, 'acme', 'run', 'run_1')");
    const put = "INSERT INTO batches (stream, first_seq, last_seq, hash, lines) VALUES (1, 1, 1, ?, ?)";
    database.prepare(put).run(batch.hash, batch.lines);
    database.exec("INSERT INTO runs VALUES (1, 'acme', 'run_1', 'desk', 'd1', 'parked', 1000, 1000, 1, 'talk', 9000)");
    database.exec("INSERT INTO tenants VALUES ('acme', 'secret')");
    database.close();
    const [one, two] = [open({ path }), open({ path })];
    const record = testRecord(stream.key, { status: "parked", conversationId: "talk", wakeAt: 9_000 });
    for (const journal of [one, two]) {
      expect(await journal.read(stream.key)).toStrictEqual([batch]);
      expect(await journal.unfinishedRuns({ dueAt: 9_000 })).toStrictEqual([record]);
      expect(await journal.nextWakeAt()).toBe(9_000);
      expect(await journal.tenantKey("acme")).toBe("secret");
    }
    await stream.append(one, { status: "parked", waits: ["approval"] });
    expect(await two.listRuns({ tenant: "acme", waitingFor: "approval" })).toHaveLength(1);
    await Promise.all([one.close(), two.close()]);
    const after = new DatabaseSync(path, { readOnly: true });
    expect(after.prepare("PRAGMA user_version").get()).toEqual({ user_version: 3 });
    expect(schemaOf(after)).toEqual(schemaOf(fresh()));
    after.close();
  });

  /** A new file of this version. */
  const fresh = () => {
    const { path } = placeFor("fresh");
    open({ path });
    return new DatabaseSync(path, { readOnly: true });
  };
  const schemaOf = (database: DatabaseSync) => ({
    indexes: database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name").all(),
    columns: database.prepare("SELECT name, type, \"notnull\" FROM pragma_table_info('runs')").all(),
  });
});

describe("a full disk", () => {
  test("fails what does not fit with a typed error; what was acknowledged is safe and later appends succeed", async () => {
    const { path } = placeFor("full");
    let full = false;
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: unknown) => warnings.push(fields) };
    const journal = open({ path, logger, simulateFault: () => (full ? "full-disk" : undefined) });
    const stream = testStream("run_1");
    await stream.append(journal);
    full = true;
    const { batch, expectedSeq } = stream.next(1, 500_000);
    const outcome = { code: "journal/unavailable", retryable: true, data: { reason: expect.stringMatching(/full/) } };
    for (let round = 0; round < 2; round++) {
      await expect(journal.append(stream.key, batch, expectedSeq)).rejects.toMatchObject(outcome);
    }
    expect(await journal.read(stream.key)).toStrictEqual(stream.batches.slice(0, 1));
    expect(warnings).toEqual([
      expect.objectContaining({ code: "journal/unavailable", path, writes: 1 }),
      expect.objectContaining({ code: "journal/unavailable", path, writes: 1 }),
    ]);
    full = false;
    await journal.append(stream.key, batch, expectedSeq);
    await stream.append(journal);
    expect(await journal.read(stream.key)).toStrictEqual(stream.batches);
    expect(verifyChain(stream.batches).fault).toBeUndefined();
  });

  test("fails all that was asked for behind the first failure, so no entry names a payload that was lost", async () => {
    const { path } = placeFor("full-behind");
    let full = true;
    const journal = open({ path, simulateFault: () => (full ? "full-disk" : undefined) });
    const stream = testStream("run_1");
    const payload = journal.putBlob("acme", "address", "long ".repeat(100_000));
    const behind = [stream.append(journal), testStream("run_2").append(journal)];
    // There is room again when they have been sent, before anybody has heard of the failure.
    setImmediate(() => {
      full = false;
      behind.push(stream.append(journal));
    });
    const outcomes = await Promise.allSettled([payload, ...behind]);
    const third = behind[2]?.then(
      () => "fulfilled",
      () => "rejected",
    );
    expect([...outcomes.map(({ status }) => status), await third]).toEqual(Array(4).fill("rejected"));
    expect(await journal.read(stream.key)).toEqual([]);
    expect(await journal.getBlob("acme", "address")).toBeUndefined();
    await testStream("run_1").append(journal);
  });
});

describe("the writer thread", () => {
  test("that dies fails what was open with a typed error and is started again", async () => {
    const { path } = placeFor("crash");
    let crash = false;
    const errors: unknown[] = [];
    const logger = { ...silentLogger, error: (fields: unknown) => errors.push(fields) };
    const journal = open({ path, logger, simulateFault: () => (crash ? "crash" : undefined) });
    const stream = testStream("run_1");
    await stream.append(journal);
    crash = true;
    const lost = testStream("run_1", { behind: stream.batches });
    const outcomes = await Promise.allSettled([lost.append(journal), lost.append(journal)]);
    crash = false;
    const reason = expect.stringContaining("a simulated crash");
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "journal/unavailable", data: { reason } } });
    }
    expect(errors).toEqual([expect.objectContaining({ path, reason, writes: 2 })]);
    expect(await journal.read(stream.key)).toStrictEqual(stream.batches);
    await stream.append(journal);
    expect(await journal.read(stream.key)).toStrictEqual(stream.batches);
  });

  test("tells those who wait in small groups, so that not all of them go on in one turn of the event loop", async () => {
    const journal = open({ path: placeFor("turns").path });
    let turn = 0;
    let counting = true;
    const count = () => {
      turn++;
      if (counting) setImmediate(count);
    };
    count();
    const told = new Map<number, number>();
    const streams = Array.from({ length: 100 }, (_, index) => testStream(`run_${index}`));
    await Promise.all(
      streams.map(async (stream) => {
        await stream.append(journal);
        told.set(turn, (told.get(turn) ?? 0) + 1);
      }),
    );
    counting = false;
    expect(Math.max(...told.values())).toBeLessThanOrEqual(16);
    expect([...told.values()].reduce((sum, one) => sum + one)).toBe(100);
  });

  test("lets a read of one stream wait for the writes of that stream alone", async () => {
    const journal = open({ path: placeFor("reads").path });
    const [written, other] = [testStream("run_1"), testStream("run_2")];
    await written.append(journal, {});
    const order: string[] = [];
    const appended = other.append(journal, {}).then(() => order.push("appended"));
    expect(await journal.read(written.key)).toStrictEqual(written.batches);
    expect(await journal.findRun("acme", "run_1")).toMatchObject({ lastSeq: 1 });
    order.push("read");
    expect(await journal.findRun("acme", "run_2")).toMatchObject({ lastSeq: 1 });
    expect(await journal.read(other.key)).toStrictEqual(other.batches);
    await appended;
    expect(order).toEqual(["read", "appended"]);
  });

  test("gets no more than a portion at a time, and every write is answered", async () => {
    const { path } = placeFor("portions");
    let messages = 0;
    const count = () => {
      messages++;
      return undefined;
    };
    const journal = open({ path, simulateFault: count });
    const streams = Array.from({ length: 50 }, (_, index) => testStream(`run_${index}`));
    const appends = Array.from({ length: 60 }).flatMap(() => streams.map((stream) => stream.append(journal)));
    const large = testStream("large");
    const huge = Array.from({ length: 6 }, () => {
      const { batch, expectedSeq } = large.next(1, 5_000_000);
      return journal.append(large.key, batch, expectedSeq);
    });
    await Promise.all([...appends, ...huge]);
    // 3,000 small ones go in portions of 1,024, those of 5 million characters two at a time.
    expect(messages).toBeGreaterThanOrEqual(5);
    for (const stream of [...streams, large]) expect(await journal.read(stream.key)).toStrictEqual(stream.batches);
  });
});
