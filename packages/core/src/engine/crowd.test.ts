import { describe, expect, test } from "vitest";
import type { StartTimerCommand } from "../command.ts";
import type { InputEvent } from "../event.ts";
import { sealBatch } from "../journal/chain.ts";
import { type Draft, emptyHead } from "../journal/draft.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Engine, RunHost, RunSession } from "../port/engine.ts";
import type { Journal, RunRecord } from "../port/journal.ts";
import { silentLogger } from "../port/logger.ts";
import { user } from "../principal.ts";
import { fakeClock } from "../testing/index.ts";
import { localEngine } from "./local.ts";

/** An engine with more runs than it drives at a time. Its host is a stand-in: what counts is who is driven, and when. */

const definition = "desk@d1";
const startAt = 1_000_000;
const clockAt = () => fakeClock(startAt);

/** Writes a run's first batch and its record, as a run that parks leaves them. */
function store(journal: Journal, tenant: string, runId: string, members: Partial<RunRecord> = {}): void {
  void journal.append({ tenant, kind: "run", id: runId }, batch(emptyHead), 0, record(tenant, runId, members));
}
function record(tenant: string, runId: string, members: Partial<RunRecord>): RunRecord {
  return {
    ...{ tenant, runId, supervisor: "desk", definitionHash: "d1", status: "parked" },
    ...{ startedAt: 1, updatedAt: 1, lastSeq: 1, ...members },
  };
}
function batch(head: typeof emptyHead) {
  const draft: Draft = { type: "run.parked", at: 1, path: "", cause: 0, body: { waitingFor: [] } };
  return sealBatch(head, [draft], () => "salt");
}

/** Ends a run behind its first batch. */
async function end({ key, journal, append }: Pick<RunSession, "key" | "journal" | "append">): Promise<void> {
  const [first] = await journal.read(key);
  const head = first ? { seq: first.lastSeq, hash: first.hash } : emptyHead;
  await append(batch(head), head.seq, record(key.tenant, key.id, { status: "completed", lastSeq: head.seq + 1 }));
}

/** A host that takes what it is sent, ends the run and notes what was driven and how much at a time. */
function crowdHost(hold: (session: RunSession) => Promise<void> | void = () => {}) {
  const driven: string[] = [];
  const seen = { now: 0, most: 0 };
  const host: RunHost = {
    drive: async (session) => {
      driven.push(`${session.key.tenant}/${session.key.id}`);
      seen.most = Math.max(seen.most, ++seen.now);
      await hold(session);
      for (let event = await session.next(); event; event = await session.next());
      await end({ key: session.key, journal: session.journal, append: session.append.bind(session) });
      seen.now--;
    },
    execute: () => Promise.reject(new Error("nothing is carried out here")),
  };
  return { host, driven, seen };
}

function open(journal: Journal, host: RunHost, options: { clock?: ReturnType<typeof clockAt>; driving?: number } = {}) {
  const { clock = clockAt(), ...rest } = options;
  const engine = localEngine({ name: "crowd", journal, clock, logger: silentLogger, mailbox: 2, ...rest });
  engine.register(definition, host);
  return engine;
}

const cancel = (id: string): InputEvent => ({
  ...{ id, type: "cancel.requested", path: "", body: { reason: id, principal: user("u") } },
});
const send = (engine: Engine, runId: string, id: string) =>
  engine.deliver({ tenant: "acme", runId }, definition, cancel(id));

const names = (tenant: string, count: number, first = 0) =>
  Array.from({ length: count }, (_, index) => `${tenant}/run_${String(first + index).padStart(4, "0")}`);

/** Parks runs of a tenant; each is due a millisecond after the one before. */
function park(journal: Journal, tenant: string, count: number, dueAt: number): void {
  for (const [index, name] of names(tenant, count).entries()) {
    // The youngest is due first: what counts is the time of waking.
    store(journal, tenant, name.slice(tenant.length + 1), { startedAt: 9_999 - index, wakeAt: dueAt + index });
  }
}

