import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Entry, InputEvent } from "../../packages/core/src/event.ts";
import { sha256 } from "../../packages/core/src/hash.ts";
import { openBatch, verifyChain } from "../../packages/core/src/journal/chain.ts";
import type { Batch } from "../../packages/core/src/port/journal.ts";
import { user } from "../../packages/core/src/principal.ts";
import { deskReplay, deskStart } from "./desk.ts";
import { drive } from "./driver.ts";
import { memorySession } from "./memory.ts";
import { type Mode, startNode, until } from "./node.ts";
import type { Plan } from "./plan.ts";
import { openWorld, type WorldCall } from "./world.ts";

/** The cases of the durability model on a real node. One argument picks the cases whose title contains it. */

const principal = user("u_1");
const ended = new Set(["completed", "denied", "escalated", "failed", "cancelled"]);

const started = (plan: Plan): InputEvent => ({
  id: "start",
  type: "run.started",
  path: "",
  body: { supervisor: "toy", definitionHash: "toy", input: { ...plan }, principal, labels: {}, format: 1 },
});
const answered = (id: string): InputEvent => ({
  id,
  type: "input.received",
  path: "",
  body: { ask: "worker#1/ask#1", answer: id, principal, labels: {} },
});
const cancelled = (id: string): InputEvent => ({
  id,
  type: "cancel.requested",
  path: "",
  body: { reason: "asked", principal },
});

// Whoever reads along may stop reading (`| head`): the cases go on, so that everything is put away at the end.
process.stdout.on("error", () => {});
await using world = await openWorld();
const startingAt = performance.now();
await using node = await startNode(world.address);
console.log(`a node and a worker are up after ${Math.round(performance.now() - startingAt)} ms\n`);

/** The entries of a run, after its chain was checked. */
async function entriesOf(run: string): Promise<Entry[]> {
  const batches = await node.read(run);
  assert.equal(verifyChain(batches).fault, undefined, `the chain of ${run}`);
  return batches.flatMap((batch) => openBatch(batch, run));
}
const typesOf = (entries: readonly Entry[]): string[] => entries.map(({ type }) => type);
const count = (entries: readonly Entry[], type: Entry["type"]): number =>
  entries.filter((entry) => entry.type === type).length;

const reached = (run: string, what: string, holds: (entries: readonly Entry[]) => boolean): Promise<Entry[]> =>
  until(`${what} of ${run}`, async () => {
    const entries = await entriesOf(run);
    return holds(entries) ? entries : undefined;
  });
/** Waits for any end. */
const ending = (run: string): Promise<string> =>
  until(`the end of ${run}`, async () => {
    const status = await node.status(run);
    return status !== null && ended.has(status) ? status : undefined;
  });
async function end(run: string, status = "completed"): Promise<Entry[]> {
  assert.equal(await ending(run), status, `status of ${run}`);
  return entriesOf(run);
}
async function parked(run: string): Promise<Entry[]> {
  await until(`the parking of ${run}`, async () => ((await node.status(run)) === "parked" ? true : undefined));
  return entriesOf(run);
}
const callsOf = (run: string, tool?: string): readonly WorldCall[] =>
  world.calls.filter(
    (call) => call.tenant === "t" && `t/${call.runId}` === run && (tool === undefined || call.tool === tool),
  );
const invocations = (run: string): Promise<readonly { status: string; id: string; failure: string | null }[]> =>
  node.query(
    `SELECT id, status, last_failure AS failure FROM sys_invocation WHERE target_service_name = 'Run' AND target_service_key = '${run}'`,
  );
const suspended = (run: string): Promise<true> =>
  until(`the suspension of ${run}`, async () =>
    (await invocations(run)).some(({ status }) => status === "suspended") ? true : undefined,
  );

/** Every write that reaches the world must already have its intent in the journal, seen from outside. */
let intentsSeen = 0;
const intentsMissing: WorldCall[] = [];
world.onCall = async (call) => {
  if (call.key === "") return;
  const batches = await node.read(`t/${call.runId}`);
  const intents = batches
    .flatMap((batch) => openBatch(batch, call.runId))
    .filter(({ type }) => type === "effect.intended");
  if (intents.some((entry) => entry.type === "effect.intended" && entry.body.key === call.key)) intentsSeen++;
  else intentsMissing.push(call);
};

