import { fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { ask, call, finish, makeDesk, makeGate, turns, World } from "./engine-desk.ts";
import { collect, type EngineKit, input, parked, start, tenant } from "./engine-kit.ts";

/** What an engine leaves to the next one. */
export function closingContract({ again, fresh, resumes, survives }: EngineKit): void {
  describe("closing", () => {
    test("tells who waits", async () => {
      const engine = fresh();
      const run = await makeDesk({ engine, model: turns({ clerk: [ask("?")] }) }).start(input, start);
      await parked(run);
      const waiting = [run.result(), collect(run.events())].map((promise) => promise.catch((error: unknown) => error));
      await engine.journal.findRun(tenant, run.id);
      await engine.close();
      for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "engine/closed" });
    });

    test("comes with the end of a block", async () => {
      let waiting: Promise<unknown>;
      {
        await using engine = fresh();
        const run = await makeDesk({ engine, model: turns({ clerk: [ask("?")] }) }).start(input, start);
        await parked(run);
        waiting = run.result().catch((error: unknown) => error);
        await engine.journal.findRun(tenant, run.id);
      }
      expect(await waiting).toMatchObject({ code: "engine/closed" });
    });

    test("leaves runs that another engine continues", async () => {
      const first = fresh();
      if (!survives()) return;
      const world = new World();
      const gate = makeGate();
      const clerk = [[call("read_note", "a")], () => gate.pass().then(() => ask("?")), finish("ok")];
      const running = await makeDesk({ engine: first, world, model: turns({ clerk }) }).start(input, start);
      const parkedOne = await makeDesk({ engine: first, model: turns({ clerk: [ask("?")] }), name: "other" }).start(
        input,
        start,
      );
      await parked(parkedOne);
      await gate.reached;
      const stopped = running.result().catch((error: unknown) => error);
      await first.close();
      expect(await stopped).toMatchObject({ code: "engine/closed" });
      gate.open();

      const second = again();
      const desk = makeDesk({ engine: second, world, model: turns({ clerk: [[], ask("?"), finish("ok")] }) });
      const other = makeDesk({ engine: second, model: turns({ clerk: [[], finish("other ok")] }), name: "other" });
      await resumes(desk, 1);
      const taken = await desk.find(running.id, { tenant });
      await parked(taken);
      await taken.send("x");
      expect(await taken.result()).toMatchObject({ status: "completed", output: { text: "ok" } });
      expect(world.called("read_note")).toBe(1);
      const parkedAgain = await other.find(parkedOne.id, { tenant });
      await parkedAgain.send("y");
      expect((await parkedAgain.result()).status).toBe("completed");
      expect(await desk.resume()).toBe(0);
      expect((await desk.replay(running.id, { tenant })).fault).toBeUndefined();
    });

    test("leaves deadlines that another engine keeps", async () => {
      const clock = fakeClock();
      const first = fresh({ clock });
      if (!survives()) return;
      const options = { model: turns({ clerk: [ask("?")] }), limits: { deadlineMs: 5_000 } };
      const run = await makeDesk({ engine: first, ...options }).start(input, start);
      const missed = await makeDesk({ engine: first, ...options, name: "missed" }).start(input, start);
      await parked(run);
      await parked(missed);
      await first.close();
      clock.advance(4_000);
      const second = again({ clock });
      const desk = makeDesk({ engine: second, ...options });
      expect(await desk.resume()).toBe(0);
      const taken = await desk.find(run.id, { tenant });
      clock.advance(1_000);
      expect(await taken.result()).toMatchObject({ error: { data: { limit: "deadlineMs" } } });
      const late = makeDesk({ engine: second, ...options, name: "missed" });
      expect(await late.resume()).toBe(1);
      expect((await (await late.find(missed.id, { tenant })).result()).status).toBe("failed");
    });
  });
}
