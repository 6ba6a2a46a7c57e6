import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { OrchestrationError, reasonOf } from "../errors.ts";
import { sha256 } from "../hash.ts";
import { pathIn } from "../journal/file-path.ts";
import { makeFolder } from "../journal/folder.ts";
import type { Json } from "../json.ts";
import { type MemoryItem, type MemoryScope, type MemoryStore, searched, wordsOf } from "./store.ts";

/**
 * Memories in a file of their own, with full-text search (FTS5). A scope is a word of the index too, so that a search of one
 * owner never walks through what others have.
 */

/** "Remm", in the header of every such file. */
const applicationId = 0x52656d6d;
const formatVersion = 1;
const busyTimeoutMs = 5_000;

const schema = `
CREATE TABLE items (
  item INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  owner TEXT NOT NULL,
  memory TEXT NOT NULL,
  id TEXT NOT NULL,
  value TEXT NOT NULL,
  labels TEXT NOT NULL,
  words TEXT NOT NULL,
  at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  run TEXT NOT NULL,
  path TEXT NOT NULL,
  UNIQUE (tenant, owner, memory, id)
) STRICT;
CREATE INDEX items_by_time ON items (tenant, owner, memory, at);
CREATE INDEX items_by_end ON items (expires_at);
CREATE VIRTUAL TABLE found USING fts5(scope, words, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${formatVersion};
`;

interface Row {
  readonly item: number;
  readonly id: string;
  readonly value: string;
  readonly labels: string;
  readonly words: string;
  readonly at: number;
  readonly expires_at: number;
  readonly run: string;
  readonly path: string;
}

export interface SqliteMemoryOptions {
  /** A file of its own, made readable by its owner alone where there is none. */
  readonly path: string;
}

/**
 * Opens a file of memories.
 * @throws OrchestrationError `memory/unavailable` for a file that is none, is newer, or cannot be opened;
 *   `options/invalid` for a path that is none
 */
