import { OrchestrationError } from "../../errors.ts";
import { addressesIn } from "../../journal/erase.ts";
import { assertAppend, assertText, conflictData, isLinked, streamName } from "../../journal/link.ts";
import { definitionOf, mostOf, newestFirst, pastPage } from "../../journal/listing.ts";
import { randomKey } from "../../journal/tenant-key.ts";
import { type UnfinishedRuns, unfinishedRuns } from "../../journal/unfinished.ts";
import type { RunKey } from "../../port/engine.ts";
import type { Batch, Journal, RunRecord, Snapshot, StreamKey, StreamKind } from "../../port/journal.ts";
import { quoted, type RestateClient } from "./client.ts";
import type { Erased } from "./object-state.ts";
import { type Append, isListed, type Shelf } from "./objects.ts";
import {
  type Appended,
  batchPrefix,
  dayEnd,
  type Loaded,
  type Names,
  runText,
  shelfTexts,
  streamsText,
  streamText,
  tenantsText,
} from "./wire.ts";

/**
 * Streams in the state of a cluster's objects.
 *
 * S1 A run that the cluster drives has its stream in its own object; every other stream has an object of its own.
 * S2 What is not there is told from what cannot be asked: `journal/unavailable`.
 * S3 A run whose definition no worker serves any more is read from the cluster's own tables.
 */
export interface RestateJournalOptions {
  readonly client: RestateClient;
  readonly names: Names;
  /** A tenant's secret. Absent: made on first use, and kept in the cluster. */
  readonly tenantKey?: (tenant: string) => string | Promise<string>;
  /** Resolves when what serves the objects below is registered, as far as that is this process's own affair. */
  readonly ready: () => Promise<void>;
  /** Aborted when the engine closes; its reason is what who comes later is told. */
  readonly engineClosed: AbortSignal;
  /**
   * What this process has stored of a run lately, which may not be visible yet: its last batches, and what the index will
   * say. With `isWhole` nobody else has stored anything behind that, as far as this process can know.
   */
  readonly recent: (key: RunKey) => Recent | undefined;
  /** What the index will say of runs that this process drives, or has driven within a moment. */
  readonly recentRuns: () => readonly RunRecord[];
  readonly pause: (delayMs: number) => Promise<void>;
  /** Told when batches of a run were changed: what is kept of it here is as it was before. */
  readonly forget: (key: RunKey) => void;
}

export interface Recent {
  readonly batches: readonly Batch[];
  readonly record: RunRecord | undefined;
  readonly isWhole: boolean;
}

export interface RestateJournal extends Journal {
  /** Remembers which definition a run belongs to, so that nobody needs to be asked. */
  readonly noteHome: (key: RunKey, definition: string) => void;
}

const homesMax = 10_000;
/** How long who reads a run waits for a worker before the tables are asked. */
const lookMs = 3_000;
/** Of a run that its front knows the first words may be on their way: how long it is looked for, time and again. */
const beginningMs = [10, 40, 150, 400];

