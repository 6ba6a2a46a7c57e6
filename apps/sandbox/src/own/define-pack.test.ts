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
