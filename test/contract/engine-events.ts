import { type Entry, type Journal, localEngine, OrchestrationError, silentLogger, systemClock } from "@remit/core";
import { describe, expect, test } from "vitest";
import { ask, call, close, finish, makeDesk, pass, turns } from "./engine-desk.ts";
import { collect, type EngineKit, input, parked, start, tenant } from "./engine-kit.ts";

/** What watchers of a run see. */
export function eventsContract({ adopt, fresh, name }: EngineKit): void {
  describe("events", () => {
    const model = () => turns({ clerk: [[call("read_note", "a")], ask("?"), pass("on")], closer: [close("bye")] });

    test("come live, each once and in order, and end with the run", async () => {
      const run = await makeDesk({ engine: fresh(), model: model() }).start(input, start);
      const seen: Entry[] = [];
      for await (const entry of run.events()) {
        seen.push(entry);
        if (entry.type === "run.parked") await run.send("x");
      }
      expect(seen).toEqual(await run.entries());
      expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
      expect(seen.at(-1)?.type).toBe("run.completed");
    });

    test("are resumed from every seq, while the run lives and after its end", async () => {
      const run = await makeDesk({ engine: fresh(), model: model() }).start(input, start);
      await parked(run);
      const known = (await run.entries()).length;
      const live = Array.from({ length: known + 2 }, (_, index) => collect(run.events({ fromSeq: index + 1 })));
      await run.send("x");
      await run.result();
      const all = await run.entries();
      for (const [index, stream] of live.entries()) expect(await stream).toEqual(all.slice(index));
      for (let fromSeq = 1; fromSeq <= all.length + 1; fromSeq++) {
        expect(await collect(run.events({ fromSeq }))).toEqual(all.slice(fromSeq - 1));
      }
    });

    test("stop when their signal is aborted, before and while they wait", async () => {
      const run = await makeDesk({ engine: fresh(), model: model() }).start(input, start);
      await parked(run);
      expect(await collect(run.events({ signal: AbortSignal.abort() }))).toEqual([]);
      const stop = new AbortController();
      const seen = collect(run.events({ signal: stop.signal }), (entry) => {
        if (entry.type === "run.parked") stop.abort();
      });
      expect(await seen).toEqual(await run.entries());
    });

    test("broken off after each entry and taken up at the next are the whole story", async () => {
      const run = await makeDesk({ engine: fresh(), model: model() }).start(input, start);
      const seen: Entry[] = [];
      for (let ended = false; !ended; ) {
        ended = true;
        for await (const entry of run.events({ fromSeq: seen.length + 1 })) {
          seen.push(entry);
          ended = false;
          if (entry.type === "run.parked") await run.send("x");
          break;
        }
      }
      expect(seen).toEqual(await run.entries());
    });

    test("a watcher and an observer that throw hurt nobody", async () => {
      const engine = fresh();
      const desk = makeDesk({ engine, model: turns({ clerk: [ask("?"), finish("ok")] }) });
      desk.on("model.called", () => {
        throw new Error("an observer");
      });
      desk.on("model.called", async () => {
        throw new Error("an asynchronous observer");
      });
      const heard: string[] = [];
      desk.on("model.called", ({ type }) => heard.push(type));
      const run = await desk.start(input, start);
      await parked(run);
      const key = { tenant, runId: run.id };
      const thrower = () => {
        throw new Error("a watcher");
      };
      engine.watch(key, { batch: thrower, stopped: thrower });
      const batches: number[] = [];
      engine.watch(key, { batch: ({ firstSeq }) => batches.push(firstSeq), stopped: thrower });
      await run.send("x");
      expect((await run.result()).status).toBe("completed");
      await engine.idle();
      expect(heard).toEqual(["model.called", "model.called"]);
      expect(batches.length).toBeGreaterThan(0);
    });

    test("a failed drive is told to who asks later, too; after a resume the run ends", async () => {
      const { journal } = fresh();
      let broken = false;
      let asked = 0;
      const failing: Journal = {
        ...journal,
        append: (...args) => {
          if (broken) throw new OrchestrationError("journal/unavailable", { reason: "a test" });
          return journal.append(...args);
        },
      };
      const engine = localEngine({ name, journal: failing, clock: systemClock(), logger: silentLogger });
      adopt(engine);
      const desk = makeDesk({
        engine,
        model: turns({
          clerk: [
            () => {
              broken = asked++ === 0;
              return finish("ok");
            },
          ],
        }),
      });
      const run = await desk.start(input, start);
      await engine.idle();
      const unavailable = { code: "journal/unavailable" };
      await expect(run.result()).rejects.toMatchObject(unavailable);
      await expect(run.settled()).rejects.toMatchObject(unavailable);
      await expect(collect(run.events())).rejects.toMatchObject(unavailable);
      broken = false;
      expect(await desk.resume()).toBe(1);
      expect((await run.result()).status).toBe("completed");
      expect(await collect(run.events())).toEqual(await run.entries());
    });
  });
}