const cases: { readonly title: string; readonly check: (run: string) => Promise<string | undefined> }[] = [];
const proves = (title: string, check: (run: string) => Promise<string | undefined>): void =>
  void cases.push({ title, check });

proves("a plain run has the same entries as in memory", async (run) => {
  const plan: Plan = { row: 2, parallel: 2, write: true };
  await node.put(run, started(plan));
  const entries = await end(run);
  assert.deepEqual(typesOf(entries), await typesInMemory([started(plan)]));
  assert.equal(callsOf(run).length, 3);
  return `${entries.length} entries`;
});

proves("a parked run leaves no invocation behind and goes on when it is answered", async (run) => {
  const plan: Plan = { parallel: 2, ask: true, write: true };
  await node.put(run, started(plan));
  await parked(run);
  await until("no invocation", async () => ((await invocations(run)).length === 0 ? true : undefined));
  await node.put(run, answered("answer"));
  assert.deepEqual(typesOf(await end(run)), await typesInMemory([started(plan), answered("answer")]));
  assert.equal(callsOf(run).length, 3);
  return undefined;
});

proves("a durable timer wakes a parked run that has no invocation", async (run) => {
  await node.put(run, started({ ask: true, expireMs: 250 }));
  const entries = await end(run, "escalated");
  const [asked, fired] = ["run.parked", "timer.fired"].map((type) => entries.find((entry) => entry.type === type)!.at);
  assert.ok(fired! - asked! >= 250, "not before it was due");
  return `${fired! - asked! - 250} ms late`;
});

proves(
  "a suspended invocation is run again from the start when it is answered, also on another worker",
  async (run) => {
    await node.put(run, started({ parallel: 3, ask: true, write: true }), { whileParked: "open" });
    await parked(run);
    await suspended(run);
    await node.killWorker();
    await node.startWorker();
    await node.put(run, answered("answer"));
    const entries = await end(run);
    assert.equal(callsOf(run, "look_up").length, 3);
    assert.equal(count(entries, "run.resumed"), 0);
    return undefined;
  },
);

proves("a timer beside a command in flight fires, also after a kill, and keeps no run alive", async (run) => {
  const plan: Plan = { parallel: 1, limitMs: 2_500 };
  const held = world.hold((call) => `t/${call.runId}` === run);
  await node.put(run, started(plan));
  await held;
  await node.killWorker();
  const again = world.hold((call) => `t/${call.runId}` === run);
  await node.startWorker();
  const { hungUp } = await again;
  await hungUp;
  const entries = await end(run, "cancelled");
  const fired = entries.find(({ type }) => type === "timer.fired")!.at - entries[0]!.at;
  const from = performance.now();
  await node.put(`${run}-quick`, started({ parallel: 1, limitMs: 60_000 }));
  await end(`${run}-quick`);
  await until("no invocation", async () => ((await invocations(`${run}-quick`)).length === 0 ? true : undefined));
  return `due at 2500 ms, fired at ${fired} ms; a run with a minute's timer ended after ${Math.round(performance.now() - from)} ms`;
});

proves("kill -9 while a read is out: the finished one is not made again, the lost one is", async (run) => {
  const held = world.hold((call) => call.tool === "look_up" && call.id.endsWith("#2") && `t/${call.runId}` === run);
  await node.put(run, started({ parallel: 2, write: true }));
  const { answer } = await held;
  await reached(run, "the first result", (entries) => count(entries, "tool.returned") === 1);
  await node.killWorker();
  answer();
  const from = performance.now();
  await node.startWorker();
  const entries = await end(run);
  assert.deepEqual(
    callsOf(run, "look_up")
      .map(({ id }) => id)
      .sort(),
    ["worker#1/look_up#1", "worker#1/look_up#2", "worker#1/look_up#2"],
  );
  assert.equal(count(entries, "tool.returned"), 3);
  return `ended ${Math.round(performance.now() - from)} ms after the restart`;
});

for (const applied of [false, true]) {
  proves(
    `kill -9 while a write is out, ${applied ? "after" : "before"} it took effect: one effect, same key`,
    async (run) => {
      const held = world.hold((call) => call.tool === "put_down" && `t/${call.runId}` === run);
      await node.put(run, started({ parallel: 2, ask: true, write: true }));
      await parked(run);
      await node.put(run, answered("answer"));
      const { apply } = await held;
      if (applied) apply();
      await node.killWorker();
      await node.startWorker();
      const entries = await end(run);
      const writes = callsOf(run, "put_down");
      assert.deepEqual(
        writes.map(({ attempt }) => attempt),
        [1, 2],
      );
      assert.equal(new Set(writes.map(({ key }) => key)).size, 1);
      assert.equal(world.applied.get(writes[0]!.key)?.attempt, applied ? 1 : 2);
      assert.equal(callsOf(run, "look_up").length, 2);
      assert.equal(count(entries, "run.resumed"), 1);
      assert.equal(count(entries, "effect.uncertain"), 1);
      assert.equal(count(entries, "effect.settled"), 1);
      return undefined;
    },
  );
}

