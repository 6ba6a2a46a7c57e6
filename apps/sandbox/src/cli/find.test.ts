import { createSupervisor, defineAgent, memoryEngine, user } from "@remit/core";
import { answers, scriptedModel } from "@remit/core/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { scenarioAttribute } from "../model/oracle.ts";
import type { SuiteFile, Workspace } from "../suite/workspace.ts";
import { findRun, findSuite } from "./find.ts";

const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "Answers.",
  model: "m",
  tools: [],
  input: text,
  output: text,
  instructions: "",
});

/** Suites of one run for each scenario; what a scenario is called may depend on the ids of the runs before it. */
async function played(...suites: readonly (readonly ((before: readonly string[]) => string)[])[]) {
  const engine = memoryEngine();
  const script = suites.flat().map(() => answers(clerk, { text: "done" }));
  const desk = createSupervisor({
    name: "desk",
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    models: { m: scriptedModel(script) },
    engine,
  });
  const ids: string[] = [];
  const files: SuiteFile[] = [];
  for (const [index, names] of suites.entries()) {
    const id = `suite-${index}`;
    const scenarios: string[] = [];
    for (const nameOf of names) {
      const name = nameOf(ids);
      scenarios.push(name);
      const attributes = { [scenarioAttribute]: name };
      const run = await desk.start({ text: "x" }, { tenant: id, principal: user("u"), attributes });
      await run.result();
      ids.push(run.id);
    }
    files.unshift({ id, scenarios } as unknown as SuiteFile);
  }
  const workspace = { dir: "here", suites: () => ({ suites: files, broken: [] }) } as unknown as Workspace;
  const find = async (wanted: string) => (await findRun(workspace, engine.journal, wanted)).record.runId;
  return { ids, workspace, find };
}

test("a scenario's name is that scenario's run, also where the id of another one happens to hold it", async () => {
  const part = (before: readonly string[]) => (before[0] ?? "").slice(8, 11);
  const { ids, find } = await played([() => "thanks", part]);
  expect(await find(part(ids))).toBe(ids[1]);
  expect(await find((ids[0] ?? "").slice(8, 20))).toBe(ids[0]);
  expect(await find("thanks")).toBe(ids[0]);
});

test("no text at all names no run and no suite, were it the only one", async () => {
  const { workspace, find } = await played([() => "thanks"]);
  for (const nothing of ["", " "]) {
    await expect(find(nothing)).rejects.toMatchObject({ code: "usage/wrong" });
    expect(() => findSuite(workspace, nothing)).toThrow(expect.objectContaining({ code: "usage/wrong" }));
  }
  expect(findSuite(workspace, undefined).id).toBe("suite-0");
});
