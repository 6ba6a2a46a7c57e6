import { expect, test } from "vitest";
import { OrchestrationError } from "../../errors.ts";
import { sealBatch } from "../../journal/chain.ts";
import { type Draft, emptyHead } from "../../journal/draft.ts";
import { memoryJournal } from "../../journal/memory.ts";
import { type Clock, systemClock } from "../../port/clock.ts";
import type { RunHost, RunSession } from "../../port/engine.ts";
import { Activity } from "./activity.ts";
import type { Loaded } from "./wire.ts";

const salt = () => "salt-of-an-activity---";
const batch = () => {
  const draft: Draft = { type: "run.resumed", at: 1, path: "", cause: 0, body: { reason: "a test" } } as never;
  const { previous: _, ...sealed } = sealBatch(emptyHead, [draft], salt);
  return sealed;
};

function activityOf(
  drive: (session: RunSession) => Promise<void>,
  loaded: Loaded = { batches: [] },
  clock: Clock = systemClock(),
): Activity {
  const host: RunHost = { drive, execute: () => Promise.reject(new Error("nothing is submitted here")) };
  return new Activity({
    key: { tenant: "acme", runId: "run_1" },
    host,
    journal: memoryJournal(),
    clock,
    wall: systemClock(),
    salt,
    mailbox: 4,
    sent: [],
    load: async () => loaded,
    turn: async () => () => {},
    onBatch: () => {},
  });
}

test("a snapshot is stored as it was when it was saved, whatever the run goes on to be before the step takes it", async () => {
  // As a core saves itself: by reference.
  const state = { agents: { triage: { turns: 1 } }, waiting: ["a"] };
  const activity = activityOf(async (session) => {
    const { key, journal } = session;
    const first = batch();
    void session.append(first, 0);
    await journal.saveSnapshot(key, { seq: 1, hash: first.hash, state });
    state.agents.triage.turns = 2;
    state.waiting.push("b");
  });
  const { batches, snapshot } = await activity.flush();
  expect(batches.map(({ lastSeq }) => lastSeq)).toEqual([1]);
  expect(snapshot).toEqual({
    seq: 1,
    hash: batches[0]?.hash,
    state: { agents: { triage: { turns: 1 } }, waiting: ["a"] },
  });
});

test("a snapshot that is loaded is the session's own: what it makes of it changes nothing that is stored", async () => {
  const snapshot = { seq: 1, hash: "h", state: { waiting: ["a"] } };
  let again: unknown;
  const activity = activityOf(
    async ({ key, journal }) => {
      const found = await journal.loadSnapshot(key);
      (found as unknown as { state: typeof snapshot.state }).state.waiting.push("b");
      again = await journal.loadSnapshot(key);
    },
    { batches: [], snapshot },
  );
  expect((await activity.flush()).done).toMatchObject({ left: [] });
  expect(again).toEqual({ seq: 1, hash: "h", state: { waiting: ["a"] } });
});

test("the newest of several snapshots goes with the step, and goes once", async () => {
  let go: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  const activity = activityOf(async (session) => {
    const { key, journal } = session;
    const first = batch();
    const stored = session.append(first, 0);
    for (const waiting of [1, 2]) void journal.saveSnapshot(key, { seq: 1, hash: first.hash, state: { waiting } });
    await stored;
    await gone;
  });
  expect((await activity.flush()).snapshot).toMatchObject({ state: { waiting: 2 } });
  activity.stored();
  go();
  const last = await activity.flush();
  expect(last.done).toBeDefined();
  expect(last).not.toHaveProperty("snapshot");
});

test("of an activation that is lost, or that waits until the journal is back, no timer is left", async () => {
  let open = 0;
  const clock: Clock = {
    now: () => 0,
    at: () => {
      open++;
      return { cancel: () => void open-- };
    },
  };
  const arm = (session: RunSession) =>
    session.submit({ type: "startTimer", id: "deadline", path: "", dueAt: 86_400_000, durable: true, holds: true });
  const lost = activityOf(
    async (session) => {
      arm(session);
      await session.next();
    },
    { batches: [] },
    clock,
  );
  const flushing = lost.flush().catch(() => {});
  await expect.poll(() => open).toBe(1);
  lost.abandon();
  await flushing;
  await lost.rest();
  expect(open).toBe(0);
  const away = activityOf(
    async (session) => {
      arm(session);
      throw new OrchestrationError("journal/unavailable", { reason: "away" });
    },
    { batches: [] },
    clock,
  );
  await expect(away.flush()).rejects.toMatchObject({ code: "journal/unavailable" });
  expect(open).toBe(0);
});
