import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { quietController } from "./quiet-stop.ts";

/** What would end the process in the turns after an act, had it not been kept from that. */
async function uncaughtBy(act: () => void): Promise<unknown[]> {
  const caught: unknown[] = [];
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (thrown) => caught.push(thrown));
  try {
    act();
    await setImmediate();
    await setImmediate();
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const other of others) process.on("uncaughtException", other);
  }
  return caught;
}

const bad = new Error("bad");
const thrower = () => {
  throw bad;
};

test.each<readonly [string, (signal: AbortSignal) => void]>([
  ["a listener that throws", (signal) => signal.addEventListener("abort", thrower)],
  ["one that is an object", (signal) => signal.addEventListener("abort", { handleEvent: thrower })],
  ["one that rejects", (signal) => signal.addEventListener("abort", async () => thrower())],
  [
    "onabort",
    (signal) => {
      signal.onabort = thrower;
    },
  ],
])("%s ends itself, and not the process; the others are told", async (_, listen) => {
  const told: unknown[] = [];
  const { signal, ...own } = split(quietController((thrown) => told.push(thrown)));
  listen(signal);
  signal.addEventListener("abort", () => told.push("behind"), { once: true });
  expect(await uncaughtBy(own.abort)).toEqual([]);
  expect(new Set(told)).toEqual(new Set([bad, "behind"]));

  const plain = new AbortController();
  listen(plain.signal);
  expect(await uncaughtBy(() => plain.abort())).toEqual([bad]);
});

test("it is a signal like any other", () => {
  const told: string[] = [];
  const controller = quietController();
  const { signal } = controller;
  const twice = () => told.push("twice");
  const gone = () => told.push("gone");
  for (const listener of [twice, twice, gone]) signal.addEventListener("abort", listener);
  signal.removeEventListener("abort", gone);
  const both = AbortSignal.any([signal]);
  controller.abort("enough");
  controller.abort("again");
  expect(told).toEqual(["twice"]);
  expect([signal.aborted, signal.reason, both.reason, signal instanceof AbortSignal]).toEqual([
    true,
    "enough",
    "enough",
    true,
  ]);
});

function split(controller: AbortController) {
  return { signal: controller.signal, abort: () => controller.abort() };
}