export function sqliteMemory(options: SqliteMemoryOptions): MemoryStore & AsyncDisposable {
  const path = pathIn("sqliteMemory", options);
  const database = open(path);
  const statements = {
    one: database.prepare("SELECT item FROM items WHERE tenant = ? AND owner = ? AND memory = ? AND id = ?"),
    count: database.prepare(
      "SELECT count(*) AS n FROM items WHERE tenant = ? AND owner = ? AND memory = ? AND expires_at > ? AND id <> ?",
    ),
    insert: database.prepare(
      "INSERT INTO items (tenant, owner, memory, id, value, labels, words, at, expires_at, run, path) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING item",
    ),
    remove: database.prepare("DELETE FROM items WHERE item = ?"),
    index: database.prepare("INSERT INTO found (rowid, scope, words) VALUES (?, ?, ?)"),
    unindex: database.prepare("DELETE FROM found WHERE rowid = ?"),
    newest: database.prepare(
      "SELECT * FROM items WHERE tenant = ? AND owner = ? AND memory = ? AND expires_at > ? ORDER BY at DESC, item DESC LIMIT ?",
    ),
    search: database.prepare(
      "SELECT items.* FROM found JOIN items ON items.item = found.rowid WHERE found MATCH ? AND tenant = ? AND owner = ? AND memory = ? AND expires_at > ? ORDER BY found.rank, at DESC LIMIT ?",
    ),
    ended: database.prepare("SELECT item FROM items WHERE expires_at <= ? LIMIT 1000"),
    ofOwner: database.prepare("SELECT item FROM items WHERE tenant = ? AND owner = ?"),
    ofMemory: database.prepare("SELECT item FROM items WHERE tenant = ? AND owner = ? AND memory = ?"),
  };
  const atOnce = <T>(work: () => T): T => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const made = work();
      database.exec("COMMIT");
      return made;
    } catch (thrown) {
      database.exec("ROLLBACK");
      throw thrown;
    }
  };
  const removeAll = (rows: readonly unknown[]) => {
    for (const { item } of rows as readonly Pick<Row, "item">[]) {
      statements.unindex.run(item);
      statements.remove.run(item);
    }
    return rows.length;
  };
  /** A failure of the file, told as one. */
  const asked = async <T>(work: () => T): Promise<T> => {
    try {
      return work();
    } catch (thrown) {
      throw unavailable(path, thrown);
    }
  };
  return {
    write: ({ tenant, owner, memory }, { id, value, labels, text, at, expiresAt, run, path: by }, itemsMax) =>
      asked(() =>
        atOnce(() => {
          const { n } = statements.count.get(tenant, owner, memory, at, id) as { n: number };
          if (n >= itemsMax) return false;
          const before = statements.one.get(tenant, owner, memory, id);
          if (before) removeAll([before]);
          const words = wordsOf(text).join(" ");
          const given = [tenant, owner, memory, id, JSON.stringify(value), JSON.stringify(labels), words] as const;
          const { item } = statements.insert.get(...given, at, expiresAt, run, by) as Pick<Row, "item">;
          statements.index.run(item, scopeWord({ tenant, owner, memory }), words);
          return true;
        }),
      ),
    find: ({ tenant, owner, memory }, { text, most, now }) =>
      asked(() => {
        if (text === undefined) return statements.newest.all(tenant, owner, memory, now, most).map(itemOf);
        const words = searched(text);
        if (words.length === 0) return [];
        const any = words.map((word) => `"${word}"`).join(" OR ");
        const match = `scope : "${scopeWord({ tenant, owner, memory })}" AND words : (${any})`;
        return statements.search.all(match, tenant, owner, memory, now, most).map(itemOf);
      }),
    forget: ({ tenant, owner, memory }, id) =>
      asked(() =>
        atOnce(() => {
          const found = statements.one.get(tenant, owner, memory, id);
          return found !== undefined && removeAll([found]) > 0;
        }),
      ),
    erase: ({ tenant, owner, memory }) =>
      asked(() => {
        const erased = atOnce(() =>
          removeAll(
            memory === undefined
              ? statements.ofOwner.all(tenant, owner)
              : statements.ofMemory.all(tenant, owner, memory),
          ),
        );
        // What was erased leaves the file, not only the index.
        if (erased > 0)
          database.exec("INSERT INTO found(found) VALUES('optimize'); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
        return erased;
      }),
    sweep: (now) =>
      asked(() => {
        let swept = 0;
        for (;;) {
          const ended = statements.ended.all(now);
          if (ended.length === 0) return swept;
          swept += atOnce(() => removeAll(ended));
        }
      }),
    close: async () => {
      if (database.isOpen) database.close();
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

function open(path: string): DatabaseSync {
  try {
    makeFolder(dirname(path));
    makeEmpty(path);
    const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    try {
      const { application_id: application } = database.prepare("PRAGMA application_id").get() as {
        application_id: number;
      };
      const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
      const { n: tables } = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get() as { n: number };
      if (tables > 0 && application !== applicationId) throw new Error("it holds something else");
      if (version > formatVersion) throw new Error(`it was written by a newer release (format ${version})`);
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON");
      if (tables === 0) database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
      return database;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  } catch (thrown) {
    throw unavailable(path, thrown);
  }
}

function makeEmpty(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
  }
}

function unavailable(path: string, cause: unknown): OrchestrationError {
  return new OrchestrationError("memory/unavailable", { path, reason: reasonOf(cause) }, { cause });
}

/** A scope as one word of the index. */
function scopeWord(scope: MemoryScope): string {
  const digest = sha256(JSON.stringify([scope.tenant, scope.owner, scope.memory]));
  return `s${Buffer.from(digest).toString("hex").slice(0, 40)}`;
}

function itemOf(row: unknown): MemoryItem {
  const { id, value, labels, words, at, expires_at: expiresAt, run, path } = row as Row;
  return {
    id,
    value: JSON.parse(value) as Json,
    labels: JSON.parse(labels) as string[],
    text: words,
    at,
    expiresAt,
    run,
    path,
  };
}
