import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { verifyChain } from "../../packages/core/src/journal/chain.ts";
import { memoryJournal } from "../../packages/core/src/journal/memory.ts";
import { sqliteJournal } from "../../packages/core/src/journal/sqlite.ts";
import type {
  Batch,
  Journal,
  RunFilter,
  RunRecord,
  Snapshot,
  StreamKey,
} from "../../packages/core/src/port/journal.ts";
import { testRecord, testStream } from "../contract/journal-stream.ts";

/** A journal against a few maps: whatever is asked of it in whatever order, it answers as they do. */

interface Model {
  readonly tenant: string;
  readonly streams: Map<string, readonly Batch[]>;
  readonly runs: Map<string, RunRecord>;
  readonly blobs: Map<string, string>;
  readonly snapshots: Map<string, Snapshot>;
  key?: string;
}
interface Real {
  journal: Journal;
  readonly reopen: (journal: Journal) => Promise<Journal>;
}
type Command = fc.AsyncCommand<Model, Real>;

const batchesOf = (model: Model, id: string) => model.streams.get(id) ?? [];
const keyOf = (model: Model, id: string): StreamKey => ({ tenant: model.tenant, kind: "run", id });
const arbStream = fc.constantFrom("one", "two", "three");
const arbAddress = fc.constantFrom("here", "there");

/** A command of a name and what it does; always possible. */
function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name };
}

const arbRecord = fc.record({
  status: fc.constantFrom("running", "parked", "completed", "denied"),
  startedAt: fc.integer({ min: 1, max: 3 }),
  supervisor: fc.constantFrom("desk", "shop"),
});
const arbWaiting = fc.record(
  {
    wakeAt: fc.integer({ min: 1, max: 3 }),
    waits: fc.subarray(["approval", "question", "effect", "timer"] as const),
  },
  { requiredKeys: [] },
);
const arbIndexed = fc.tuple(arbRecord, arbWaiting).map(([record, waiting]) => ({ ...record, ...waiting }));

/** Some batches one behind the other, asked for at once. */
const append = fc
  .record({
    id: arbStream,
    sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    record: fc.option(arbIndexed, { nil: undefined }),
  })
  .map(({ id, sizes, record: members }) =>
    command(`append ${sizes} to ${id} ${JSON.stringify(members)}`, async (model, { journal }) => {
      const stream = testStream(id, { tenant: model.tenant, behind: batchesOf(model, id) });
      await Promise.all(
        sizes.map(async (size) => {
          const { batch, expectedSeq } = stream.next(size);
          const record = members && testRecord(stream.key, { ...members, lastSeq: batch.lastSeq });
          if (record) model.runs.set(id, record);
          await journal.append(stream.key, batch, expectedSeq, record);
        }),
      );
      model.streams.set(id, stream.batches);
    }),
  );

/** A writer that knows the stream as it once was, or another history of it, asks for several appends at once. */
const appendStale = fc
  .record({ id: arbStream, back: fc.integer({ min: 0, max: 3 }), forked: fc.boolean(), ahead: fc.boolean() })
  .map(({ id, back, forked, ahead }) =>
    command(`append to ${id}, ${back} back, ${forked ? "forked" : "known"}, ${ahead}`, async (model, { journal }) => {
      const batches = batchesOf(model, id);
      const isCurrent = back === 0 && !ahead && (!forked || batches.length === 0);
      if (isCurrent || (back >= batches.length && batches.length === 0 && !ahead)) return;
      const known = batches.slice(0, Math.max(0, batches.length - back));
      const stream = testStream(id, { tenant: model.tenant, story: "loser", behind: forked ? [] : known });
      if (forked) for (const { firstSeq, lastSeq } of known) stream.next(lastSeq - firstSeq + 1);
      if (ahead) stream.next(9);
      const record = { status: "failed" } as const;
      const outcomes = await Promise.allSettled([stream.append(journal, record), stream.append(journal, record)]);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: "journal/conflict" } });
      }
    }),
  );

const read = fc.record({ id: arbStream, fromSeq: fc.integer({ min: 0, max: 30 }) }).map(({ id, fromSeq }) =>
  command(`read ${id} from ${fromSeq}`, async (model, { journal }) => {
    const expected = batchesOf(model, id).filter(({ lastSeq }) => lastSeq >= fromSeq);
    expect(await journal.read(keyOf(model, id), fromSeq)).toStrictEqual(expected);
    expect(verifyChain(await journal.read(keyOf(model, id))).fault).toBeUndefined();
  }),
);

const list = fc
  .record(
    {
      status: fc.subarray(["running", "parked", "completed", "denied"] as const),
      supervisor: fc.constantFrom("desk", "shop"),
      waitingFor: fc.constantFrom("approval", "question", "effect"),
      most: fc.integer({ min: 0, max: 3 }),
      before: fc.integer({ min: 1, max: 4 }),
    },
    { requiredKeys: [] },
  )
  .map((filter: Omit<RunFilter, "tenant">) =>
    command(`list ${JSON.stringify(filter)}`, async (model, { journal }) => {
      const expected = [...model.runs.values()]
        .filter(({ status }) => filter.status?.includes(status) ?? true)
        .filter(({ supervisor }) => supervisor === (filter.supervisor ?? supervisor))
        .filter(({ waits }) => filter.waitingFor === undefined || waits?.includes(filter.waitingFor))
        .filter(({ startedAt }) => startedAt < (filter.before ?? Number.POSITIVE_INFINITY))
        .sort((left, right) => right.startedAt - left.startedAt || (left.runId < right.runId ? 1 : -1))
        .slice(0, filter.most ?? 100);
      expect(await journal.listRuns({ tenant: model.tenant, ...filter })).toStrictEqual(expected);
    }),
  );

