import type * as Sdk from "@restatedev/restate-sdk";
import { expect, test } from "vitest";
import { type Draft, emptyHead, type Head, sealBatch } from "../../journal/chain.ts";
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
        return { invocationId: Promise.resolve(id) };
      },
    };
    // The index is told, and not played.
    if (service === names.index) return undefined;
    const handler = objects.find(({ name }) => name === service)?.handlers[method];
    if (!handler) throw new Error(`nobody serves ${service}/${method}`);
    return handler(ctx, parameter);
  };
  const front = (method: string, parameter: unknown) => call(names.front, run, method, parameter);
  return { call, front, drives, signals, acked, states };
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
