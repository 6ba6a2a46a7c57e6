import type { DatabaseSync } from "node:sqlite";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { streamName } from "./link.ts";
import { openForWriting, unavailableData } from "./sqlite-file.ts";
import type { Answer, Failure, Fault, Request, Write } from "./sqlite-message.ts";
import { type Store, sqliteStore } from "./sqlite-store.ts";

/**
 * The writer thread of an SQLite journal. It takes everything that waits, commits it in one transaction and answers.
 * What is sent meanwhile forms the next transaction, so the groups grow with the load and a lone write waits for nobody.
 */

if (!parentPort) throw new Error("this module is a worker thread of the SQLite journal");
const port = parentPort;
const { path } = workerData as { path: string };

let connection: { readonly database: DatabaseSync; readonly store: Store } | undefined;
let diskIsFull = false;

/** How many writes were answered. */
let answered = 0;
/** Per stream, the last refused append: whoever asked for another before it could know of that is refused as well. */
const refused = new Map<string, { readonly at: number; readonly failure: Failure }>();
/** The same for all writes when the disk failed: a payload that was lost must not be followed by the entry naming it. */
let failed: { readonly at: number; readonly failure: Failure } | undefined;

port.on("message", (first: Request) => {
  const writes: Write[] = [];
  let fault: Fault | undefined;
  let closing = false;
  for (let request: Request | undefined = first; request; request = waiting()) {
    if (request.type === "close") closing = true;
    else {
      for (const write of request.writes) writes.push(write);
      fault = request.fault;
    }
  }
  if (fault === "crash") throw new Error("a simulated crash");
  if (writes.length > 0) {
    simulateFullDisk(fault === "full-disk");
    port.postMessage(commit(writes));
  }
  if (closing) {
    disconnect();
    port.close();
  }
});

function waiting(): Request | undefined {
  return receiveMessageOnPort(port)?.message as Request | undefined;
}

function commit(writes: readonly Write[]): Answer {
  const failures: { position: number; failure: Failure }[] = [];
  try {
    connection ??= connect();
    const { store } = connection;
    store.begin();
    for (const [position, write] of writes.entries()) {
      const failure = heirOf(write) ?? store.apply(write);
      if (!failure) continue;
      failures.push({ position, failure });
      if (write.type === "append") refused.set(streamName(write.key), { at: answered + position, failure });
    }
    store.commit();
    answered += writes.length;
    return { count: writes.length, failures };
  } catch (thrown) {
    const failure: Failure = { code: "journal/unavailable", data: unavailableData(path, thrown) };
    disconnect();
    answered += writes.length;
    failed = { at: answered - 1, failure };
    refused.clear();
    return { count: writes.length, failures: writes.map((_, position) => ({ position, failure })) };
  }
}

/** The failure that a write inherits from one before it, of which its caller could not know yet. */
function heirOf(write: Write): Failure | undefined {
  if (failed && write.known <= failed.at) return failed.failure;
  failed = undefined;
  if (write.type !== "append" || refused.size === 0) return undefined;
  const name = streamName(write.key);
  const before = refused.get(name);
  if (before && write.known <= before.at) return before.failure;
  // `known` never falls, so what this write knew of, all later ones know of too.
  for (const [stream, { at }] of refused) if (at < write.known) refused.delete(stream);
  return undefined;
}

function connect() {
  const database = openForWriting(path);
  if (diskIsFull) limitPages(database);
  return { database, store: sqliteStore(database) };
}

/** A connection that has failed is given up; closing it undoes its transaction. */
function disconnect(): void {
  const database = connection?.database;
  connection = undefined;
  if (database?.isOpen) database.close();
}

function simulateFullDisk(full: boolean): void {
  if (full === diskIsFull) return;
  diskIsFull = full;
  if (connection) limitPages(connection.database);
}

function limitPages(database: DatabaseSync): void {
  // 1 stands for as many as there are now; the other is SQLite's own limit.
  database.exec(`PRAGMA max_page_count = ${diskIsFull ? 1 : 4294967294}`);
}
