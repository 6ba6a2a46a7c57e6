import { expect, test } from "vitest";
import { virtualClock } from "../../apps/sandbox/src/simulator/clock.ts";
import { draw, randomStream } from "../../apps/sandbox/src/simulator/random.ts";
import { type Owner, Scheduler } from "../../apps/sandbox/src/simulator/scheduler.ts";

const process = (): Owner => ({ name: "process", alive: true, paused: false, offsetMs: 0 });
const open = (seed = 1) => new Scheduler(randomStream(seed, "scheduler"), 1_000);
const finish = async (scheduler: Scheduler) => {
  while (await scheduler.step());
};

test("T1 tasks that are due come in any order, the same for the same seed", async () => {
  const orderOf = async (seed: number) => {
    const scheduler = open(seed);
    const order: number[] = [];
    for (let index = 0; index < 4; index++) scheduler.add({ kind: "task", act: () => order.push(index) });
    await finish(scheduler);
    return order.join("");
  };
  const orders = new Set<string>();
  for (let seed = 0; seed < 300; seed++) orders.add(await orderOf(seed));
  expect(orders.size).toBe(24);
  expect(await orderOf(7)).toBe(await orderOf(7));
});

test("T2 time moves when nothing is due, to the next task and no further", async () => {
  const scheduler = open();
  const at: number[] = [];
  for (const delayMs of [500, 0, 20]) scheduler.add({ kind: "task", delayMs, act: () => at.push(scheduler.now) });
  await finish(scheduler);
  expect(at).toEqual([1_000, 1_020, 1_500]);
});

test("T3 what follows from a task without waiting is over before the next one", async () => {
  const scheduler = open();
  const log: string[] = [];
  const work = async (name: string) => {
    log.push(`${name} begins`);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    log.push(`${name} ends`);
  };
  for (const name of ["a", "b"]) scheduler.add({ kind: "task", act: () => void work(name) });
  await finish(scheduler);
  expect([log[0]?.[0], log[2]?.[0]]).toEqual([log[1]?.[0], log[3]?.[0]]);
});

test("what a dead process waits for never comes; what a paused one waits for comes later", async () => {
  const scheduler = open();
  const [dead, paused] = [process(), process()];
  const log: string[] = [];
  scheduler.wait("answer", dead).then(() => log.push("dead"));
  scheduler.wait("answer", paused).then(() => log.push("paused"));
  dead.alive = false;
  paused.paused = true;
  scheduler.add({ kind: "world", delayMs: 50, act: () => log.push("world") });
  await finish(scheduler);
  expect(log).toEqual(["world"]);
  paused.paused = false;
  await finish(scheduler);
  expect(log).toEqual(["world", "paused"]);
});

test("a process's timers go by its own clock, also when that jumps", async () => {
  const scheduler = open();
  const owner = process();
  const clock = virtualClock(scheduler, owner);
  const rang: number[] = [];
  const ring = () => rang.push(scheduler.now);
  clock.at(2_000, ring);
  clock.at(3_000, ring);
  clock.at(2_500, ring).cancel();
  await scheduler.step();
  owner.offsetMs = 400;
  await finish(scheduler);
  expect(clock.now()).toBe(3_000);
  expect(rang).toEqual([2_000, 2_600]);
});

test("draws depend on their subject alone and are spread evenly", () => {
  expect(draw(1, "a", 2)).toBe(draw(1, "a", 2));
  expect(draw(1, "a", 2)).not.toBe(draw(2, "a", 2));
  const buckets = Array<number>(10).fill(0);
  for (let index = 0; index < 10_000; index++) {
    const bucket = Math.floor(draw(3, "subject", index) * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  expect(Math.min(...buckets)).toBeGreaterThan(850);
  expect(Math.max(...buckets)).toBeLessThan(1_150);
});
