import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileSteps, firstStep, nextStep } from "../step.ts";
import { type EffectCommand, type EffectEvent, effectMachine } from "./machine.ts";

const table = compileSteps(effectMachine());

function play(events: readonly EffectEvent[]) {
  let snapshot = firstStep(table);
  const commands: string[] = [];
  for (const event of events) {
    const step = nextStep<EffectCommand>(table, snapshot, event);
    snapshot = step.snapshot;
    commands.push(
      ...step.commands.map((command) => (command.type === "doubt" ? `doubt:${command.next}` : command.type)),
    );
  }
  return { state: snapshot.state, commands };
}

const write = (idempotency: "key" | "lookup" | "none", attempts = 3): EffectEvent => ({
  type: "propose",
  effect: "write",
  idempotency,
  attempts,
  tier: "none",
  quorum: 1,
  lossIsFree: false,
  compliance: false,
  reviewer: false,
});
const unreached: EffectEvent = { type: "failed", mayHaveExecuted: false, keyValid: true, retry: false };
const unanswered: EffectEvent = { type: "failed", mayHaveExecuted: true, keyValid: true, retry: false };

describe("the life of a call", () => {
  test("a first try that reached nobody is settled: nothing happened", () => {
    expect(play([write("key"), unreached])).toEqual({ state: "settled", commands: ["intend", "call", "settle"] });
  });

  test("E4 a later try that reached nobody says nothing of the one before", () => {
    const { state, commands } = play([write("key"), unanswered, unreached]);
    expect(state).toBe("dispatched");
    expect(commands).toEqual(["intend", "call", "doubt:key", "call", "doubt:key", "call"]);
    expect(play([write("key"), { type: "lost", keyValid: true }, unreached, unreached]).state).toBe("uncertain");
    expect(play([write("key"), { type: "lost", keyValid: true }, { type: "returned" }]).state).toBe("settled");
  });

  test("E2 under a key, and by looking up, a call outlives any number of processes; failures use its tries up", () => {
    const lost: EffectEvent = { type: "lost", keyValid: true };
    const free = (idempotency: "key" | "lookup"): EffectEvent => ({ ...write(idempotency), lossIsFree: true }) as never;
    const dying = Array.from({ length: 9 }, () => lost);
    expect(play([free("key"), ...dying, { type: "returned" }]).state).toBe("settled");
    expect(play([free("key"), ...dying, unanswered, unanswered]).state).toBe("dispatched");
    expect(play([free("key"), ...dying, unanswered, unanswered, unanswered]).state).toBe("uncertain");
    const looked = dying.flatMap((): EffectEvent[] => [lost, { type: "never" }]);
    expect(play([free("lookup"), ...looked, { type: "returned" }]).state).toBe("settled");
    expect(play([write("key"), ...dying.slice(0, 3)]).state).toBe("uncertain");
    expect(play([{ ...free("key") }, { type: "lost", keyValid: false }]).state).toBe("uncertain");
  });

  test("E4 a look-up that says `never` ends the doubt", () => {
    expect(play([write("lookup"), unanswered, { type: "never" }, unreached]).state).toBe("settled");
    expect(play([write("lookup", 5), unanswered, { type: "never" }, unanswered, { type: "found" }]).state).toBe(
      "settled",
    );
    expect(play([write("lookup"), unanswered, { type: "unknown" }]).state).toBe("uncertain");
  });

  test("E3 without key and look-up an unknown outcome waits for a person at once", () => {
    expect(play([write("none"), unanswered])).toMatchObject({
      state: "uncertain",
      commands: ["intend", "call", "doubt:person", "askPerson"],
    });
  });

  test("E4 for any history: once in doubt, a write is settled by an answer, a look-up or a person alone", () => {
    const arbEvent = fc.constantFrom<EffectEvent>(
      { type: "returned" },
      { type: "refused" },
      unreached,
      unanswered,
      { type: "lost", keyValid: true },
      { type: "found" },
      { type: "never" },
      { type: "unknown" },
      { type: "decided" },
    );
    fc.assert(
      fc.property(
        fc.constantFrom("key" as const, "lookup" as const, "none" as const),
        fc.array(arbEvent, { maxLength: 20 }),
        (idempotency, events) => {
          let snapshot = nextStep<EffectCommand>(table, firstStep(table), write(idempotency)).snapshot;
          let doubt = false;
          for (const event of events) {
            let step: ReturnType<typeof nextStep<EffectCommand>>;
            try {
              step = nextStep<EffectCommand>(table, snapshot, event);
            } catch {
              continue; // No place for it here: nothing changes.
            }
            if (step.snapshot.state === "settled" && doubt)
              expect(["returned", "refused", "found", "decided"]).toContain(event.type);
            if (event === unanswered || event.type === "lost") doubt = true;
            if (event.type === "never") doubt = false;
            snapshot = step.snapshot;
          }
        },
      ),
    );
  });
});