proves("kill -9 of the node while one run is parked and another waits for a read", async (run) => {
  const other = `${run}-other`;
  const held = world.hold((call) => `t/${call.runId}` === other);
  await node.put(run, started({ parallel: 2, ask: true, write: true }));
  await parked(run);
  await node.put(other, started({ parallel: 2, write: true }));
  const { answer } = await held;
  await node.killServer();
  answer();
  const from = performance.now();
  await node.startServer();
  await node.put(run, answered("answer"));
  await end(run);
  await end(other);
  assert.equal(world.calls.filter(({ key, runId }) => key !== "" && `t/${runId}` === other).length, 1);
  return `both ended ${Math.round(performance.now() - from)} ms after the restart began`;
});

proves("a cancel reaches a command in flight", async (run) => {
  const held = world.hold((call) => call.tool === "put_down" && `t/${call.runId}` === run);
  await node.put(run, started({ parallel: 2, write: true }));
  const { hungUp } = await held;
  const from = performance.now();
  await node.put(run, cancelled("cancel"));
  await hungUp;
  const reachedMs = performance.now() - from;
  const entries = await end(run, "cancelled");
  assert.equal(count(entries, "tool.failed"), 1);
  return `the call hung up ${reachedMs.toFixed(1)} ms after the cancel was sent`;
});

proves("past its inactivity timeout an invocation hears no cancel until its closure ends", async (run) => {
  const held = world.hold((call) => `t/${call.runId}` === run);
  await node.put(run, started({ parallel: 1, write: true }), { whileParked: "open" });
  const { answer, hungUp } = await held;
  await pause(1_000);
  await node.put(run, cancelled("cancel"), { whileParked: "open" });
  const heard = await Promise.race([hungUp.then(() => true), pause(1_500, false)]);
  assert.equal(heard, false);
  answer();
  const entries = await end(run, "cancelled");
  assert.equal(callsOf(run, "put_down").length, 0);
  return `so a short one does not do: cancelled after ${entries.at(-1)!.at - entries[0]!.at} ms, when the command had ended`;
});

proves("kill -9 after a cancel was journaled: the command is not begun again", async (run) => {
  const held = world.hold((call) => call.tool === "look_up" && `t/${call.runId}` === run);
  await node.put(run, started({ parallel: 1, write: true }));
  const { hungUp } = await held;
  const cancelling = node.put(run, cancelled("cancel"));
  await Promise.all([hungUp, cancelling]);
  await node.killWorker();
  await node.startWorker();
  await end(run, "cancelled");
  assert.equal(callsOf(run).length, 1);
  return undefined;
});

proves("two answers race, four times each way: exactly one counts, a repeated one is known", async (run) => {
  for (const whileParked of ["end", "open"] as const) {
    for (let round = 0; round < 4; round++) {
      const name = `${run}-${whileParked}-${round}`;
      await node.put(name, started({ ask: true, write: true }), { whileParked });
      await parked(name);
      const [, , again] = await Promise.all([
        node.put(name, answered("left"), { whileParked }),
        node.put(name, answered("right"), { whileParked }),
        node.put(name, started({ ask: true, write: true }), { whileParked }),
      ]);
      assert.equal(again.known, true);
      const entries = await end(name);
      assert.equal(count(entries, "input.received"), 1);
      assert.equal(callsOf(name, "put_down").length, 1);
    }
  }
  return undefined;
});

proves("an answer and a cancel race: one end, and no write after a cancel", async (run) => {
  const ends: string[] = [];
  for (let round = 0; round < 6; round++) {
    const name = `${run}-${round}`;
    await node.put(name, started({ ask: true, write: true }));
    await parked(name);
    const both = [node.put(name, answered("answer")), node.put(name, cancelled("cancel"))];
    await Promise.all(round % 2 === 0 ? both : both.reverse());
    await ending(name);
    const entries = await entriesOf(name);
    const types = typesOf(entries);
    assert.equal(types.filter((type) => type === "run.completed" || type === "run.cancelled").length, 1);
    const asked = types.indexOf("cancel.requested");
    assert.ok(asked < 0 || types.indexOf("effect.dispatched", asked) < 0, "no write begins after a cancel");
    ends.push(types.at(-1)!);
  }
  return ends.map((type) => type.slice(4)).join(", ");
});

