import { describe, expect, test } from "vitest";
import type { CallModelCommand, StartTimerCommand } from "../command.ts";
import type { InputEvent } from "../event.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { RunHost } from "../port/engine.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import { fakeClock } from "../testing/index.ts";
import { LocalSession } from "./session.ts";

const startAt = 1_700_000_000_000;
const command: CallModelCommand = {
  type: "callModel",
  id: "clerk#1/model#1",
  path: "clerk#1",
  agent: "clerk",
  alias: "m",
  turn: 1,
  attempt: 1,
  agentCall: 0,
  input: null,
  messages: [],
  tools: [],
  labels: [],
  tried: [],
  attributes: {},
};
const outcome = (id: string): InputEvent => ({
  id,
  path: "clerk#1",
  type: "model.responded",
  body: { command: id, model: "m", parts: [] },
});
const timer: StartTimerCommand = { type: "startTimer", id: "t", path: "clerk#1", dueAt: startAt + 10, durable: false };
const cancelled: InputEvent = {
  id: "cancel:1",
  type: "cancel.requested",
  path: "",
  body: { reason: "enough", principal: { id: "u", kind: "user", roles: [], authenticated: false } },
};

/** A session whose commands end when a test says so. */
function session() {
  const clock = fakeClock(startAt);
  const ends: { readonly end: (event: InputEvent) => void; readonly signal: StopSignal }[] = [];
  const host = {
    execute: (_: unknown, __: unknown, signal: StopSignal) =>
      new Promise<InputEvent>((resolve) => ends.push({ end: resolve, signal })),
  } as unknown as RunHost;
  const made = new LocalSession({
    key: { tenant: "acme", kind: "run", id: "run_1" },
    name: "acme run_1",
    journal: memoryJournal(),
    clock,
    salt: () => "salt",
    host,
    owner: { published: () => {}, recorded: () => {} },
  });
  return { clock, ends, made };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a session", () => {
  test("of which one command was submitted twice hears one outcome, and waits for no other", async () => {
    const { made, ends } = session();
    made.submit(command);
    made.submit(command);
    ends[0]?.end(outcome("first"));
    expect(await made.next()).toEqual(outcome("first"));
    ends[1]?.end(outcome("second"));
    await settled();
    expect(made.next()).toBeUndefined();
  });

  test("that has ended hears nothing of what was under way, and no timer of it is left", async () => {
    const { made, ends, clock } = session();
    made.submit(command);
    made.submit(timer);
    expect(made.nextDue).toBe(startAt + 10);
    expect(made.end(undefined)).toEqual([]);
    expect([ends[0]?.signal.aborted, made.nextDue]).toEqual([true, undefined]);
    ends[0]?.end(outcome("late"));
    await settled();
    clock.advance(100);
    expect(made.waiting).toBe(0);
    expect(made.next()).toBeUndefined();
  });

  test("that ends gives back what came from outside meanwhile, and tells who waits when it failed", async () => {
    const { made } = session();
    const heard: string[] = [];
    const settle = { resolve: () => void heard.push("taken"), reject: () => void heard.push("refused") };
    made.push({ event: cancelled, settle });
    made.push({ event: outcome("late") });
    expect(made.end(undefined)).toEqual([{ event: cancelled, settle }]);
    expect(heard).toEqual([]);
  });

  test("is at work for a timer that holds it, and not for one that does not", async () => {
    const { made, clock } = session();
    made.submit(timer);
    expect(made.next()).toBeUndefined();
    made.submit({ ...timer, id: "h", holds: true });
    const coming = made.next();
    expect(coming).toBeInstanceOf(Promise);
    clock.advance(10);
    const fired = await coming;
    expect(fired?.type).toBe("timer.fired");
    made.abort("h");
    made.next();
    expect(made.next()).toBeUndefined();
  });

  test("aborts a command or a timer by its id, and hears what the command comes to all the same", async () => {
    const { made, ends, clock } = session();
    made.submit(command);
    made.submit({ ...timer, holds: true });
    made.abort(command.id);
    made.abort("t");
    clock.advance(100);
    expect(ends[0]?.signal.aborted).toBe(true);
    ends[0]?.end(outcome("stopped"));
    expect(await made.next()).toEqual(outcome("stopped"));
    expect(made.next()).toBeUndefined();
  });
});
