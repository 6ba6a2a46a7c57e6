import type * as Sdk from "@restatedev/restate-sdk";
import { expect, test } from "vitest";
import { sealBatch } from "../../journal/chain.ts";
import { type Draft, emptyHead, type Head } from "../../journal/draft.ts";
import { headOf } from "../../journal/unsealed.ts";
import type { Batch, RunRecord } from "../../port/journal.ts";
import { frontObject, streamObject } from "./objects.ts";
import { runObject, type WorkerParts } from "./run-object.ts";
import { type Activation, namesOf } from "./wire.ts";

/** The objects of a cluster, one call after the other and in this process; what is sent to a run to drive it is kept. */

const names = namesOf("remit");
const run = "acme/run_1";
const v1 = "desk@hash1";
const v2 = "desk@hash2";

type Handler = (ctx: unknown, parameter: unknown) => Promise<unknown>;
const sdk = {
  handlers: {
    object: { exclusive: (_: unknown, handler: Handler) => handler, shared: (_: unknown, it: Handler) => it },
  },
  object: ({ name, handlers }: { readonly name: string; readonly handlers: Record<string, Handler> }) => ({
    name,
    handlers,
  }),
  serde: { json: {} },
  TerminalError: Error,
} as unknown as typeof Sdk;

interface Drive extends Activation {
  readonly service: string;
  readonly id: string;
}

function cluster() {
  const worker = {} as WorkerParts; // Nobody drives here.
  const objects = [
    frontObject(sdk, names, 4, new Set()),
    streamObject(sdk, names),
    ...[v1, v2].map((definition) => runObject(sdk, names, definition, worker)),
  ] as unknown as { readonly name: string; readonly handlers: Record<string, Handler> }[];
  const states = new Map<string, Map<string, unknown>>();
  const drives: Drive[] = [];
  const signals: { readonly id: string; readonly name: string }[] = [];
  /** What the index was told, and where runs were sent to be driven. */
  const log: string[] = [];
  const acked = new Map<string, unknown>();
  const call = async (service: string, key: string, method: string, parameter: unknown): Promise<unknown> => {
    const state = states.get(`${service}/${key}`) ?? new Map<string, unknown>();
    states.set(`${service}/${key}`, state);
    const ctx = {
      key,
      get: async (name: string) => structuredClone(state.get(name) ?? null),
      set: (name: string, value: unknown) => void state.set(name, structuredClone(value)),
      clear: (name: string) => void state.delete(name),
      clearAll: () => state.clear(),
      stateKeys: async () => [...state.keys()],
      resolveAwakeable: (ack: string, value: unknown) => void acked.set(ack, value),
      invocation: (id: string) => ({ signal: (name: string) => ({ resolve: () => void signals.push({ id, name }) }) }),
      genericCall: (to: { service: string; key: string; method: string; parameter: unknown }) =>
        call(to.service, to.key, to.method, to.parameter),
      genericSend: (to: { service: string; parameter: Activation }) => {
        const id = `inv_${drives.length + 1}`;
        drives.push({ ...to.parameter, service: to.service, id });
        log.push(`drive ${to.service}`);
        return { invocationId: Promise.resolve(id) };
      },
    };
    if (service === names.index) {
      if (method === "put") log.push(`index ${(parameter as { record: RunRecord }).record.definitionHash}`);
      return undefined;
    }
    const handler = objects.find(({ name }) => name === service)?.handlers[method];
    if (!handler) throw new Error(`nobody serves ${service}/${method}`);
    return handler(ctx, parameter);
  };
  const front = (method: string, parameter: unknown) => call(names.front, run, method, parameter);
  return { call, front, drives, signals, acked, states, log };
}

const drafts: Draft[] = [{ type: "run.resumed", at: 1, path: "", cause: 0, body: { reason: "a test" } } as never];
const behind = (head: Head): Batch => {
  const { previous: _, ...batch } = sealBatch(head, drafts, () => "salt-of-an-object-----");
  return batch;
};
const first = behind(emptyHead);
const second = behind(headOf(first));
const third = behind(headOf(second));
const recordOf = (definition: string, { lastSeq }: Batch, status: RunRecord["status"] = "parked"): RunRecord => {
  const [supervisor = "", definitionHash = ""] = definition.split("@");
  return { tenant: "acme", runId: "run_1", supervisor, definitionHash, status, startedAt: 1, updatedAt: 1, lastSeq };
};
const started = { id: "start", type: "run.started", path: "", body: {} };
const told = { id: "c", type: "cancel.requested", path: "", body: {} };