proves("ten runs of eight reads and a write under six kills: every order of completions replays", async (run) => {
  const runs = Array.from({ length: 10 }, (_, index) => ({
    name: `${run}-${index}`,
    mode: { whileParked: index % 2 === 0 ? ("end" as const) : ("open" as const) },
  }));
  const names = runs.map(({ name }) => name);
  const onCall = world.onCall;
  // The world answers after a time of its own for each call, 0 to 508 ms, the same in every repetition of this case.
  let answers = 0;
  const before = world.calls.length;
  world.onCall = async (call) => {
    await onCall(call);
    await pause((sha256(`${call.runId} ${call.id}`).charCodeAt(0) % 128) * 4);
    answers++;
  };
  /** Results that a journal held at a kill, with the number of calls made by then: none may be asked for again. */
  const settled = new Map<string, number>();
  const killAfter = async (more: number): Promise<void> => {
    const goal = answers + more;
    const allAnswered = () => answers === world.calls.length - before;
    await until("more answers", async () => (answers >= goal || allAnswered() ? true : undefined));
    await Promise.all(
      names.map(async (name) => {
        for (const entry of await entriesOf(name)) {
          if (entry.type !== "tool.returned") continue;
          const command = `${name} ${entry.body.command}`;
          if (!settled.has(command)) settled.set(command, world.calls.length);
        }
      }),
    );
    await node.killWorker();
    await node.startWorker();
  };
  try {
    await Promise.all(
      runs.map(({ name, mode }) => node.put(name, started({ parallel: 8, ask: true, write: true }), mode)),
    );
    for (const more of [10, 15, 15]) await killAfter(more);
    await Promise.all(names.map(parked));
    await Promise.all(runs.map(({ name, mode }) => node.put(name, answered("answer"), mode)));
    for (const more of [2, 2, 2]) await killAfter(more);
    for (const name of names) {
      const entries = await end(name);
      assert.equal(count(entries, "tool.returned"), 9);
      assert.equal(count(entries, "effect.settled"), 1);
    }
    const again = world.calls.filter(
      ({ tenant, runId, id }, at) => at >= (settled.get(`${tenant}/${runId} ${id}`) ?? at + 1),
    );
    assert.deepEqual(again, [], "what was durable was not asked for again");
    const reads = names.flatMap((name) => callsOf(name, "look_up")).length;
    const writes = names.flatMap((name) => callsOf(name, "put_down"));
    assert.equal(new Set(writes.map(({ key }) => key)).size, 10);
    assert.doesNotMatch(await node.workerLog(), /mismatch/i);
    assert.equal(names.filter((name) => world.applied.has(`${name.slice(2)}/worker#1/effect#1`)).length, 10);
    return `80 reads in ${reads} calls, 10 writes in ${writes.length} calls; ${settled.size} results were durable at a kill`;
  } finally {
    world.onCall = onCall;
  }
});

proves(
  "the kernel's own driver: a team reads, asks, is killed twice and writes once; its journal replays",
  async () => {
    const mode: Mode = { team: "desk" };
    const { runId, event } = await deskStart();
    const run = `t/${runId}`;
    const reading = world.hold((call) => call.runId === runId);
    await node.put(run, event, mode);
    await reading;
    await node.killWorker();
    await node.startWorker();
    const asked = (await parked(run)).find((entry) => entry.type === "input.requested")!;
    await until("no invocation", async () => ((await invocations(run)).length === 0 ? true : undefined));
    const writing = world.hold((call) => call.runId === runId && call.key !== "");
    const body = { ask: asked.body.ask, answer: "the left one", principal, labels: {} };
    await node.put(run, { id: "answer", type: "input.received", path: asked.path, body }, mode);
    const { apply } = await writing;
    apply();
    await node.killWorker();
    await node.startWorker();
    const entries = await end(run);
    assert.equal(callsOf(run, "look_up").length, 2);
    assert.equal(new Set(callsOf(run, "put_down").map(({ key }) => key)).size, 1);
    assert.equal(callsOf(run, "put_down").length, 2);
    const report = await deskReplay(runId, await node.read(run));
    assert.ok(report.ok, JSON.stringify(report));
    return typesOf(entries).join(" ");
  },
);