describe("L6 many runs that are due", () => {
  test("are woken so many at a time, each tenant's in the order in which they are due, the tenants in turns", async () => {
    const journal = memoryJournal();
    // A busy process' timer is late: all of them are due when it is called.
    let late = false;
    const inner = clockAt();
    const clock = { ...inner, now: () => (late ? startAt + 10_000 : inner.now()) };
    park(journal, "big", 2_000, startAt + 1_000);
    park(journal, "small", 1_000, startAt + 4_000);
    const { host, driven, seen } = crowdHost();
    const engine = open(journal, host, { clock, driving: 50 });
    expect(await engine.resume()).toBe(0);
    late = true;
    clock.advance(1_000);
    await engine.idle();
    const [big, small] = [names("big", 2_000), names("small", 1_000)];
    expect(driven).toEqual([...small.flatMap((name, index) => [big[index], name]), ...big.slice(1_000)]);
    expect(seen).toEqual({ now: 0, most: 50 });
    expect(await journal.unfinishedRuns()).toEqual([]);
  });

  test("are counted and woken by a resumption, each once", async () => {
    const journal = memoryJournal();
    park(journal, "acme", 1_200, startAt - 5_000);
    for (const name of names("acme", 700, 5_000)) store(journal, "acme", name.slice(5), { status: "running" });
    store(journal, "acme", "later", { wakeAt: startAt + 1 });
    store(journal, "acme", "never");
    store(journal, "acme", "foreign", { status: "running", definitionHash: "d2" });
    const { host, driven, seen } = crowdHost();
    const engine = open(journal, host, { driving: 20 });
    expect(await engine.resume()).toBe(1_900);
    await engine.idle();
    expect([...driven].sort()).toEqual([...names("acme", 1_200), ...names("acme", 700, 5_000)]);
    expect(seen.most).toBe(20);
    expect(await engine.resume()).toBe(0);
  });

  test("L4 are left to another process that took one up before its turn came", async () => {
    const journal = memoryJournal();
    park(journal, "acme", 3, startAt - 10);
    const gate = Promise.withResolvers<void>();
    const { host, driven } = crowdHost(() => gate.promise);
    const engine = open(journal, host, { driving: 1 });
    expect(await engine.resume()).toBe(3);
    const key = { tenant: "acme", kind: "run", id: "run_0001" } as const;
    const [first] = await journal.read(key);
    void journal.append(
      key,
      batch({ seq: 1, hash: first?.hash ?? "" }),
      1,
      record("acme", key.id, { status: "running" }),
    );
    gate.resolve();
    await engine.idle();
    expect(driven).toEqual(["acme/run_0000", "acme/run_0002"]);
  });

  test("wake again after the journal could not be read", async () => {
    const journal = memoryJournal();
    const clock = clockAt();
    park(journal, "acme", 1, startAt + 5);
    let broken = false;
    const flaky: Journal = {
      ...journal,
      unfinishedTenants: async (page) => {
        if (broken) throw new Error("no disk");
        return journal.unfinishedTenants(page);
      },
    };
    const { host, driven } = crowdHost();
    const engine = open(flaky, host, { clock });
    await engine.resume();
    broken = true;
    clock.advance(5);
    await engine.idle();
    expect(driven).toEqual([]);
    broken = false;
    await Promise.resolve();
    clock.advance(1_000);
    await engine.idle();
    expect(driven).toEqual(["acme/run_0000"]);
  });
});

describe("L6 many events at once", () => {
  test("L3 are each acknowledged, with so many sessions at a time", async () => {
    const journal = memoryJournal();
    const runs = names("acme", 1_000).map((name) => name.slice(5));
    for (const runId of runs) store(journal, "acme", runId);
    const { host, seen } = crowdHost();
    const engine = open(journal, host, { driving: 10 });
    await Promise.all(runs.map((runId) => send(engine, runId, "one")));
    await engine.idle();
    expect(seen).toEqual({ now: 0, most: 10 });
    expect(await journal.unfinishedRuns()).toEqual([]);
  });

  test("for a run that waits for its turn are kept up to the mailbox's bound", async () => {
    const journal = memoryJournal();
    for (const runId of ["one", "two"]) store(journal, "acme", runId);
    const gate = Promise.withResolvers<void>();
    const taken: string[] = [];
    const { host } = crowdHost(async (session) => {
      await gate.promise;
      for (let event = await session.next(); event; event = await session.next()) taken.push(event.id);
    });
    const engine = open(journal, host, { driving: 1 });
    const sent = [send(engine, "one", "a"), send(engine, "two", "b"), send(engine, "two", "c")];
    await expect(send(engine, "two", "d")).rejects.toMatchObject({
      code: "bus/mailbox-full",
      data: { address: "two", waiting: 2, capacity: 2 },
    });
    gate.resolve();
    await Promise.all(sent);
    expect(taken).toEqual(["a", "b", "c"]);
  });

  test("take no turn where a run that is driven waits for them, and one where they only say so", async () => {
    const journal = memoryJournal();
    const gate = Promise.withResolvers<void>();
    const heard: string[] = [];
    const { host, driven } = crowdHost(async (session) => {
      for (let event = await session.next(); event; event = await session.next()) {
        heard.push(`${session.key.id} ${event.id}`);
        if (session.key.id === "parent") await gate.promise;
      }
    });
    const engine = open(journal, host, { driving: 1 });
    const start = (id: string, parent: string, tenant = "acme") =>
      engine.deliver({ tenant, runId: id }, definition, {
        ...{ id: "start", type: "run.started", path: "" },
        body: { delegation: { parent: { run: parent } } },
      } as unknown as InputEvent);
    const parent = send(engine, "parent", "go");
    const waiting = [start("other", "nobody"), start("foreign", "parent", "evil"), send(engine, "third", "late")];
    await start("child", "parent");
    expect(driven).toEqual(["acme/parent", "acme/child"]);
    // Word to stop brings what waits for its turn with it, in its order.
    await send(engine, "third", "parent#1/recall");
    expect(driven).toEqual(["acme/parent", "acme/child", "acme/third"]);
    gate.resolve();
    await Promise.all([parent, ...waiting]);
    await engine.idle();
    expect(driven.slice(3).sort()).toEqual(["acme/other", "evil/foreign"]);
    expect(heard.filter((one) => one.startsWith("third"))).toEqual(["third late", "third parent#1/recall"]);
  });

  test("L5 are refused when the engine closes before their turn", async () => {
    const journal = memoryJournal();
    for (const runId of ["one", "two"]) store(journal, "acme", runId);
    const reached = Promise.withResolvers<void>();
    const { host, driven } = crowdHost(async (session) => {
      session.submit({ type: "startTimer", id: "t", path: "", dueAt: startAt + 9, durable: false, holds: true });
      reached.resolve();
    });
    const engine = open({ ...journal, close: async () => {} }, host, { driving: 1 });
    const outcomes = Promise.allSettled([send(engine, "one", "a"), send(engine, "two", "b")]);
    await reached.promise;
    await engine.close();
    expect((await outcomes)[1]).toMatchObject({ status: "rejected", reason: { code: "engine/closed" } });
    expect(driven).toEqual(["acme/one"]);
  });
});

