import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StopSignal } from "../port/stop-signal.ts";
import { Stop } from "./stop.ts";

type Step = readonly ["add" | "remove", number] | readonly ["abort"];

/** What is heard of these steps, and how the signal stands at the end. */
function play(signal: StopSignal, abort: () => void, steps: readonly Step[]) {
  const heard: number[] = [];
  const listeners = [0, 1, 2].map((name) => () => {
    heard.push(name);
    // One that takes another away while all are told.
    if (name === 2) signal.removeEventListener("abort", listeners[0] as () => void);
  });
  for (const [what, name = 0] of steps) {
    const listener = listeners[name] as () => void;
    if (what === "add") signal.addEventListener("abort", listener, { once: true });
    else if (what === "remove") signal.removeEventListener("abort", listener);
    else abort();
  }
  return { heard, aborted: signal.aborted, reason: String(signal.reason) };
}

describe("the signal of a command", () => {
  test("does what that of an AbortController does", () => {
    const arbStep = fc.oneof(
      fc.tuple(fc.constantFrom("add" as const, "remove" as const), fc.nat(2)),
      fc.constant(["abort"] as const),
    );
    fc.assert(
      fc.property(fc.array(arbStep, { maxLength: 12 }), (steps) => {
        const stop = new Stop();
        const controller = new AbortController();
        expect(play(stop, () => stop.abort(), steps)).toEqual(play(controller.signal, () => controller.abort(), steps));
      }),
    );
  });

  test("throws its reason once it is aborted, and not before", () => {
    const stop = new Stop();
    expect(() => stop.throwIfAborted()).not.toThrow();
    stop.abort();
    const { reason } = stop;
    expect(reason).toMatchObject({ name: "AbortError" });
    expect(() => stop.throwIfAborted()).toThrow(reason as Error);
    stop.abort();
    expect(stop.reason).toBe(reason);
  });

  test("tells the others although one of them throws, and that is not lost", async () => {
    const stop = new Stop();
    const broken = new Error("a listener that is broken");
    let heard = 0;
    stop.addEventListener("abort", () => {
      throw broken;
    });
    stop.addEventListener("abort", () => {
      heard++;
    });
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const { promise, resolve } = Promise.withResolvers<unknown>();
    process.once("uncaughtException", resolve);
    try {
      stop.abort();
      expect(heard).toBe(1);
      expect(await promise).toBe(broken);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of before) process.on("uncaughtException", listener);
    }
  });
});
