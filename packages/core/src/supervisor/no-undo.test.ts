import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { memoryEngine } from "../engine/memory.ts";
import { user } from "../principal.ts";
import { answers } from "../testing/index.ts";
import { callsAll, scriptedModel } from "../testing/scripted-model.ts";
import { defineTool } from "../tool.ts";
import { createSupervisor } from "./supervisor.ts";

const tenant = "acme";
const seat = z.object({ seat: z.string() });
const ticket = z.object({ id: z.string() });

/** Two seats are booked; of the second one the way back cannot be made. */
async function booked(
  input: (asked: { seat: string }, answered: { id: string }) => unknown,
  second: unknown = { id: "t-B" },
) {
  const freed: string[] = [];
  const free = defineTool({
    name: "free_seat",
    description: "",
    input: ticket,
    output: z.object({}),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: ({ id }) => {
      freed.push(id);
      return {};
    },
  });
  const book = defineTool({
    name: "book_seat",
    description: "",
    input: seat,
    output: ticket,
    effect: "write",
    risk: "low",
    idempotency: "key",
    undo: { tool: free, input: input as never },
    execute: (one) => (one.seat === "B" ? (second as { id: string }) : { id: "t-A" }),
  });
  const usher = defineAgent({
    name: "usher",
    description: "",
    model: "m",
    tools: [book],
    input: seat,
    output: seat,
    instructions: "",
  });
  const hall = createSupervisor({
    agents: { usher },
    entry: "usher",
    exit: "usher",
    handoffs: [],
    models: {
      m: scriptedModel([
        callsAll(usher, [
          ["book_seat", { seat: "A" }],
          ["book_seat", { seat: "B" }],
        ]),
        answers(usher, { seat: "A, B" }),
      ]),
    },
    engine: memoryEngine(),
  });
  const run = await hall.start({ seat: "two" }, { tenant, principal: user("u_1") });
  await run.result();
  return { hall, run, freed };
}

const faulty =
  (make: () => unknown) =>
  (asked: { seat: string }, { id }: { id: string }) =>
    asked.seat === "B" ? make() : { id };

test.each([
  [
    "throws",
    () => {
      throw new Error("no such ticket");
    },
    "the `input` of its undo threw: no such ticket",
  ],
  [
    "gives nothing",
    () => undefined,
    "the `input` of its undo gave something that is not JSON: there is nothing (undefined)",
  ],
  [
    "waits",
    async () => ({ id: "t-B" }),
    "the `input` of its undo gave something that is not JSON: an instance of Promise",
  ],
])("a way back that %s is told, and nothing is undone that would look like all", async (_, make, why) => {
  const { hall, run, freed } = await booked(faulty(make));
  const [first, second] = await run.effects();
  expect(first).toMatchObject({ outcome: "done", undo: { input: { id: "t-A" } } });
  expect(second).toMatchObject({ outcome: "done", noUndo: why });
  expect(second).not.toHaveProperty("undo");

  const refused = { code: "run/not-undoable", data: { reason: expect.stringContaining(`${second?.effect}: ${why}`) } };
  await expect(hall.compensate(run.id, { tenant })).rejects.toMatchObject(refused);
  await expect(hall.compensate(run.id, { tenant, effects: [second?.effect ?? ""] })).rejects.toMatchObject(refused);
  expect(freed).toEqual([]);

  const back = await hall.compensate(run.id, { tenant, effects: [first?.effect ?? ""] });
  expect(await back.result()).toMatchObject({ output: { undone: [{ effect: first?.effect }], failed: [] } });
  expect(freed).toEqual(["t-A"]);
});

test("nor is there one where what the tool answered is not known", async () => {
  const { hall, run, freed } = await booked((_, { id }) => ({ id }), { number: 7 });
  expect((await run.effects()).map(({ outcome, noUndo }) => [outcome, noUndo])).toEqual([
    ["done", undefined],
    ["done", "what the tool answered is not known"],
  ]);
  await expect(hall.compensate(run.id, { tenant })).rejects.toMatchObject({ code: "run/not-undoable" });
  expect(freed).toEqual([]);
});