describe("L2 a timer", () => {
  const timer = (holds: boolean): StartTimerCommand => ({
    ...{ type: "startTimer", id: "again", path: "a#1", dueAt: startAt + 500, durable: false, holds },
  });
  /** What the session of one run says next after `act`; undefined when it is over. */
  const drive = async (act: (session: RunSession) => void) => {
    const journal = memoryJournal();
    store(journal, "acme", "one", { status: "running" });
    const clock = clockAt();
    const events: (InputEvent | undefined)[] = [];
    const begun = Promise.withResolvers<void>();
    const host: RunHost = {
      drive: async (session) => {
        act(session);
        begun.resolve();
        do events.push(await session.next());
        while (events.at(-1));
      },
      execute: () => Promise.reject(new Error("nothing is carried out here")),
    };
    const engine = open(journal, host, { clock });
    await engine.resume();
    await begun.promise;
    return { clock, engine, events };
  };

  test("that holds keeps the session until it fires", async () => {
    const { clock, engine, events } = await drive((session) => session.submit(timer(true)));
    clock.advance(499);
    expect(events).toEqual([]);
    clock.advance(1);
    await engine.idle();
    expect(events).toEqual([
      { id: `again@${startAt + 500}`, type: "timer.fired", path: "a#1", body: { timer: "again" } },
      undefined,
    ]);
  });

  test("that holds and was aborted, and one that does not hold, keep nothing", async () => {
    const aborted = await drive((session) => {
      session.submit(timer(true));
      session.abort("again");
    });
    await aborted.engine.idle();
    expect(aborted.events).toEqual([undefined]);
    const loose = await drive((session) => session.submit(timer(false)));
    await loose.engine.idle();
    expect(loose.events).toEqual([undefined]);
  });
});

describe("an engine on a journal with 20,000 parked runs", () => {
  test("starts, resumes, wakes and closes with a few small questions", async () => {
    const journal = memoryJournal();
    const clock = clockAt();
    for (let index = 0; index < 20_000; index++) {
      store(journal, `tenant-${index % 7}`, `run_${index}`, { startedAt: index, wakeAt: startAt + 1_000 + index });
    }
    let questions = 0;
    let records = 0;
    const counted = <Args extends unknown[], Found>(ask: (...args: Args) => Promise<Found>) => {
      return async (...args: Args) => {
        const found = await ask(...args);
        questions++;
        if (Array.isArray(found)) records = Math.max(records, found.length);
        return found;
      };
    };
    const watched: Journal = {
      ...journal,
      findRun: counted(journal.findRun),
      listRuns: counted(journal.listRuns),
      unfinishedRuns: counted(journal.unfinishedRuns),
      unfinishedTenants: counted(journal.unfinishedTenants),
      nextWakeAt: counted(journal.nextWakeAt),
      waitingDefinitions: counted(journal.waitingDefinitions),
    };
    const { host, driven } = crowdHost();
    const engine = open(watched, host, { clock });
    expect(engine.isRegistered(definition)).toBe(true);
    expect(engine.isRegistered("desk@d2")).toBe(false);
    expect(await engine.resume()).toBe(0);
    expect({ questions, records }).toEqual({ questions: 3, records: 0 });
    clock.advance(1_000);
    await engine.idle();
    expect(driven).toEqual(["tenant-0/run_0"]);
    // Tenants that are due, their runs, the next wake-up, and the run again when its turn has come.
    expect({ questions, records }).toEqual({ questions: 7, records: 1 });
    await engine.close();
    expect(questions).toBe(7);
  });
});
