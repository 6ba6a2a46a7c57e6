// @ts-check
/**
 * The two methods of the `sqlite3` add-on that `mcp-server-sqlite-npx` calls, over Node's own SQLite. The add-on is built
 * by a C compiler where no binary can be downloaded, which takes minutes and fails on machines that have none; the server
 * is what is tested, not its driver.
 */
import { DatabaseSync } from "node:sqlite";

class Database {
  #database;

  /** @param {string} filename */
  constructor(filename) {
    this.#database = new DatabaseSync(filename);
  }

  /**
   * @param {string} sql
   * @param {import("node:sqlite").SQLInputValue[]} params
   * @param {(error: Error | null, rows?: unknown[]) => void} done
   */
  all(sql, params, done) {
    answer(done, () => this.#database.prepare(sql).all(...params));
  }

  /**
   * @param {string} sql
   * @param {import("node:sqlite").SQLInputValue[]} params
   * @param {(this: { changes: number | bigint, lastID: number | bigint } | undefined, error: Error | null) => void} done
   */
  run(sql, params, done) {
    try {
      const { changes, lastInsertRowid: lastID } = this.#database.prepare(sql).run(...params);
      queueMicrotask(() => done.call({ changes, lastID }, null));
    } catch (thrown) {
      const error = /** @type {Error} */ (thrown);
      queueMicrotask(() => done.call(undefined, error));
    }
  }
}

/**
 * @template Value
 * @param {(error: Error | null, value?: Value) => void} done
 * @param {() => Value} work
 */
function answer(done, work) {
  try {
    const value = work();
    queueMicrotask(() => done(null, value));
  } catch (thrown) {
    const error = /** @type {Error} */ (thrown);
    queueMicrotask(() => done(error));
  }
}

export default { Database };
