import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import { limiter, type Release } from "./limiter.ts";

const target = "tool:refund_order";

describe("a limiter", () => {
  test("L1 gives places at once while there are any, then in turns between tenants", async () => {
    const { acquire, queues } = limiter({ most: 1, waitingMax: 10 });
    const first = acquire({ target, tenant: "a" });
    expect(first).not.toBeInstanceOf(Promise);
    const served: string[] = [];
    const waits = ["a1", "a2", "a3", "b1", "c1", "b2"].map(async (name) => {
      const release = await acquire({ target, tenant: name.slice(0, 1) });
      served.push(name);
      release();
    });
    expect(queues()).toEqual([{ target, underWay: 1, waiting: 6 }]);
    (await first)();
    await Promise.all(waits);
    expect(served).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
    expect(queues()).toEqual([]);
  });

  test("L3 a full queue refuses, and other targets know nothing of it", async () => {
    const { acquire } = limiter({ most: 1, waitingMax: 1 });
    const release = await acquire({ target, tenant: "a" });
    const second = acquire({ target, tenant: "a" });
    expect(() => acquire({ target, tenant: "b" })).toThrow(
      new OrchestrationError("limits/queue-full", { target, waiting: 1 }),
    );
    expect(acquire({ target: "model:m", tenant: "b" })).not.toBeInstanceOf(Promise);
    release();
    (await second)();
  });

  test("L4 an aborted wait leaves the queue, and a place is given back once", async () => {
    const { acquire, queues } = limiter({ most: 1, waitingMax: 2 });
    const release = await acquire({ target, tenant: "a" });
    const stop = new AbortController();
    const given = acquire({ target, tenant: "b", signal: stop.signal });
    const next = acquire({ target, tenant: "c" });
    stop.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    expect(queues()).toEqual([{ target, underWay: 1, waiting: 1 }]);
    release();
    release();
    const last = await next;
    release();
    expect(queues()).toEqual([{ target, underWay: 1, waiting: 0 }]);
    last();
    expect(() => acquire({ target, tenant: "b", signal: stop.signal })).toThrow("enough");
    expect(queues()).toEqual([]);
  });

  test("bounds each target as it is told, and some not at all", async () => {
    const { acquire, queues } = limiter({
      most: (one) => (one.startsWith("tenant:") ? undefined : 1),
      waitingMax: 1,
    });
    for (let call = 0; call < 5; call++) expect(acquire({ target: "tenant:a", tenant: "a" })).toBeTypeOf("function");
    expect(queues()).toEqual([]);
    expect(() => limiter({ most: 0, waitingMax: 1 })).toThrow("limits/not-a-bound");
    expect(() => limiter({ most: () => 0.5, waitingMax: 1 }).acquire({ target, tenant: "a" })).toThrow(
      "limits/not-a-bound",
    );
  });
});

test("L1 L2 L3 L4 for any calls, in any order of their ends and aborts", async () => {
  const arbCall = fc.record({
    tenant: fc.constantFrom("a", "b", "c"),
    throws: fc.boolean(),
    aborts: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(arbCall, { maxLength: 25 }),
      async (scheduler, most, waitingMax, calls) => {
        const { acquire, queues } = limiter({ most, waitingMax });
        let underWay = 0;
        const waiting: { readonly tenant: string; readonly call: number }[] = [];
        /** For each pair of tenants: how often each was served while both waited. */
        const servedWhileBothWait = new Map<string, number>();
        const outcomes: string[] = [];

        const serve = (tenant: string, call: number) => {
          const at = waiting.findIndex((one) => one.call === call);
          if (at < 0) return;
          // First come, first served within a tenant.
          expect(waiting.find((one) => one.tenant === tenant)?.call).toBe(call);
          const others = new Set(waiting.map((one) => one.tenant).filter((one) => one !== tenant));
          for (const other of ["a", "b", "c"]) {
            const [mine, theirs] = [`${tenant}/${other}`, `${other}/${tenant}`];
            if (others.has(other)) {
              servedWhileBothWait.set(mine, (servedWhileBothWait.get(mine) ?? 0) + 1);
              const ahead = (servedWhileBothWait.get(mine) ?? 0) - (servedWhileBothWait.get(theirs) ?? 0);
              expect(ahead).toBeLessThanOrEqual(1);
            }
          }
          waiting.splice(at, 1);
          forgetPairs(tenant);
        };
        /** Once one of a pair waits no more, counting begins again. */
        const forgetPairs = (tenant: string) => {
          if (waiting.some((one) => one.tenant === tenant)) return;
          for (const pair of servedWhileBothWait.keys()) {
            if (pair.split("/").includes(tenant)) servedWhileBothWait.delete(pair);
          }
        };

        const one = async ({ tenant, throws, aborts }: (typeof calls)[number], call: number) => {
          await scheduler.schedule(Promise.resolve(), `${call} comes`);
          const stop = new AbortController();
          let release: Release;
          try {
            const place = acquire({ target, tenant, signal: stop.signal });
            if (place instanceof Promise) {
              waiting.push({ tenant, call });
              if (aborts) {
                void scheduler.schedule(Promise.resolve(), `${call} is aborted`).then(() => {
                  const at = waiting.findIndex((waiter) => waiter.call === call);
                  if (at >= 0) waiting.splice(at, 1);
                  forgetPairs(tenant);
                  stop.abort();
                });
              }
              release = await place;
            } else release = place;
          } catch (thrown) {
            if (OrchestrationError.is(thrown, "limits/queue-full")) {
              expect(waiting.length).toBe(waitingMax);
              outcomes.push("full");
            } else {
              expect(thrown).toBe(stop.signal.reason);
              outcomes.push("aborted");
            }
            return;
          }
          serve(tenant, call);
          underWay++;
          expect(underWay).toBeLessThanOrEqual(most);
          try {
            await scheduler.schedule(throws ? Promise.reject(new Error("boom")) : Promise.resolve(), `${call} ends`);
          } catch {
            // The call failed; its place is free all the same.
          } finally {
            underWay--;
            release();
            if (throws) release();
          }
          outcomes.push("done");
        };
        const all = Promise.all(calls.map(one));
        await scheduler.waitFor(all);
        expect(outcomes).toHaveLength(calls.length);
        expect(queues()).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