export function restateJournal(options: RestateJournalOptions): RestateJournal {
  const { client, names, tenantKey, recent, recentRuns, forget, pause, ready, engineClosed } = options;
  const homes = new Map<string, string>();
  const keys = new Map<string, Promise<string>>();
  /** The last append under way of each stream. */
  const tails = new Map<string, Promise<void>>();
  let closing: Promise<void> | undefined;
  let closed = false;
  const whyClosed = () =>
    engineClosed.aborted
      ? engineClosed.reason
      : new OrchestrationError("journal/unavailable", { reason: "it is closed" });

  const ask = async <Answer>(
    service: string,
    key: string,
    handler: string,
    body?: unknown,
    deadlineMs?: number,
  ): Promise<Answer> => {
    if (closed) throw whyClosed();
    try {
      await ready();
      return await client.call<Answer>({ service, key, handler }, body, deadlineMs);
    } catch (thrown) {
      throw unavailable(thrown);
    }
  };
  const noteHome = (key: RunKey, definition: string) => {
    homes.set(runText(key), definition);
    const [oldest] = homes.keys();
    if (oldest !== undefined && homes.size > homesMax) homes.delete(oldest);
  };
  const homeOf = async (key: RunKey): Promise<string | undefined> => {
    const known = homes.get(runText(key));
    if (known !== undefined) return known;
    const home = await ask<string | null>(names.front, runText(key), "home");
    if (home === null) return undefined;
    noteHome(key, home);
    return home;
  };
  /** Asks a run's own object, and where it was moved to; nothing for a run that the cluster does not drive. */
  const askRun = async (
    key: RunKey,
    handler: "read" | "record" | "load",
    body?: unknown,
  ): Promise<Loaded | undefined> => {
    for (let home = await homeOf(key); home !== undefined; ) {
      const service = names.driveOf(home);
      const loaded = await ask<Loaded>(service, runText(key), handler, body, lookMs).catch((thrown: unknown) => {
        const { cause } = thrown as { readonly cause?: unknown };
        // Where no node answers the tables do not either.
        if (!OrchestrationError.is(cause) || OrchestrationError.is(cause, "engine/unreachable")) throw thrown;
        return readTables(service, runText(key));
      });
      if (loaded.moved === undefined) return loaded;
      home = loaded.moved;
      noteHome(key, home);
    }
    return undefined;
  };
  /** A run's object as the cluster's tables show it (S3). */
  const readTables = async (service: string, key: string): Promise<Loaded> => {
    const rows = await client
      .query<{ readonly key: string; readonly value: string }>(
        "SELECT key, value_utf8 AS value FROM state " +
          `WHERE service_name = ${quoted(service)} AND service_key = ${quoted(key)}`,
      )
      .catch((thrown: unknown) => {
        throw unavailable(thrown);
      });
    const storedAs = <Value>(name: string): Value | undefined => {
      const row = rows.find((one) => one.key === name);
      return row && (JSON.parse(row.value) as Value);
    };
    const record = storedAs<RunRecord>("record");
    const snapshot = storedAs<Snapshot>("snapshot");
    const moved = storedAs<string>("moved");
    const batches = rows
      .filter((row) => row.key.startsWith(batchPrefix))
      .sort((left, right) => (left.key < right.key ? -1 : 1))
      .flatMap(({ value }) => JSON.parse(value) as Batch[]);
    return {
      batches,
      ...(record ? { record } : {}),
      ...(snapshot ? { snapshot } : {}),
      ...(moved ? { moved } : {}),
    };
  };
  /**
   * Moves a run to another definition while no worker serves the one it has: what its own object would do is done from
   * outside. Its worker, when it comes back, finds the run moved.
   */
  const moveOrphan = async (key: RunKey, home: string, { batch, expectedSeq, record }: Append): Promise<Appended> => {
    const service = names.driveOf(home);
    const { batches, moved } = await readTables(service, runText(key));
    const last = batches.at(-1);
    if (moved !== undefined) return { ok: false, actual: 0, moved };
    if (last?.lastSeq !== expectedSeq || !isLinked(last.hash, batch)) return { ok: false, actual: last?.lastSeq ?? 0 };
    const to = definitionOf(record as RunRecord);
    await ask(names.driveOf(to), runText(key), "adopt", { batches: [...batches, batch], record });
    const bytes = [...Buffer.from(JSON.stringify(to))];
    const change = { object_key: runText(key), new_state: { moved: bytes } };
    await client.admin("POST", `services/${service}/state`, change).catch((thrown: unknown) => {
      // A service that is not deployed cannot be changed; nor will anybody be sent there, for the front knows better.
      if (!OrchestrationError.is(thrown, "engine/refused")) throw thrown;
    });
    return { ok: true };
  };
  const shelf = (name: string): Promise<Shelf> => ask(names.index, name, "read");
  /** A tenant's unfinished runs, and some that have ended; the index hears of them a moment after this process. */
  const openShelf = async (tenant: string): Promise<Shelf> => {
    const shelves = await Promise.all(shelfTexts(tenant).map(shelf));
    const byId = new Map(shelves.flatMap(({ runs }) => runs.map((run) => [run.runId, run])));
    for (const run of recentRuns()) if (run.tenant === tenant && !byId.has(run.runId)) byId.set(run.runId, run);
    const known = [...byId.values()].map((run) => {
      const mine = recent(run)?.record;
      return mine && mine.lastSeq > run.lastSeq ? mine : run;
    });
    return { runs: known, notes: [...new Set(shelves.flatMap(({ notes }) => notes))].sort() };
  };
  const runKeyOfStream = ({ tenant, id }: StreamKey): RunKey => ({ tenant, runId: id });

  /** All unfinished runs, or those of one tenant, in the orders in which they are asked for. */
  const unfinished = async (tenant?: string): Promise<UnfinishedRuns> => {
    const found = unfinishedRuns();
    const all = async () => new Set([...(await shelf(tenantsText)).notes, ...recentRuns().map((run) => run.tenant)]);
    const tenants = tenant === undefined ? await all() : [tenant];
    for (const name of tenants) {
      for (const run of (await openShelf(name)).runs) found.put(undefined, run);
    }
    return found;
  };
  const findRun: Journal["findRun"] = async (tenant, runId) => {
    const key = { tenant, runId };
    const { record: mine, isWhole } = recent(key) ?? {};
    if (mine && isWhole) return mine;
    let loaded = await askRun(key, "record");
    for (const delayMs of beginningMs) {
      if (!loaded || loaded.record) break;
      await pause(delayMs);
      loaded = await askRun(key, "record");
    }
    const record = loaded
      ? loaded.record
      : ((await ask<RunRecord | null>(names.stream, streamText({ tenant, kind: "run", id: runId }), "record")) ??
        undefined);
    return mine && (!record || mine.lastSeq > record.lastSeq) ? mine : record;
  };
  const allStreams = async (tenant: string): Promise<StreamKey[]> => {
    const { notes } = await shelf(streamsText(tenant));
    const streams = notes.map((name): StreamKey => {
      const cut = name.indexOf("/");
      return { tenant, kind: name.slice(0, cut) as StreamKind, id: name.slice(cut + 1) };
    });
    const runs = (await allRuns(tenant)).map(({ runId }): StreamKey => ({ tenant, kind: "run", id: runId }));
    return [...streams.filter(({ kind }) => kind !== "run"), ...runs];
  };
  const allRuns = async (tenant: string): Promise<RunRecord[]> => {
    const { runs, notes } = await openShelf(tenant);
    const byId = new Map(runs.map((run) => [run.runId, run]));
    for (const day of notes) for (const run of (await shelf(`${tenant}/${day}`)).runs) byId.set(run.runId, run);
    return [...byId.values()];
  };

  const read: Journal["read"] = async (key, fromSeq = 1, most) => {
    // Whoever appends and reads finds what was appended, awaited or not.
    await tails.get(streamName(key));
    const range = { fromSeq, ...(most === undefined ? {} : { most }) };
    const run = key.kind === "run" ? runKeyOfStream(key) : undefined;
    const { batches: mine = [], isWhole } = (run && recent(run)) ?? {};
    if (isWhole && mine[0] && mine[0].firstSeq <= fromSeq) {
      return mine.filter(({ lastSeq }) => lastSeq >= fromSeq).slice(0, most);
    }
    const loaded = run && (await askRun(run, "read", range));
    const batches = loaded
      ? loaded.batches.filter(({ lastSeq }) => lastSeq >= fromSeq)
      : await ask<readonly Batch[]>(names.stream, streamText(key), "read", range);
    const last = batches.at(-1)?.lastSeq ?? fromSeq - 1;
    const newer = mine.filter(({ firstSeq }) => firstSeq > last);
    // What is missing between the two is on its way; whoever waits for it asks again.
    const whole = newer[0] && newer[0].firstSeq !== last + 1 && batches.length > 0 ? [] : newer;
    return [...batches, ...whole].slice(0, most);
  };

  const append = async (key: StreamKey, batch: Batch, expectedSeq: number, record?: RunRecord): Promise<void> => {
    const run = key.kind === "run" ? runKeyOfStream(key) : undefined;
    const wanted: Append = { batch, expectedSeq, ...(record === undefined ? {} : { record }) };
    const to = record && definitionOf(record);
    let home = run && (await homeOf(run));
    let appended: Appended;
    for (;;) {
      const service = home === undefined ? names.stream : names.driveOf(home);
      const name = run && home !== undefined ? runText(run) : streamText(key);
      const from = home;
      const moves = from !== undefined && to !== undefined && to !== from;
      appended = await ask<Appended>(service, name, "append", wanted, moves ? lookMs : undefined).catch(
        (thrown: unknown) => {
          const { cause } = thrown as { readonly cause?: unknown };
          const isOrphan =
            OrchestrationError.is(cause, "engine/no-worker") || OrchestrationError.is(cause, "engine/not-deployed");
          if (!run || !moves || !isOrphan) throw thrown;
          return moveOrphan(run, from, wanted);
        },
      );
      if (appended.ok || appended.moved === undefined) break;
      // Perhaps by this very append, whose answer was lost: where the run is now it is known.
      home = appended.moved;
    }
    if (run && home !== undefined) noteHome(run, appended.ok && to !== undefined ? to : home);
    if (appended.ok) return;
    throw new OrchestrationError("journal/conflict", conflictData(streamName(key), expectedSeq, appended.actual));
  };

  return {
    noteHome,
    append: (key, batch, expectedSeq, record) => {
      assertAppend(key, batch, expectedSeq, record);
      if (closing) throw whyClosed();
      // One after the other: over a network a later one could come first. Behind a failed one the others conflict.
      const name = streamName(key);
      const before = tails.get(name) ?? Promise.resolve();
      const appended = before.then(() => append(key, batch, expectedSeq, record));
      const tail = appended.catch(() => {});
      tails.set(name, tail);
      void tail.then(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
      return appended;
    },
    read,
    putBlob: async (tenant, address, body) => {
      assertText("payload", body);
      await ask(names.cell, `${tenant}/blob/${address}`, "claim", { value: body, quietly: true });
    },
    getBlob: async (tenant, address) =>
      (await ask<string | null>(names.cell, `${tenant}/blob/${address}`, "get")) ?? undefined,
    erase: async (streams, before) => {
      let entries = 0;
      for (const key of streams) {
        const run = key.kind === "run" ? runKeyOfStream(key) : undefined;
        // Asked for its record first, a run that was moved is known where it is.
        if (run) await askRun(run, "record");
        const home = run && (await homeOf(run));
        const service = home === undefined ? names.stream : names.driveOf(home);
        const name = run && home !== undefined ? runText(run) : streamText(key);
        const erased = await ask<Erased>(service, name, "erase", before === undefined ? {} : { before });
        if (run) forget(run);
        entries += erased.entries;
        await ask(names.cell, `${key.tenant}/snapshot/${key.kind}/${key.id}`, "drop");
        const gone = new Set(erased.addresses);
        if (gone.size === 0) continue;
        for (const other of await allStreams(key.tenant)) {
          for (const { lines } of await read(other)) for (const address of addressesIn(lines)) gone.delete(address);
        }
        for (const address of gone) await ask(names.cell, `${key.tenant}/blob/${address}`, "drop");
      }
      return entries;
    },
    saveSnapshot: async ({ tenant, kind, id }, snapshot) => {
      await ask(names.cell, `${tenant}/snapshot/${kind}/${id}`, "put", { value: JSON.stringify(snapshot) });
    },
    loadSnapshot: async ({ tenant, kind, id }) => {
      // That of a run that the cluster drives lies in the run's own object.
      const loaded = kind === "run" ? await askRun({ tenant, runId: id }, "load") : undefined;
      if (loaded) return loaded.snapshot;
      const found = await ask<string | null>(names.cell, `${tenant}/snapshot/${kind}/${id}`, "get");
      return found === null ? undefined : (JSON.parse(found) as Snapshot);
    },
    findRun,
    listRuns: async (filter) => {
      const { tenant, before } = filter;
      const most = mostOf(filter);
      const { runs: open, notes } = await openShelf(tenant);
      const byId = new Map(open.map((run) => [run.runId, run]));
      const found = () => [...byId.values()].filter((run) => isListed(run, filter) && pastPage(run, filter));
      // Day by day, newest first; an unfinished run of before may come later than an ended one, so all of those count.
      for (const day of notes.toReversed()) {
        if (before !== undefined && dayEnd(day) - 86_400_000 > before) continue;
        if (found().filter(({ startedAt }) => startedAt >= dayEnd(day)).length >= most) break;
        for (const run of (await shelf(`${tenant}/${day}`)).runs) byId.set(run.runId, run);
      }
      return found().sort(newestFirst).slice(0, most);
    },
    unfinishedRuns: async (page = {}) => (await unfinished(page.tenant)).page(page),
    unfinishedTenants: async (page = {}) => (await unfinished(page.tenant)).tenants(page),
    nextWakeAt: async (after = Number.NEGATIVE_INFINITY) => (await unfinished()).nextWakeAt(after),
    waitingDefinitions: async () => (await unfinished()).definitions(),
    listStreams: async (tenant, kind) => {
      if (kind === "run") return (await allRuns(tenant)).map(({ runId }) => runId).sort();
      return (await allStreams(tenant))
        .filter((stream) => stream.kind === kind)
        .map(({ id }) => id)
        .sort();
    },
    tenantKey: async (tenant) => {
      const known =
        keys.get(tenant) ??
        (async () =>
          tenantKey?.(tenant) ?? ask<string>(names.cell, `${tenant}/key`, "claim", { value: randomKey() }))();
      keys.set(tenant, known);
      known.catch(() => keys.delete(tenant)); // It may be there the next time.
      return known;
    },
    close: () => {
      closing ??= (async () => {
        await Promise.all(tails.values());
        closed = true;
      })();
      return closing;
    },
  };
}

/** What a journal says when the cluster does not answer; the cause keeps what it was. */
function unavailable(thrown: unknown): OrchestrationError {
  if (!OrchestrationError.is(thrown)) throw thrown;
  return new OrchestrationError("journal/unavailable", { reason: thrown.message }, { cause: thrown });
}
