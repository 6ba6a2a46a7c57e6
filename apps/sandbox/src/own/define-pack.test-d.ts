import { defineAgent, defineSupervisor, defineTool, type SupervisorDefinition } from "@remit/core";
import { defineScenario } from "@remit/core/testing";
import { z } from "zod";
import { definePack, type OwnPack } from "./define-pack.ts";

const text = z.object({ text: z.string() });
const desk = (notes: string[]) => {
  const note = defineTool({
    name: "add_note",
    description: "",
    input: text,
    output: z.object({ count: z.int() }),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: (one) => ({ count: notes.push(one.text) }),
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "",
    model: "fast",
    tools: [note],
    input: text,
    output: text,
    instructions: "",
  });
  return defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
};
const scenario = defineScenario({ name: "one", input: { text: "" }, script: [] });

// The world is inferred from what makes it, and the team and the end state get it.
export const own: OwnPack = definePack({
  name: "notes",
  world: (): string[] => [],
  team: desk,
  endState: (notes) => notes.length,
  scenarios: [scenario, "./more", new URL("file:///tmp/one.yaml")],
});
// A team as it is, compiled or put to work, and one that a function makes.
export const asItIs: OwnPack = definePack({ name: "notes", team: desk([]), scenarios: scenario });
export const atWork: OwnPack = definePack({
  name: "notes",
  team: { definition: desk([]) as SupervisorDefinition<{ text: string }, { text: string }, "fast"> },
  scenarios: () => [scenario],
});
export const made: OwnPack = definePack({ name: "notes", team: () => desk([]), scenarios: "./scenarios" });
// Servers of one's own: tools by name, and a team over them.
export const servers: OwnPack = definePack({
  name: "notes",
  tools: { add_note: { effect: "write", risk: "low", idempotency: "key" } },
  team: (tools) => {
    void tools.get("add_note")?.name;
    return desk([]);
  },
  openPlace: async ({ dir }) => ({
    tools: new Map(),
    reader: { endState: () => dir, changes: () => undefined },
    [Symbol.asyncDispose]: async () => {},
  }),
  scenarios: [],
});

// @ts-expect-error the team takes another world than the one that is made
definePack({ name: "notes", world: () => 7, team: desk, scenarios: [] });
// @ts-expect-error a pack has scenarios
definePack({ name: "notes", team: desk([]) });
// @ts-expect-error a tool that writes says what it risks
definePack({ name: "notes", tools: { add_note: { effect: "write" } }, team: () => desk([]), scenarios: [] });
