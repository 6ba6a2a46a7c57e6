import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { OrchestrationError } from "../errors.ts";
import { defineQuestion } from "../handoff.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { RunHost } from "../port/engine.ts";
import type { Journal } from "../port/journal.ts";
import { silentLogger } from "../port/logger.ts";
import type { Model } from "../port/model.ts";
import { user } from "../principal.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { runSupervisor } from "../supervisor/supervisor.ts";
import { type FakeClock, fakeClock } from "../testing/index.ts";
import { localEngine } from "./local.ts";

const note = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Writes a note.",
  model: "m",
  tools: [],
  input: note,
  output: note,
  instructions: "",
});
const asksFirst = defineQuestion({
  from: clerk,
  name: "sure",
  when: ({ text }) => text === "unsure",
  of: "customer",
  ask: () => "sure?",
  to: clerk,
  map: (text) => ({ text }),
});
const definitionOf = (name: string) =>
  defineSupervisor({
    name,
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [asksFirst],
    limits: { deadlineMs: 60_000, activeMs: 50_000 },
  });
const definition = definitionOf("desk");
const start = { tenant: "acme", principal: user("u_1") };

/** Says "unsure" to a run whose input says so, and nothing at all to one that shall hang. */
function mood(reached: () => void = () => {}): Model {
  return {
    id: "mood",
    cost: "zero",
    generate: ({ input }) => {
      const { text } = input as { text: string };
      reached();
      return text === "hang" ? new Promise<never>(() => {}) : { parts: [{ type: "output", value: { text } }] };
    },
  };
}

function open(journal: Journal, clock: FakeClock, name = "test") {
  return localEngine({ name, journal: { ...journal, close: async () => {} }, clock, logger: silentLogger });
}

describe("a timer of the engine", () => {
  test("L4 wakes a parked run that is due, and leaves a run to the process that drives it", async () => {
    const journal = memoryJournal();
    const clock = fakeClock();
    const reached = Promise.withResolvers<void>();
    const one = open(journal, clock, "one");
    const two = open(journal, clock, "two");
    const here = runSupervisor(definition, { engine: one, models: { m: mood(() => reached.resolve()) } });
    const there = runSupervisor(definition, { engine: two, models: { m: mood() } });
    const parked = await there.start({ text: "unsure" }, start);
    await parked.settled();
    clock.advance(30_000);
    const busy = await here.start({ text: "hang" }, start);
    await reached.promise;
    const before = (await busy.entries()).length;
    clock.advance(30_000); // The deadline of the parked run; the busy one has its own later.
    expect(await parked.result()).toMatchObject({ status: "failed", error: { code: "limits/exceeded" } });
    await two.idle();
    expect((await busy.entries()).length).toBe(before);
    await busy.cancel("enough");
    expect((await busy.result()).status).toBe("cancelled");
  });

  test("L4 looks again for a run that is due when the journal was away at that moment", async () => {
    const journal = memoryJournal();
    const clock = fakeClock();
    let isAway = false;
    const flaky: Journal = {
      ...journal,
      append: (...asked) => {
        if (isAway) throw new OrchestrationError("journal/unavailable", { reason: "the disk is full" });
        return journal.append(...asked);
      },
    };
    const engine = open(flaky, clock);
    const run = await runSupervisor(definition, { engine, models: { m: mood() } }).start({ text: "unsure" }, start);
    await run.settled();
    isAway = true;
    clock.advance(60_000);
    await engine.idle();
    clock.advance(10_000);
    await engine.idle();
    expect(await run.status()).toBe("parked");
    isAway = false;
    clock.advance(1_000);
    await engine.idle();
    expect(await run.result()).toMatchObject({ status: "failed", error: { code: "limits/exceeded" } });
  });
});

test.each([0, -1, Number.NaN])(
  "an engine that would never drive a run is refused: %d at a time, or so many events",
  (value) => {
    const options = { name: "test", journal: memoryJournal(), clock: fakeClock(), logger: silentLogger };
    for (const limit of ["driving", "mailbox"]) {
      const refused = { code: "limits/not-a-bound", data: { limit, value: String(value) } };
      expect(() => localEngine({ ...options, [limit]: value })).toThrow(expect.objectContaining(refused));
    }
  },
);

describe("closing", () => {
  test("L5 tells who waits for a run: at work, parked, or as a stream", async () => {
    const clock = fakeClock();
    const engine = open(memoryJournal(), clock);
    const supervisor = runSupervisor(definition, { engine, models: { m: mood() } });
    const busy = await supervisor.start({ text: "hang" }, start);
    const parked = await supervisor.start({ text: "unsure" }, start);
    await parked.settled();
    const stream = async () => {
      for await (const entry of parked.events()) expect(entry.seq).toBeGreaterThan(0);
    };
    const waiting = [busy.result(), parked.result(), stream()];
    const told = Promise.allSettled(waiting);
    await parked.entries(); // So that each of them has looked and now waits.
    await engine.close();
    for (const one of await told) expect(one).toMatchObject({ status: "rejected", reason: { code: "engine/closed" } });
  });
});