proves("an append with a stale expectedSeq is refused, finally, and changes nothing", async (run) => {
  await node.put(run, started({ parallel: 1 }));
  const before = typesOf(await end(run));
  await assert.rejects(node.call(`Run/${encodeURIComponent(run)}/stale`), /journal\/conflict/);
  assert.deepEqual(typesOf(await entriesOf(run)), before);
  return undefined;
});

proves("salts that are drawn anew in a replay do not pass: the node refuses the replay", async (run) => {
  const held = world.hold((call) => `t/${call.runId}` === run);
  await node.put(run, started({ parallel: 1, write: true }), { salts: "random" });
  await held;
  await node.killWorker();
  await node.startWorker();
  const failure = await until("the refusal", async () =>
    (await invocations(run)).map(({ failure }) => failure ?? "").find((text) => /mismatch/i.test(text)),
  );
  assert.match(failure, /mismatch/i);
  return `"${failure.split("\n")[0]!.slice(0, 90)}"`;
});

proves("what a step costs, beside the same steps written by hand", async (run) => {
  const steps = 200;
  const ours: number[] = [];
  const plain: number[] = [];
  for (let round = 0; round < 4; round++) {
    const name = `${run}-${round}`;
    plain.push((await node.call<number>("Plain/row", { steps })) / steps);
    await node.put(name, started({ row: steps }));
    const entries = await end(name);
    ours.push((entries.at(-1)!.at - entries[0]!.at) / steps);
  }
  const name = `${run}-parked`;
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const from = performance.now();
    await node.put(`${name}-${round}`, started({ ask: true }));
    await parked(`${name}-${round}`);
    times.push(performance.now() - from);
  }
  const long = await wakeMs(`${run}-long`, 400);
  const short = await wakeMs(`${run}-short`, 0);
  return [
    `${median(ours).toFixed(2)} ms a step with two entries, ${median(plain).toFixed(2)} by hand (${(median(ours) / median(plain)).toFixed(2)}x)`,
    `start to parked ${median(times).toFixed(0)} ms`,
    `answer to end ${short.toFixed(0)} ms, ${long.toFixed(0)} ms with 401 batches to load`,
  ].join("\n      ");
});

/** Milliseconds from an answer to the end of a run that had so many steps before. */
async function wakeMs(run: string, row: number): Promise<number> {
  await node.put(run, started({ row, ask: true }));
  await parked(run);
  const from = performance.now();
  await node.put(run, answered("answer"));
  await end(run);
  return performance.now() - from;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function typesInMemory(events: readonly InputEvent[]): Promise<string[]> {
  const batches: Batch[] = [];
  for (const event of events) {
    const session = memorySession({ tenant: "t", runId: "memory" }, batches, [event], async (_key, { id, path }) => {
      return { id, path, type: "tool.returned", body: { command: id, output: null, labels: {}, durationMs: 0 } };
    });
    await drive(session);
  }
  return typesOf(batches.flatMap((batch) => openBatch(batch, "memory")));
}

/** A case that hangs fails; nothing waits for this timer. */
const tooLong = (): Promise<never> =>
  pause(60_000, undefined, { ref: false }).then(() => {
    throw new Error("the case took more than a minute");
  });

const [wanted = ""] = process.argv.slice(2);
let failed = 0;
for (const [index, { title, check }] of cases.entries()) {
  if (!title.includes(wanted)) continue;
  const from = performance.now();
  const seconds = () => `${((performance.now() - from) / 1000).toFixed(1)} s`;
  try {
    const note = await Promise.race([check(`t/run_${index}`), tooLong()]);
    console.log(`ok    ${title} (${seconds()})${note === undefined ? "" : `\n      ${note}`}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${title} (${seconds()})\n      ${error instanceof Error ? error.stack : String(error)}`);
  }
}
console.log(
  `\n${intentsSeen} writes reached the world with their intent in the journal, ${intentsMissing.length} without`,
);
const holds = failed === 0 && intentsMissing.length === 0;
console.log(holds ? "every case holds" : `${failed} cases do not hold`);
if (!holds) console.log((await node.workerLog()).slice(-4000));
process.exitCode = holds ? 0 : 1;