test("O2 an append that comes a second time behind the next one changes nothing: the stream still ends where it did", async () => {
  const { call } = cluster();
  const append = (batch: Batch) =>
    call(names.stream, "acme/budget/b", "append", { batch, expectedSeq: batch.firstSeq - 1 });
  await append(first);
  await append(second);
  expect(await append(first)).toMatchObject({ ok: true });
  expect(await append(third)).toMatchObject({ ok: true });
});

test("O2 a record that comes a second time does not take back what the stream's record says by now", async () => {
  const { call } = cluster();
  const append = (batch: Batch, status: RunRecord["status"]) =>
    call(names.stream, "acme/run/run_1", "append", {
      batch,
      expectedSeq: batch.firstSeq - 1,
      record: recordOf(v1, batch, status),
    });
  await append(first, "parked");
  await append(second, "completed");
  await append(first, "parked");
  expect(await call(names.stream, "acme/run/run_1", "record", {})).toMatchObject({ status: "completed" });
});

test("O4 a start under one key by a second version is refused, although the run rests by then", async () => {
  const { front, drives, acked } = cluster();
  await front("put", { definition: v1, event: started });
  await front("shut", { id: "inv_1", heard: 0, left: [] });
  await front("put", { definition: v2, event: started, ack: "second" });
  expect(drives.map(({ service }) => service)).toEqual([names.driveOf(v1)]);
  expect(acked.get("second")).toMatchObject({ error: { code: "journal/conflict" } });
  expect(await front("home", {})).toBe(v1);
});

test("O4 what comes for a run that has moved, and a timer that was set before, go where it is", async () => {
  const { call, front, drives } = cluster();
  await front("put", { definition: v1, event: started });
  await call(names.driveOf(v1), run, "append", { batch: first, expectedSeq: 0, record: recordOf(v1, first) });
  await front("shut", { id: "inv_1", heard: 0, left: [] });
  await call(names.driveOf(v1), run, "append", { batch: second, expectedSeq: 1, record: recordOf(v2, second) });
  expect(await front("wake", { definition: v1 })).toBe(true);
  expect(drives.at(-1)).toMatchObject({ service: names.driveOf(v2), sent: [], fresh: false });
  await front("shut", { id: "inv_2", heard: 0, left: [] });
  await front("put", { definition: v1, event: told });
  expect(drives.at(-1)).toMatchObject({ service: names.driveOf(v2), sent: [{ event: told }] });
});

test("O4 what was rung to an activation that has nobody to drive it goes along when its run moves", async () => {
  const { call, front, drives, signals, log } = cluster();
  await front("put", { definition: v1, event: started });
  await front("put", { definition: v1, event: told, ack: "a" });
  await call(names.driveOf(v2), run, "adopt", { batches: [first, second], record: recordOf(v2, second) });
  expect(drives.at(-1)).toMatchObject({ service: names.driveOf(v2), sent: [{ event: told, ack: "a" }] });
  // What the index is told of the move comes before what it is told of what comes then.
  expect(log.slice(-2)).toEqual(["index hash2", `drive ${names.driveOf(v2)}`]);
  await front("put", { definition: v2, event: { ...told, id: "d" } });
  expect(signals.at(-1)).toEqual({ id: "inv_2", name: "event 1" });
});

test("K2 a migration that comes a second time, because its answer was lost, is told where the run went and known there", async () => {
  const { call } = cluster();
  await call(names.driveOf(v1), run, "append", { batch: first, expectedSeq: 0, record: recordOf(v1, first) });
  const moved = { batch: second, expectedSeq: 1, record: recordOf(v2, second) };
  expect(await call(names.driveOf(v1), run, "append", moved)).toMatchObject({ ok: true });
  expect(await call(names.driveOf(v1), run, "append", moved)).toEqual({ ok: false, actual: 0, moved: v2 });
  expect(await call(names.driveOf(v2), run, "append", moved)).toMatchObject({ ok: true });
});

test("O3 an event for a run that nobody has begun leaves nothing behind, and takes the run from nobody", async () => {
  const { front, drives, states } = cluster();
  await front("put", { definition: v1, event: told });
  await front("shut", { id: "inv_1", heard: 0, left: [], nothing: true });
  expect(states.get(`${names.front}/${run}`)?.size).toBe(0);
  await front("put", { definition: v2, event: started });
  expect(drives.at(-1)).toMatchObject({ service: names.driveOf(v2), fresh: true });
});
