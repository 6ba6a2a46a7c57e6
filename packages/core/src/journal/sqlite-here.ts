import type { DatabaseSync } from "node:sqlite";
import { isBusy, openForWriting } from "./sqlite-file.ts";
import type { Answer, Write } from "./sqlite-message.ts";
import { commitGroup, type Store, sqliteStore } from "./sqlite-store.ts";

/** Commits a small group on the thread that asked for it, when nothing stands in the way. */
export interface CommitterHere {
  /**
   * Makes the group durable, or changes nothing and says nothing: another process writes just now, or the disk fails.
   * Whoever asked has the writer thread do it then, which waits, and knows what a failure takes along.
   */
  readonly attempt: (writes: readonly Write[]) => Answer | undefined;
  readonly close: () => void;
}

/** @param path of a journal that `openForReading` has made or recognised; opened at the first attempt */
export function sqliteCommitterHere(path: string): CommitterHere {
  let connection: { readonly database: DatabaseSync; readonly store: Store } | undefined;
  const close = () => {
    const database = connection?.database;
    connection = undefined;
    if (database?.isOpen) database.close();
  };
  return {
    attempt: (writes) => {
      try {
        if (!connection) {
          // Folding the log into the file is the writer thread's.
          const database = openForWriting(path, { waitMs: 0, foldPages: 0 });
          connection = { database, store: sqliteStore(database) };
        }
        const { store } = connection;
        return commitGroup(store, writes, store.apply);
      } catch (thrown) {
        // Not swallowed: the writer thread tries the same, and answers for it. Closing undoes the transaction, if one has begun.
        if (!isBusy(thrown) || connection?.database.isTransaction) close();
        return undefined;
      }
    },
    close,
  };
}
