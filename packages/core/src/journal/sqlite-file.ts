import { closeSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { type ErrorData, OrchestrationError, reasonOf } from "../errors.ts";
import { makeFolder } from "./folder.ts";

/**
 * The file of an SQLite journal: what it looks like, how one is recognised, and how one is made. A file that is not
 * ours is looked at without a lock, a recovery or a side file, so that it stays byte for byte what it was.
 */

/** "Remt", in the header of every journal. */
const applicationId = 0x52656d74;
/** The format that this version writes and the newest that it reads. */
const formatVersion = 3;
/** How long a statement waits for another process. */
const busyTimeoutMs = 5_000;
const notADatabase = "it is not an SQLite database";

/**
 * Unfinished runs by age and by when they want to be woken, with all that they are chosen by, so that a choice is made
 * in the index; and by what a person is asked for. `waits` holds words between spaces.
 */
const waitingIndexes = `
CREATE INDEX runs_unfinished ON runs (status, started_at, tenant, run_id, supervisor, definition_hash)
  WHERE status IN ('running', 'parked');
CREATE INDEX runs_due ON runs (wake_at, tenant, run_id, supervisor, definition_hash)
  WHERE status = 'parked' AND wake_at IS NOT NULL;
CREATE INDEX runs_due_of_tenant ON runs (tenant, wake_at, run_id, supervisor, definition_hash)
  WHERE status = 'parked' AND wake_at IS NOT NULL;
CREATE INDEX runs_for_approval ON runs (tenant, started_at, run_id, supervisor) WHERE instr(waits, 'approval');
CREATE INDEX runs_for_question ON runs (tenant, started_at, run_id, supervisor) WHERE instr(waits, 'question');
CREATE INDEX runs_for_effect ON runs (tenant, started_at, run_id, supervisor) WHERE instr(waits, 'effect');
`;

/**
 * Batches are an ordinary table behind an integer: new rows go to its end whatever stream they belong to, so a commit
 * of many streams touches few pages. A table clustered by stream was 3 to 6 times slower with 100 streams in flight.
 */
const schema = `
CREATE TABLE streams (
  stream INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  UNIQUE (tenant, kind, id)
) STRICT;
CREATE TABLE batches (
  batch INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  lines TEXT NOT NULL,
  UNIQUE (stream, first_seq)
) STRICT;
CREATE TABLE runs (
  stream INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  run_id TEXT NOT NULL,
  supervisor TEXT NOT NULL,
  definition_hash TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  conversation_id TEXT,
  wake_at INTEGER,
  waits TEXT,
  micro_usd REAL
) STRICT;
CREATE INDEX runs_by_status ON runs (tenant, status, started_at, run_id);
CREATE INDEX runs_by_supervisor ON runs (tenant, supervisor, status, started_at, run_id);
CREATE INDEX runs_by_conversation ON runs (tenant, conversation_id, started_at, run_id) WHERE conversation_id IS NOT NULL;
${waitingIndexes}CREATE TABLE blobs (
  blob INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  address TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (tenant, address)
) STRICT;
CREATE TABLE snapshots (
  snapshot INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  state TEXT NOT NULL,
  UNIQUE (tenant, kind, id)
) STRICT;
CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY,
  key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

/**
 * Opens a journal for reading; makes the file, readable by its owner alone, and its folder when there is none.
 * @param path absolute
 * @throws OrchestrationError `journal/foreign-file`, `journal/newer-version`: the file is left as it is;
 *   `journal/unavailable` when it cannot be opened or made
 */
export function openForReading(path: string): DatabaseSync {
  try {
    refuseForeign(path);
    const database = connect(path);
    try {
      becomeJournal(database, path);
      database.exec("PRAGMA query_only = ON");
      return database;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  } catch (thrown) {
    throw OrchestrationError.is(thrown)
      ? thrown
      : new OrchestrationError("journal/unavailable", unavailableData(path, thrown), { cause: thrown });
  }
}

/**
 * Opens a journal that `openForReading` has made or recognised, for writing.
 * @param options how long a statement waits for another connection; behind how many pages a commit folds the log into
 *   the file, 0 for never
 */
export function openForWriting(
  path: string,
  { waitMs = busyTimeoutMs, foldPages = 1_000 }: { readonly waitMs?: number; readonly foldPages?: number } = {},
): DatabaseSync {
  const database = connect(path, waitMs);
  // FULL: a commit returns when the disk has it. What the log keeps after a checkpoint is bounded too.
  const settings = ["synchronous = FULL", `wal_autocheckpoint = ${foldPages}`, "journal_size_limit = 67108864"];
  database.exec(settings.map((setting) => `PRAGMA ${setting}`).join("; "));
  return database;
}

/** The members of `journal/unavailable`. */
export function unavailableData(path: string, thrown: unknown): ErrorData {
  const code = sqliteCode(thrown);
  return { reason: code === undefined ? reasonOf(thrown) : `${reasonOf(thrown)} (SQLite ${code})`, path };
}

/** Whether another connection writes just now. */
export function isBusy(thrown: unknown): boolean {
  return ((sqliteCode(thrown) ?? 0) & 0xff) === 5;
}

/** SQLite's own (extended) result code of a thrown error. */
function sqliteCode(thrown: unknown): number | undefined {
  const code = (thrown as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? code : undefined;
}

function connect(path: string, waitMs = busyTimeoutMs): DatabaseSync {
  const url = pathToFileURL(path);
  url.search = "mode=rw";
  return new DatabaseSync(url, { timeout: waitMs });
}

/**
 * Opens a file as if it could never change: no lock, no recovery, no side files. And never by node:fs, which would drop
 * this process' locks on it.
 */
function inspect(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.search = "mode=ro&immutable=1";
  const database = new DatabaseSync(url, { defensive: false });
  // A checkpoint that was cut off leaves a header that counts pages which only the log has. This reads it all the same.
  database.exec("PRAGMA writable_schema = ON");
  return database;
}

function refuseForeign(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) {
    makeFolder(dirname(path));
    makeEmpty(path);
    return;
  }
  if (!found.isFile()) throw foreign(path, found.isDirectory() ? "it is a folder" : "it is not a regular file");
  if (found.size === 0) return;
  // SQLite takes a file of one byte for an empty one.
  if (found.size < 512) throw foreign(path, notADatabase);
  const database = inspect(path);
  try {
    assertFormat(path, readFormat(database, path));
  } finally {
    database.close();
  }
}

function makeEmpty(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (thrown) {
    // Another process was quicker; what it made is looked at inside a transaction.
    if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
  }
}

interface Format {
  readonly application: number;
  readonly version: number;
}

function readFormat(database: DatabaseSync, path: string): Format {
  try {
    const application = database.prepare("PRAGMA application_id").get() as { application_id: number };
    const version = database.prepare("PRAGMA user_version").get() as { user_version: number };
    return { application: application.application_id, version: version.user_version };
  } catch (thrown) {
    if (sqliteCode(thrown) === 26) throw foreign(path, notADatabase, thrown);
    throw thrown;
  }
}

function assertFormat(path: string, { application, version }: Format): void {
  if (application !== applicationId) {
    throw foreign(path, `it is a database of another application (id ${application})`);
  }
  if (version > formatVersion) {
    throw new OrchestrationError("journal/newer-version", { path, found: version, supported: formatVersion });
  }
  if (version < 1) throw foreign(path, `its format ${version} was never in use`);
}

/** Makes the tables in an empty file; safe against other processes that do the same. */
function becomeJournal(database: DatabaseSync, path: string): void {
  const isEmpty = () => {
    const { application, version } = readFormat(database, path);
    const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get() as { count: number };
    return application === 0 && version === 0 && tables.count === 0;
  };
  if (isEmpty()) {
    database.exec("PRAGMA page_size = 8192; BEGIN IMMEDIATE");
    try {
      if (isEmpty()) {
        database.exec(`${schema}PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion}`);
      }
      database.exec("COMMIT");
    } catch (thrown) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw thrown;
    }
  }
  assertFormat(path, readFormat(database, path));
  if (readFormat(database, path).version < formatVersion) migrate(database, path);
  const mode = database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
  if (mode.journal_mode !== "wal") database.exec("PRAGMA journal_mode = WAL");
}

/** Brings an older format to this one in one transaction. An older process that has the file open must be restarted. */
function migrate(database: DatabaseSync, path: string): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been quicker.
    const { version } = readFormat(database, path);
    if (version === 1) {
      database.exec(`ALTER TABLE runs ADD COLUMN waits TEXT; DROP INDEX runs_unfinished; ${waitingIndexes}`);
    }
    if (version < 3) database.exec("ALTER TABLE runs ADD COLUMN micro_usd REAL; PRAGMA user_version = 3");
    database.exec("COMMIT");
  } catch (thrown) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw thrown;
  }
  assertFormat(path, readFormat(database, path));
}

function foreign(path: string, reason: string, cause?: unknown): OrchestrationError {
  return new OrchestrationError("journal/foreign-file", { path, reason }, { cause });
}
