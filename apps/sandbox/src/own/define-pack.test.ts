import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AnyTool,
  asAgent,
  defineAgent,
  defineSupervisor,
  defineTool,
  type SupervisorDefinition,
} from "@remit/core";
import { answers, defineScenario } from "@remit/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { definePack } from "./define-pack.ts";
import { retooled } from "./retool.ts";

const text = z.object({ text: z.string() });
const write = { description: "", input: text, output: text, effect: "write", risk: "low", idempotency: "key" } as const;
const role = (name: string, tools: readonly AnyTool[]) =>
  defineAgent({ name, description: "", model: "m", tools, input: text, output: text, instructions: "" });

function nested(said: string[]): SupervisorDefinition {
  const tool = (name: string, undo?: AnyTool) =>
    defineTool({
      ...write,
      name,
      execute: (one) => {
        said.push(name);
        return one;
      },
      ...(undo ? { undo: { tool: undo as never, input: (input: unknown) => input as never } } : {}),
    });
  const inner = role("inner", [tool("do_inside", tool("undo_inside"))]);
  const team = defineSupervisor({ name: "inside", agents: { inner }, entry: "inner", exit: "inner", handoffs: [] });
  const outer = asAgent(team, { name: "outer", description: "", input: text, output: text });
  return defineSupervisor({
    name: "outside",
    agents: { outer },
    entry: "outer",
    exit: "outer",
    handoffs: [],
  }) as unknown as SupervisorDefinition;
}

test("a team with other hands is the same team: tools inside, of undos too, are others, its hash is not", () => {
  const before = nested([]);
  const seen: string[] = [];
  const after = retooled(before, (tool) => {
    seen.push(tool.name);
    return { ...tool, execute: () => "another" };
  });
  expect(after.hash).toBe(before.hash);
  expect(seen.sort()).toEqual(["do_inside", "undo_inside"]);
  const inner = after.agents.get("outer")?.team?.agents.get("inner")?.tools[0];
  expect(inner).toBe(after.tools.get("do_inside"));
  expect(inner?.undo?.tool).toBe(after.tools.get("undo_inside"));
  expect([...after.tools.values()].map((tool) => tool.execute({} as never, {} as never))).toEqual([
    "another",
    "another",
  ]);
});

test("what is defined is drawn without a world being called, and a world that makes another team each time is refused", async () => {
  let worlds = 0;
  const pack = definePack({
    name: "notes",
    world: () => ++worlds,
    team: (count) => ({ definition: { ...nested([]), hash: String(count) } }),
    scenarios: [],
  });
  expect(worlds).toBe(0);
  expect(Object.keys(pack.tools)).toEqual(["do_inside", "undo_inside"]);
  expect(worlds).toBe(1);
  const drawn = pack.offline?.();
  expect(() => drawn?.tools.get("do_inside")?.execute({ text: "" } as never, {} as never)).toThrow("nothing is called");
});

test("what a pack's functions give is told where it cannot be what is meant", async () => {
  const scenarios = defineScenario({ name: "one", input: { text: "" }, script: [] });
  const endOf = async (endState: () => unknown) => {
    const folder = mkdtempSync(join(tmpdir(), "remit-pack-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const pack = definePack({ name: "notes", world: () => ({}), team: () => nested([]), endState, scenarios });
    if (!("openPlace" in pack)) throw new Error("it has no place");
    await using place = await pack.openPlace({ dir: folder });
    return await place.reader.endState("one");
  };
  expect(await endOf(() => ({ at: new Date(0), gone: undefined }))).toEqual({ at: "1970-01-01T00:00:00.000Z" });
  await expect(endOf(() => new Map([["a", 1]]))).rejects.toThrow("`endState` of the pack notes failed: it gives a Map");
  await expect(endOf(() => ({ inside: [new Set()] }))).rejects.toThrow("it gives a Set");
  await expect(endOf(() => ({ cents: 7n }))).rejects.toThrow("`endState` of the pack notes failed");
  await expect(endOf(async () => ({}))).rejects.toThrow("it gives a promise");
  const late = definePack({ name: "notes", world: async () => ({}), team: () => nested([]), scenarios });
  expect(() => late.tools).toThrow("`world` of the pack notes failed: it gives a promise");
  const unfit = defineScenario({ name: "one", input: { txt: "" }, script: [] });
  expect(() => definePack({ name: "notes", team: nested([]), scenarios: unfit }).scenarios()).toThrow(
    '`scenarios` of the pack notes failed: "one": input.text: ',
  );
});

test("a scenario that expects changes needs somebody who tells them", () => {
  const scenarios = defineScenario({ name: "one", input: { text: "" }, script: [], expect: { changes: [] } });
  expect(() => definePack({ name: "notes", team: nested([]), scenarios }).scenarios()).toThrow("has no endState");
});

test("a scenario may name the agents of a team inside the team, in a file as in code, and nobody that there is not", () => {
  const folder = mkdtempSync(join(tmpdir(), "remit-pack-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "one.yaml");
  const scenario = (agent: string) =>
    `name: one\ntitle: One\ninput: { text: a }\nscript: [{ ${agent}: { answers: { text: b } } }]\nexpect: { path: [outer, inner], writes: [] }\n`;
  writeFileSync(file, scenario("inner"));
  const coded = (tool: string) =>
    defineScenario({
      name: "two",
      input: { text: "a" },
      script: [answers({ name: "inner" } as never, { text: "b" } as never)],
      expect: { writes: [tool] },
    });
  const pack = (tool: string) => definePack({ name: "notes", team: nested([]), scenarios: [file, coded(tool)] });
  expect(pack("do_inside").scenarios()).toHaveLength(2);
  expect(() => pack("do_insdie").scenarios()).toThrow(
    'scenarios` of the pack notes failed: "two": expect.writes.0: there is no tool "do_insdie"; did you mean do_inside?',
  );
  writeFileSync(file, scenario("iner"));
  expect(() => pack("do_inside").scenarios()).toThrow("did you mean inner?");
});
