import { expect, test } from "vitest";
import type { DelegateCommand, RecallCommand } from "../command.ts";
import { OrchestrationError } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { Engine } from "../port/engine.ts";
import { silentLogger } from "../port/logger.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { directory } from "./directory.ts";
import { delegationSender } from "./send.ts";

const specialist = "refunds@1";
const key = { tenant: "acme", runId: "run_desk" };
const command: RecallCommand = {
  type: "recall",
  id: "refunds#1/recall",
  path: "refunds#1",
  agent: "refunds",
  run: "run_refunds",
  specialist,
  reason: "the customer is gone",
};

/** What a recall comes to at an engine that reaches every process, where the specialist's run is not there (yet). */
async function recalled(deliver: (event: InputEvent) => Promise<void>): Promise<InputEvent> {
  const clock = fakeClock();
  const journal = memoryJournal();
  const salt = () => "salt-of-a-specialist--";
  await directory({ journal, now: clock.now, salt }).serve({ specialist, contract: "c", definition: "refunds@hash" });
  const engine = {
    journal,
    clock,
    shared: true,
    routes: true,
    isRegistered: () => false,
    deliver: (_: unknown, __: unknown, event: InputEvent) => deliver(event),
    watch: () => () => {},
  } as unknown as Engine;
  const sender = delegationSender({ engine, definition: "desk@hash", logger: silentLogger, salt });
  const passing = setInterval(() => clock.advance(200), 0);
  try {
    return await sender.recall(key, command, new AbortController().signal);
  } finally {
    clearInterval(passing);
  }
}

test("S2 a run that may have begun where nobody works just now is told to stop, and not said to have been refused", async () => {
  const told: InputEvent[] = [];
  const said = await recalled(async (event) => {
    told.push(event);
    throw new OrchestrationError("engine/no-worker", { service: "s", key: "k", reason: "nobody is there" });
  });
  expect(told[0]).toMatchObject({ type: "cancel.requested", body: { reason: "the customer is gone" } });
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect(said).toMatchObject({ type: "delegation.recalled", body: { run: "run_refunds" } });
});

test("S2 a run that has not begun by the time that its cancel is acknowledged never will: nothing was done", async () => {
  const said = await recalled(async () => {});
  expect(said).toMatchObject({ type: "delegation.refused", body: { error: { code: "agent/cancelled" } } });
});

test("a run that its owner has not begun is looked for less and less often, so that a night without them fills no journal", async () => {
  const clock = fakeClock();
  const journal = memoryJournal();
  const engine = { journal, clock, shared: true, routes: false, isRegistered: () => false } as unknown as Engine;
  const salt = () => "salt-of-a-specialist--";
  const sender = delegationSender({ engine, definition: "desk@hash", logger: silentLogger, salt });
  const waits: number[] = [];
  for (const attempt of [2, 3, 4, 12, 13, 1_200]) {
    const { path, agent, run } = command;
    const look: DelegateCommand = {
      type: "delegate",
      id: `${path}/run#${attempt}`,
      path,
      agent,
      run,
      attempt,
      specialist,
      contract: "c",
    };
    const said = await sender.delegate(key, look, new AbortController().signal);
    if (said.type === "delegation.accepted") waits.push(said.body.lookAfterMs);
  }
  expect(waits).toEqual([2_000, 4_000, 8_000, 2_048_000, 3_600_000, 3_600_000]);
});
