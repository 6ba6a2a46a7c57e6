import { describe, expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import type { Envelope, MessageType } from "../message.ts";
import { memoryBus } from "./memory.ts";

const message = (id: string, to = "clerk", type: MessageType = "run.cancel"): Envelope =>
  ({ id, type, from: "outside", to, correlation: "run_1", causation: 1, payload: { reason: id } }) as Envelope;

function bus(capacity = 8) {
  const heard: string[] = [];
  const thrown: unknown[] = [];
  const made = memoryBus({ capacity, onListenerError: (error) => thrown.push(error) });
  const join = (
    address: string,
    receive: (envelope: Envelope) => void = ({ id }) => void heard.push(`${address}:${id}`),
  ) => made.join(address, { accepts: new Set<MessageType>(["run.cancel"]), receive });
  return { bus: made, heard, thrown, join };
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (OrchestrationError.is(error)) return error.code;
    throw error;
  }
  return "nothing thrown";
}

describe("delivery", () => {
  test("is in order of publication over all recipients, also of what is published meanwhile", () => {
    const { bus: made, heard, join } = bus();
    join("clerk", ({ id }) => {
      heard.push(id);
      if (id === "1") made.publish(message("4"));
    });
    join("boss", ({ id }) => void heard.push(`boss ${id}`));
    made.publish(message("1"));
    made.publish(message("2", "boss"));
    made.publish(message("3"));
    expect(heard).toEqual([]);
    made.drain();
    expect(heard).toEqual(["1", "boss 2", "3", "4"]);
    made.drain();
    expect(heard).toHaveLength(4);
  });

  test("never enters a recipient from inside a call of it", () => {
    const { bus: made, join } = bus();
    let inside = 0;
    let deepest = 0;
    let calls = 0;
    join("clerk", () => {
      deepest = Math.max(deepest, ++inside);
      if (++calls < 5) made.publish(message(`m${calls}`));
      made.drain();
      inside--;
    });
    made.publish(message("m0"));
    made.drain();
    expect({ deepest, calls }).toEqual({ deepest: 1, calls: 5 });
  });

  test("an id is delivered once, however often it is published", () => {
    const { bus: made, heard, join } = bus();
    join("clerk");
    expect(made.publish(message("1"))).toBe("queued");
    expect(made.publish(message("1"))).toBe("duplicate");
    made.drain();
    expect(made.publish(message("1"))).toBe("duplicate");
    made.drain();
    expect(heard).toEqual(["clerk:1"]);
  });
});

describe("a full mailbox", () => {
  test("is backpressure: nothing was queued, the others go on, and the same id may come again later", () => {
    const { bus: made, heard, join } = bus(2);
    join("clerk");
    join("boss");
    made.publish(message("1"));
    made.publish(message("2"));
    expect(codeOf(() => made.publish(message("3")))).toBe("bus/mailbox-full");
    expect(made.publish(message("4", "boss"))).toBe("queued");
    made.drain();
    expect(made.publish(message("3"))).toBe("queued");
    made.drain();
    expect(heard).toEqual(["clerk:1", "clerk:2", "boss:4", "clerk:3"]);
  });

  test("names the address and its bound", () => {
    const { bus: made } = bus(1);
    made.publish(message("1"));
    expect(() => made.publish(message("2"))).toThrow('the mailbox of "clerk" holds 1 of 1 messages');
  });
});

describe("a message that nobody takes", () => {
  test("is a dead letter with its reason, and a redrive delivers it", () => {
    const { bus: made, heard, join } = bus();
    made.publish(message("1"));
    made.drain();
    const [dead] = made.deadLetters();
    expect(dead).toMatchObject({ letter: "dead:1", envelope: { id: "1" }, error: { code: "bus/no-recipient" } });
    join("clerk");
    made.redrive("dead:1");
    expect(made.deadLetters()).toEqual([]);
    made.drain();
    expect(heard).toEqual(["clerk:1"]);
    expect(codeOf(() => made.redrive("dead:1"))).toBe("bus/dead-letter-unknown");
  });

  test("is one of a type that its recipient does not accept, too", () => {
    const { bus: made, heard, join } = bus();
    join("clerk");
    made.publish(message("1", "clerk", "limit.exceeded"));
    made.drain();
    expect(heard).toEqual([]);
    expect(made.deadLetters()[0]?.error.data).toEqual({ address: "clerk", type: "limit.exceeded" });
  });

  test("a redrive into a full mailbox is refused and keeps the letter", () => {
    const { bus: made } = bus(1);
    made.publish(message("1"));
    made.drain();
    made.publish(message("2"));
    expect(codeOf(() => made.redrive("dead:1"))).toBe("bus/mailbox-full");
    expect(made.deadLetters()).toHaveLength(1);
  });
});

describe("whoever throws", () => {
  test("as a recipient refuses that one message; the next ones are delivered", () => {
    const { bus: made, heard, join } = bus();
    const typed = new OrchestrationError("run/answer-invalid", { ask: "q" });
    const throws: Record<string, unknown> = { "1": new Error("boom"), "2": typed, "3": "text" };
    join("clerk", ({ id }) => {
      if (throws[id]) throw throws[id];
      heard.push(id);
    });
    for (const id of ["1", "2", "3", "4"]) made.publish(message(id));
    made.drain();
    expect(heard).toEqual(["4"]);
    expect(made.deadLetters().map(({ error }) => error.code)).toEqual([
      "run/internal",
      "run/answer-invalid",
      "run/internal",
    ]);
    expect(made.deadLetters()[1]?.error).toBe(typed);
  });

  test("as a listener hurts neither another listener nor the message", () => {
    const { bus: made, heard, thrown, join } = bus();
    join("clerk");
    const seen: string[] = [];
    made.on("run.cancel", () => {
      throw new Error("listener");
    });
    const off = made.on("run.cancel", ({ id }) => void seen.push(id));
    made.publish(message("1"));
    made.drain();
    off();
    made.publish(message("2"));
    made.drain();
    expect({ heard, seen, thrown: thrown.length }).toEqual({ heard: ["clerk:1", "clerk:2"], seen: ["1"], thrown: 2 });
    expect(made.deadLetters()).toEqual([]);
  });
});

describe("whoever has left", () => {
  test("gets nothing any more, what waited included, and leaves no dead letter", () => {
    const { bus: made, heard, join } = bus();
    join("clerk");
    made.publish(message("1"));
    made.leave("clerk");
    made.publish(message("2"));
    made.drain();
    expect(heard).toEqual([]);
    expect(made.deadLetters()).toEqual([]);
    join("clerk");
    made.publish(message("3"));
    made.drain();
    expect(heard).toEqual(["clerk:3"]);
  });

  test("frees the mailbox by what was taken out of it", () => {
    const { bus: made, join } = bus(1);
    join("clerk");
    made.publish(message("1"));
    made.leave("clerk");
    made.drain();
    expect(made.publish(message("2"))).toBe("queued");
  });
});
