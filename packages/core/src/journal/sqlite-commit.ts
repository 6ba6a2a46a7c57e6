import type { DatabaseSync } from "node:sqlite";
import { openForWriting, unavailableData } from "./sqlite-file.ts";
import type { Answer, Failure, Write } from "./sqlite-message.ts";
import { commitGroup, type Store, sqliteStore } from "./sqlite-store.ts";

/** Commits writes in groups, each in one transaction. It runs in the writer thread. */
export interface Committer {
  /**
   * Makes a group durable. A write that is refused costs its neighbours nothing; when the disk fails, all of the group
   * fails, and so does every write that was asked for before that could be known (`Write.known`): an entry must not
   * become durable behind the loss of the payload it names or of the entry before it.
   * @param diskIsFull for tests: as if the file could not grow
   */
  readonly commit: (writes: readonly Write[], diskIsFull?: boolean) => Answer;
  /** Closes the connection; the last one of all processes folds the log into the file. */
  readonly close: () => void;
}

/** @param path of a journal that `openForReading` has made or recognised; opened at the first commit */
export function sqliteCommitter(path: string): Committer {
  let connection: { readonly database: DatabaseSync; readonly store: Store } | undefined;
  let limited = false;
  /** How many writes were answered. */
  let answered = 0;
  /** The last failure of the disk and the last write that it took along. */
  let failed: { readonly at: number; readonly failure: Failure } | undefined;

  const connect = () => {
    const database = openForWriting(path);
    limited = false;
    return { database, store: sqliteStore(database) };
  };
  const limit = (full: boolean, { database }: NonNullable<typeof connection>) => {
    if (full === limited) return;
    // 1 stands for as many pages as there are now; the other is SQLite's own limit.
    database.exec(`PRAGMA max_page_count = ${full ? 1 : 4_294_967_294}`);
    limited = full;
  };
  const close = () => {
    const database = connection?.database;
    connection = undefined;
    if (database?.isOpen) database.close();
  };
  /** Writes the file anew from what is in its tables, and empties the log. What was committed stays so if that fails. */
  const wipe = (database: DatabaseSync): Failure | undefined => {
    try {
      database.exec("VACUUM");
      const { busy } = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number };
      if (busy === 0) return undefined;
      const reason = "somebody reads the file: what was erased is still in its log";
      return { code: "journal/unavailable", data: { reason, path } };
    } catch (thrown) {
      return { code: "journal/unavailable", data: unavailableData(path, thrown) };
    }
  };
  const inherited = ({ known }: Write): Failure | undefined => {
    if (failed && known > failed.at) failed = undefined;
    return failed?.failure;
  };

  return {
    commit: (writes, diskIsFull = false) => {
      try {
        connection ??= connect();
        limit(diskIsFull, connection);
        const { store } = connection;
        const answer = commitGroup(store, writes, (write) => inherited(write) ?? store.apply(write));
        answered += writes.length;
        const erasures = writes.flatMap(({ type }, position) => (type === "erase" ? [position] : []));
        const failure = erasures.length > 0 ? wipe(connection.database) : undefined;
        if (!failure) return answer;
        const failures = [...answer.failures, ...erasures.map((position) => ({ position, failure }))];
        return { ...answer, failures: failures.sort((left, right) => left.position - right.position) };
      } catch (thrown) {
        const failure: Failure = { code: "journal/unavailable", data: unavailableData(path, thrown) };
        // A connection that has failed is given up; closing it undoes its transaction.
        close();
        answered += writes.length;
        failed = { at: answered - 1, failure };
        return { count: writes.length, failures: writes.map((_, position) => ({ position, failure })), sealed: [] };
      }
    },
    close,
  };
}
