import type { Entry } from "@remit/core";
import { expect, test } from "vitest";
import { assertBounds } from "./bounds.ts";
import type { Audited, Evidence } from "./evidence.ts";
import type { KnownRun } from "./people.ts";
import type { GrantSpec } from "./specs.ts";

const evidence = (calls: readonly object[] = []) =>
  ({
    seed: 0,
    definitions: [{ agents: new Map(), limits: { handoffs: 2, repeats: 2 } }],
    world: { calls },
  }) as unknown as Evidence;

/** What is found wrong with a run of these entries, among others. */
function faultsOf(
  entries: readonly object[],
  { grant, calls, others = [] }: { grant?: GrantSpec; calls?: readonly object[]; others?: readonly Audited[] } = {},
): string[] {
  const found: string[] = [];
  const audited = run("run_1", entries, grant, (promise, reason) => found.push(`${promise} ${reason}`));
  const byRun = new Map([audited, ...others].map((one) => [one.known.id, one]));
  assertBounds(audited, evidence(calls), byRun);
  return found;
}

function run(id: string, bodies: readonly object[], grant?: GrantSpec, fault: Audited["fault"] = () => {}): Audited {
  const entries = bodies.map((entry, index) => ({
    seq: index + 1,
    at: 1_000,
    path: "",
    ...entry,
  })) as unknown as Entry[];
  return { entries, known: { id, grant } as unknown as KnownRun, hash: "", fault };
}

const read = (path: string, id: string, attempt = 1) => ({
  type: "tool.called",
  path,
  body: { tool: "read_a", effect: "read", input: { id }, attempt },
});
const delivered = { type: "handoff.delivered", body: { edge: "t_0-on" } };
const intended = (effect: string) => ({ type: "effect.intended", body: { effect } });
const started = (body: object) => ({ type: "run.started", body });

test("R11 a read that was made once more than the limit says is found; a further try of it is none", () => {
  expect(faultsOf([read("a", "i1"), read("b", "i1"), read("b", "i1", 2), read("c", "i2")])).toEqual([]);
  expect(faultsOf([read("a", "i1"), read("b", "i1"), read("c", "i1")])).toEqual([
    expect.stringMatching(/^R11 .*read 3 times, more than the limit of 2$/),
  ]);
});

test("R11 a handoff too many is found", () => {
  expect(faultsOf([delivered, delivered])).toEqual([]);
  expect(faultsOf([delivered, delivered, delivered])).toEqual(["R11 3 handoffs, more than the limit of 2"]);
});

test("R11 whoever wanted to be left alone and was not is found", () => {
  const retried = (dueAt: number) => ({
    type: "step.retried",
    body: { step: "a", dueAt, error: { data: { retryAfterMs: 500 } } },
  });
  expect(faultsOf([retried(1_500)])).toEqual([]);
  expect(faultsOf([retried(1_499)])).toEqual([expect.stringContaining("after 499 ms, and 500 ms were asked for")]);
});

test("R7 an undo in the order of what was done is found", () => {
  const undone = (...effects: readonly string[]) =>
    started({ compensates: { run: "run_0", undos: effects.map((effect) => ({ effect })) } });
  const others = [run("run_0", [intended("a"), intended("b")])];
  expect(faultsOf([undone("b", "a")], { others })).toEqual([]);
  expect(faultsOf([undone("a", "b")], { others })).toEqual([expect.stringMatching(/^R7 a, b of run_0 are undone/)]);
});

test("R6 a call that the start did not grant is found, also in the run that takes its place", () => {
  const call = { run: "run_1", path: "t_0#1/tool#1", agent: "t_0", tool: "write_key", kind: "key", id: "i1" };
  const grants: readonly GrantSpec[] = [
    { effects: "read" },
    { tools: ["read_a"] },
    { arguments: { write_key: { id: { oneOf: ["i2"] } } } },
  ];
  for (const grant of grants) {
    expect(faultsOf([started({})], { grant, calls: [call] })).toEqual([
      "R6 t_0 called write_key of i1 at t_0#1/tool#1, which its run was not granted",
    ]);
    const others = [run("run_0", [started({})], grant)];
    expect(faultsOf([started({ redrives: "run_0" })], { others, calls: [call] })).toHaveLength(1);
  }
  expect(faultsOf([started({})], { grant: { tools: ["write_key"] }, calls: [call] })).toEqual([]);
});