const listUnfinished = fc
  .record(
    {
      status: fc.constantFrom("running", "parked"),
      dueAt: fc.integer({ min: 0, max: 3 }),
      definitions: fc.subarray(["desk@d1", "shop@d1"]),
      most: fc.integer({ min: 0, max: 3 }),
    },
    { requiredKeys: [] },
  )
  .map((filter) =>
    command(`list unfinished ${JSON.stringify(filter)}`, async (model, { journal }) => {
      const { status, dueAt, definitions, most } = filter;
      const timeOf = ({ startedAt, wakeAt = 0 }: RunRecord) => (dueAt === undefined ? startedAt : wakeAt);
      const expected = [...model.runs.values()]
        .filter((run) => run.status === "running" || run.status === "parked")
        .filter((run) => run.status === (status ?? run.status))
        .filter((run) => dueAt === undefined || (run.status === "parked" && (run.wakeAt ?? 9) <= dueAt))
        .filter((run) => definitions?.includes(`${run.supervisor}@d1`) ?? true)
        .sort((left, right) => timeOf(left) - timeOf(right) || (left.runId < right.runId ? -1 : 1))
        .slice(0, most ?? 100);
      expect(await journal.unfinishedRuns({ tenant: model.tenant, ...filter })).toStrictEqual(expected);
      const tenants = await journal.unfinishedTenants({ tenant: model.tenant, ...filter });
      expect(tenants).toEqual(expected.length > 0 ? [model.tenant] : []);
    }),
  );

const lookAround = fc.constant(
  command("look around", async (model, { journal }) => {
    const { tenant } = model;
    for (const id of ["one", "two", "three"]) {
      expect(await journal.findRun(tenant, id)).toStrictEqual(model.runs.get(id));
      expect(await journal.loadSnapshot(keyOf(model, id))).toStrictEqual(model.snapshots.get(id));
    }
    for (const address of ["here", "there"]) {
      expect(await journal.getBlob(tenant, address)).toBe(model.blobs.get(address));
    }
    expect([...(await journal.listStreams(tenant, "run"))].sort()).toEqual([...model.streams.keys()].sort());
    const unfinished = await journal.unfinishedRuns({ tenant });
    const expected = [...model.runs.values()].filter(({ status }) => status === "running" || status === "parked");
    expect(unfinished.map(({ runId }) => runId).sort()).toEqual(expected.map(({ runId }) => runId).sort());
    const key = await journal.tenantKey(tenant);
    model.key ??= key;
    expect(key).toBe(model.key);
  }),
);

const putBlob = fc.record({ address: arbAddress, body: fc.string({ unit: "grapheme" }) }).map(({ address, body }) =>
  command(`put ${JSON.stringify(body)} ${address}`, async (model, { journal }) => {
    if (!model.blobs.has(address)) model.blobs.set(address, body);
    await journal.putBlob(model.tenant, address, body);
  }),
);

const saveSnapshot = fc
  .record({ id: arbStream, seq: fc.nat(9), state: fc.jsonValue({ noUnicodeString: false }) })
  .map(({ id, seq, state }) =>
    command(`snapshot of ${id} at ${seq}`, async (model, { journal }) => {
      const snapshot = { seq, hash: `h${seq}`, state: JSON.parse(JSON.stringify(state)) };
      model.snapshots.set(id, snapshot);
      await journal.saveSnapshot(keyOf(model, id), snapshot);
    }),
  );

const reopen = fc.constant(
  command("reopen", async (_, real) => {
    real.journal = await real.reopen(real.journal);
  }),
);

const arbCommands = fc.commands(
  [append, append, append, appendStale, read, list, listUnfinished, lookAround, putBlob, saveSnapshot, reopen],
  {
    maxCommands: 40,
  },
);

let runs = 0;
async function behavesAsTheModel(real: Real, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(arbCommands, async (commands) => {
    const model: Model = {
      // A tenant a run: what one leaves behind is no business of the next.
      tenant: `tenant-${runs++}`,
      streams: new Map(),
      runs: new Map(),
      blobs: new Map(),
      snapshots: new Map(),
    };
    await fc.asyncModelRun(() => ({ model, real }), commands);
  });
  await fc.assert(property, { numRuns });
}

test("the memory journal behaves as its model", async () => {
  await behavesAsTheModel({ journal: memoryJournal(), reopen: async (journal) => journal }, 300);
});

const folder = mkdtempSync(join(tmpdir(), "remit-journal-property-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the SQLite journal behaves as its model, closed and opened at any time", async () => {
  const path = join(folder, "journal.db");
  const real: Real = {
    journal: sqliteJournal({ path }),
    reopen: async (journal) => {
      await journal.close();
      return sqliteJournal({ path });
    },
  };
  await behavesAsTheModel(real, 60);
  await real.journal.close();
});
