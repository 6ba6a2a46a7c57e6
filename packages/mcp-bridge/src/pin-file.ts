import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Clock, systemClock } from "@remit/core";
import { McpError } from "./errors.ts";
import { emptyPins, type PinDocument, type PinStore, readPins, writePins } from "./pin-store.ts";

export interface PinFileOptions {
  readonly clock?: Clock;
  /** Milliseconds to wait for another process that writes; 5,000 when absent. */
  readonly timeoutMs?: number;
}

const pollMs = 20;

/**
 * Pins in a file of JSON that its owner alone may read and write (0600). It is replaced as a whole, and the new one is on
 * the disk before it takes the name; two processes that write take turns, so neither loses what the other one wrote. No
 * file is an empty document; a file that cannot be read is an error, and never written over.
 *
 * The turn is the write lock of an empty SQLite file beside it (`<path>.lock`): the operating system takes it back when
 * its holder is killed, so it is never left behind.
 */
export function pinFile(path: string, { clock = systemClock(), timeoutMs = 5_000 }: PinFileOptions = {}): PinStore {
  const where = resolve(path);
  let last: { readonly stamp: string; readonly document: PinDocument } | undefined;
  const read = (): PinDocument => {
    // A file that is replaced is another file; one that is edited in place has another time.
    const stamp = stampOf(where);
    if (last === undefined || last.stamp !== stamp) last = { stamp, document: readFile(where) };
    return last.document;
  };
  return {
    where,
    read: async () => read(),
    change: (edit) =>
      inTurn(where, { clock, timeoutMs }, () => {
        const before = read();
        const after = edit(before);
        if (after !== before) replace(where, writePins(after));
        return after;
      }),
  };
}

function stampOf(where: string): string {
  const stat = statSync(where, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":");
}

function readFile(where: string): PinDocument {
  let text: string;
  try {
    text = readFileSync(where, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return emptyPins;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new McpError("mcp/pins-unreadable", { file: where, reason }, { cause });
  }
  return readPins(text, where);
}

async function inTurn<Result>(
  where: string,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
  inside: () => Result,
): Promise<Result> {
  mkdirSync(dirname(where), { recursive: true, mode: 0o700 });
  const lock = `${where}.lock`;
  closeSync(openSync(lock, "a", 0o600));
  const database = new DatabaseSync(lock, { timeout: 0 });
  // A clock's timers do not keep a process alive; one that waits for its turn is not done.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    for (const dueAt = clock.now() + timeoutMs; !taken(database); ) {
      if (clock.now() >= dueAt) throw new McpError("mcp/pins-busy", { file: where, timeoutMs });
      await new Promise<void>((go) => {
        clock.at(clock.now() + pollMs, go);
      });
    }
    return inside();
  } finally {
    clearInterval(alive);
    database.close(); // Gives the turn back, too.
  }
}

function taken(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (thrown) {
    if ((thrown as { readonly errcode?: unknown }).errcode === 5) return false; // SQLITE_BUSY: somebody is at it.
    throw thrown;
  }
}

/** Writes beside, makes sure of it, and takes the name. A link stays a link: what it leads to is replaced. */
function replace(where: string, text: string): void {
  const target = realPath(where);
  const beside = `${target}.${process.pid}.new`;
  rmSync(beside, { force: true });
  const handle = openSync(beside, "wx", 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  chmodSync(beside, 0o600);
  renameSync(beside, target);
  const folder = openSync(dirname(target), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function realPath(where: string): string {
  try {
    return realpathSync(where);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return where;
    throw thrown;
  }
}
