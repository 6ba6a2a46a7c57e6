import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { memoryEngine, runSupervisor, user } from "@remit/core";
import { answers, asks, scriptedModel } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { readWorkflow, type Workflow, type WorkflowEdge, workflowDesk } from "../../apps/sandbox/src/tau2/workflow.ts";

/** A way from the start to an end through each edge: to it by the shortest way, and on by the shortest way. */
function paths({ edges, start, ends }: Workflow): readonly (readonly WorkflowEdge[])[] {
  const shortest = (from: string, isThere: (node: string) => boolean): readonly WorkflowEdge[] | undefined => {
    const ways = new Map<string, readonly WorkflowEdge[]>([[from, []]]);
    for (const [node, way] of ways) {
      if (isThere(node)) return way;
      for (const edge of edges) if (edge.from === node && !ways.has(edge.to)) ways.set(edge.to, [...way, edge]);
    }
    return undefined;
  };
  return edges.map((edge) => {
    const before = shortest(start, (node) => node === edge.from);
    const after = shortest(edge.to, (node) => ends.includes(node));
    if (!before || !after) throw new RangeError(`no way leads through ${edge.from} to ${edge.to}`);
    return [...before, edge, ...after];
  });
}

/** Plays ways: the customer's answers are the choices of their edges. What comes back is the edges that were taken, and the end. */
function player(workflow: Workflow) {
  const { definition, agentOf, choicesOf } = workflowDesk(workflow);
  return async (way: readonly WorkflowEdge[], last = way.at(-1)?.to ?? workflow.start) => {
    const isAsked = (node: string) => choicesOf(node).length > 1;
    const script = way.flatMap(({ from, choice }) => [
      ...(isAsked(from) ? [asks(agentOf(from), "customer", workflow.nodes.get(from)?.label ?? from)] : []),
      answers(agentOf(from), { said: choice }),
    ]);
    const model = scriptedModel([...script, answers(agentOf(last), { said: last })]);
    const desk = runSupervisor(definition, { engine: memoryEngine(), models: { guide: model } });
    const run = await desk.start({ said: "it does not work" }, { tenant: "telecom", principal: user("ada") });
    for (const { from, choice } of way) {
      if (!isAsked(from)) continue;
      expect(await run.settled()).toBe("parked");
      await run.send(choice, { principal: user("ada") });
    }
    const result = await run.result();
    const taken = (await run.entries()).flatMap(({ type, body }) => (type === "handoff.delivered" ? [body.edge] : []));
    return { result, taken };
  };
}

async function isWorkedThrough(workflow: Workflow): Promise<number> {
  const play = player(workflow);
  const covered = new Set<string>();
  for (const way of paths(workflow)) {
    const { result, taken } = await play(way);
    const end = way.at(-1)?.to;
    expect(result).toMatchObject({ status: "completed", output: { said: end } });
    const names = way.map((edge) => `${workflow.edges.indexOf(edge)}: ${edge.from} to ${edge.to}`);
    expect(taken.slice(-names.length)).toEqual(names);
    for (const name of names) covered.add(name);
  }
  expect(covered.size).toBe(workflow.edges.length);
  return covered.size;
}

const kettle = `digraph Kettle {
  rankdir=TB; node [shape=rectangle, fontsize=10];
  /* where it begins */
  Start [label="The kettle is cold", shape=oval];
  Plug [label="Is it plugged in?\\nLook.", shape=diamond]; // a question
  Start -> Look -> Plug;
  Plug -> Boil [label="Yes"];
  Plug -> Push [label="No, \\"out\\"", style=dashed]
  Push -> Plug;
  Boil -> Fine [label="hot"]; Boil -> Shop;
  Fine [label="It boils"]; Shop [label="To the shop"];
}`;

describe("a kettle of our own", () => {
  const workflow = readWorkflow(kettle, "kettle.dot");

  test("is read as it is drawn", () => {
    expect(workflow.start).toBe("Start");
    expect([...workflow.ends].sort()).toEqual(["Fine", "Shop"]);
    expect(workflow.edges.filter(({ from }) => from === "Plug" || from === "Boil")).toEqual([
      { from: "Plug", to: "Boil", choice: "Yes" },
      { from: "Plug", to: "Push", choice: 'No, "out"' },
      { from: "Boil", to: "Fine", choice: "hot" },
      { from: "Boil", to: "Shop", choice: "To the shop" },
    ]);
  });

  test("a way through each edge is walked, with the customer's answers as guards, and so is a loop", async () => {
    expect(await isWorkedThrough(workflow)).toBe(7);
  });

  test("an answer that is not drawn leads nowhere, and says so", async () => {
    const [start, look] = workflow.edges;
    const wrong = { from: "Plug", to: "Boil", choice: "Perhaps" };
    const { result } = await player(workflow)([start, look, wrong] as WorkflowEdge[], "Boil");
    expect(result).toMatchObject({ status: "failed", error: { code: "supervisor/no-matching-handoff" } });
  });

  test.each([
    ["", /ends too early/],
    ["graph G { a -- b }", /digraph/],
    ["digraph G { a -> b", /ends too early/],
    ["digraph G { a -> b; c -> b }", /2: a, c/],
    ["digraph G { a -> b; b -> a }", /0:/],
    ['digraph G { a -> b [label="x"]; a -> c [label="x"] }', /two edges leave a/],
    ["digraph G { subgraph s { a } }", /subgraph/],
    ["digraph G { a -> 7 }", /no agent's name/],
    ["digraph G { a -> <b> }", /not understood/],
  ])("%j is refused with its place", (text, said) => {
    expect(() => readWorkflow(text, "bad.dot")).toThrowError(said);
  });
});

const folder = resolve(process.env.REMIT_DATA_DIR ?? "../shared/data", "tau2-telecom/workflows");
const present = existsSync(folder);
const files = present ? readdirSync(folder).filter((name) => name.endsWith(".dot")) : ["any"];

describe.skipIf(!present)(`published diagnoses${present ? "" : ` (skipped: there is no ${folder})`}`, () => {
  test.each(files)("%s is a team, and each of its edges is taken", async (name) => {
    const workflow = readWorkflow(readFileSync(join(folder, name), "utf8"), name);
    expect(await isWorkedThrough(workflow)).toBeGreaterThan(10);
  });
});