describe("a host that breaks its word", () => {
  test("and rejects or throws, ends its run and lets nobody wait", async () => {
    for (const execute of [
      () => Promise.reject(new Error("broken")),
      () => {
        throw new Error("broken");
      },
    ] as RunHost["execute"][]) {
      const engine = open(memoryJournal(), fakeClock());
      const register = engine.register.bind(engine);
      Object.assign(engine, { register: (id: string, host: RunHost) => register(id, { ...host, execute }) });
      const supervisor = runSupervisor(definition, { engine, models: { m: mood() } });
      const run = await supervisor.start({ text: "go" }, start);
      expect(await run.result()).toMatchObject({ status: "failed", error: { code: "run/internal" } });
    }
  });
});

describe("resuming", () => {
  test("a supervisor continues its own runs only", async () => {
    const journal = memoryJournal();
    const clock = fakeClock();
    const first = open(journal, clock);
    const runs = [];
    for (const name of ["desk", "office"]) {
      const supervisor = runSupervisor(definitionOf(name), { engine: first, models: { m: mood() } });
      runs.push(await supervisor.start({ text: "hang" }, start));
    }
    await first.close();
    const second = open(journal, clock);
    const models = { m: mood() };
    const [desk] = ["desk", "office"].map((name) => runSupervisor(definitionOf(name), { engine: second, models }));
    expect(await desk?.resume()).toBe(1);
    expect(await desk?.resume()).toBe(0);
    expect(await second.resume()).toBe(1);
    await second.close();
  });

  test("a start under one key from two processes is one run", async () => {
    const journal = memoryJournal();
    const clock = fakeClock();
    const supervisors = [open(journal, clock), open(journal, clock)].map((engine) =>
      runSupervisor(definition, { engine, models: { m: mood() } }),
    );
    const key = { ...start, idempotencyKey: "one" };
    const runs = await Promise.all(supervisors.map((supervisor) => supervisor.start({ text: "go" }, key)));
    expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
    expect(await supervisors[0]?.list({ tenant: "acme" })).toHaveLength(1);
  });

  test("a run whose step kills its process every time is given up in the end", async () => {
    const journal = memoryJournal();
    const clock = fakeClock();
    const bounded = defineSupervisor({
      name: "bounded",
      agents: { clerk },
      entry: "clerk",
      exit: "clerk",
      handoffs: [],
      limits: { resumes: 3 },
    });
    let runId: string | undefined;
    for (let process = 0; process < 10; process++) {
      const asked = Promise.withResolvers<void>();
      const engine = open(journal, clock);
      const supervisor = runSupervisor(bounded, { engine, models: { m: mood(() => asked.resolve()) } });
      if (runId === undefined) runId = (await supervisor.start({ text: "hang" }, start)).id;
      else await supervisor.resume();
      const run = await supervisor.find(runId, { tenant: "acme" });
      const result = run.result();
      const first = await Promise.race([asked.promise, result]);
      if (first) {
        expect(process).toBe(4);
        expect(first).toMatchObject({
          status: "failed",
          error: { code: "limits/exceeded", data: { limit: "resumes" } },
        });
        expect(await supervisor.replay(runId, { tenant: "acme" })).toMatchObject({ ok: true });
        return;
      }
      result.catch(() => {}); // Its process dies.
      await engine.close();
    }
    expect.unreachable("the run went on for ever");
  });
});

describe("L7 the process is kept alive", () => {
  /** A clock that counts who holds the process. */
  function counting() {
    const clock = fakeClock();
    let holds = 0;
    const hold = () => {
      holds++;
      return { cancel: () => void holds-- };
    };
    return { clock: { ...clock, hold }, holds: () => holds };
  }

  test("while a run is driven, also where it waits for the next try alone, and not while it is parked", async () => {
    const { clock, holds } = counting();
    const engine = open(memoryJournal(), clock);
    const asked = Promise.withResolvers<void>();
    const busy: Model = {
      id: "busy",
      cost: "zero",
      generate: ({ input }) => {
        const { text } = input as { text: string };
        if (text === "unsure") return { parts: [{ type: "output", value: { text } }] };
        asked.resolve();
        throw Object.assign(new Error("busy"), { status: 529 });
      },
    };
    const desk = runSupervisor(definition, { engine, models: { m: busy } });
    const parked = await desk.start({ text: "unsure" }, start);
    await parked.settled();
    await engine.idle();
    expect(holds()).toBe(0);
    const run = await desk.start({ text: "now" }, start);
    await asked.promise;
    expect(holds()).toBe(1);
    await run.cancel("enough");
    await run.result();
    await engine.idle();
    expect(holds()).toBe(0);
  });

  test("while somebody waits for what another process may do, until the engine closes", async () => {
    const { clock, holds } = counting();
    const journal = { ...memoryJournal(), close: async () => {} };
    const engine = localEngine({ name: "shared", journal, clock, logger: silentLogger, shared: true });
    const run = await runSupervisor(definition, { engine, models: { m: mood() } }).start({ text: "unsure" }, start);
    await run.settled();
    await engine.idle();
    expect(holds()).toBe(0);
    const end = run.result();
    const events = (async () => {
      for await (const { type } of run.events()) if (type === "run.completed") return;
    })();
    const ended = Promise.allSettled([end, events]);
    await expect.poll(holds).toBe(2);
    await engine.close();
    expect(await ended).toMatchObject([{ reason: { code: "engine/closed" } }, { reason: { code: "engine/closed" } }]);
    expect(holds()).toBe(0);
  });
});
