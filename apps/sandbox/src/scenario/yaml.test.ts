import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineScenario } from "@remit/core/testing";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { loadScenarios, parseScenario, uniqueScenarios, type YamlOptions } from "./yaml.ts";

const good = `name: lends-a-ladder
title: A neighbour borrows a ladder
tags: [change]
customerId: \${ladder.owner.id}
input:
  text: "May I have \${ladder.name} of \${ladder.metres} m?"
script:
  - clerk: { asks: { customer: "Until when?" } }
  - clerk:
      calls:
        - lend_tool: { tool: "\${ladder}", days: "\${ladder.days}" }
        - add_note: {}
  - clerk: { calls: { lend_tool: { "\${ladder.id}": 1 } } }
  - clerk: { says: "Hm." }
  - clerk: { refuses: "No ladders today." }
  - clerk:
      answers: { lent: true }
customer: [Until Sunday.]
operator: [{ ok: true }]
expect:
  status: completed
  questions: 1
  changes:
    - path: /tools/\${ladder.id}/lentTo
      before: null
      after: \${ladder.owner.id}
`;

/** A reference as it stands in a file. */
const ref = (name: string) => `$\{${name}}`;

const fixtures = {
  ladder: { id: "t-7", name: "the long one", metres: 4.5, days: 3, owner: { id: "n-1" } },
  list: [1, 2],
};
const options: YamlOptions = { fixtures, agents: ["clerk"], tools: ["lend_tool", "add_note"] };

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "scenarios-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** The error that reading gives, as a person sees it. */
function faultOf(read: () => unknown): { readonly code: string; readonly message: string; readonly data: unknown } {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof SandboxError) return { code: thrown.code, message: thrown.message, data: thrown.data };
    throw thrown;
  }
  throw new Error("it was read without an error");
}

const wrong = (from: string, to: string) =>
  faultOf(() => parseScenario(good.replace(from, to), "ladder.yaml", options));

describe("a file", () => {
  test("becomes a scenario; a text that is nothing but a reference becomes the value itself", () => {
    const scenario = parseScenario(good, "ladder.yaml", options);
    expect(scenario).toMatchObject({
      name: "lends-a-ladder",
      source: "ladder.yaml",
      tags: ["change"],
      input: { text: "May I have the long one of 4.5 m?" },
      principal: { id: "n-1", kind: "user" },
      external: [
        { of: "customer", answer: "Until Sunday." },
        { of: "operator", answer: { ok: true } },
      ],
      expect: {
        status: "completed",
        questions: 1,
        changes: [{ path: "/tools/t-7/lentTo", before: null, after: "n-1" }],
      },
    });
    expect(scenario.script).toEqual([
      { agent: "clerk", parts: [{ type: "ask", of: "customer", question: "Until when?" }] },
      {
        agent: "clerk",
        parts: [
          { type: "toolCall", callId: "call_1", tool: "lend_tool", input: { tool: fixtures.ladder, days: 3 } },
          { type: "toolCall", callId: "call_2", tool: "add_note", input: {} },
        ],
      },
      { agent: "clerk", parts: [{ type: "toolCall", callId: "call_1", tool: "lend_tool", input: { "t-7": 1 } }] },
      { agent: "clerk", parts: [{ type: "text", text: "Hm." }] },
      { agent: "clerk", parts: [{ type: "refusal", reason: "No ladders today." }] },
      { agent: "clerk", parts: [{ type: "output", value: { lent: true } }] },
    ]);
  });

  test("what is not expected is not looked at", () => {
    const text = good.slice(0, good.indexOf("expect:")).concat("expect: {}\n");
    expect(parseScenario(text, "ladder.yaml", options).expect).toEqual({});
  });
});

describe("a mistake names its file and line", () => {
  test.each<[string, string, string, number, string]>([
    ["a field that there is not", "customer: [Until", "custmer: [Until", 18, "custmer: there is no such field"],
    ["a misspelt field that must be there", "\nscript:", "\nscrpt:", 7, "scrpt: there is no such field"],
    ["a field inside that there is not", "  questions: 1", "  question: 1", 22, "expect.question: there is no such"],
    ["a value of the wrong kind", "  questions: 1", "  questions: one", 22, "expect.questions: "],
    ["a status that is none", "status: completed", "status: done", 21, "expect.status: "],
    ["a name with a space", "name: lends-a-ladder", "name: lends a ladder", 1, "name: lower-case"],
    ["a field that is missing", "title: A neighbour borrows a ladder\n", "", 1, "title: "],
    ["a path that is none", "- path: /tools", "- path: tools", 24, "expect.changes.0.path: "],
    ["a turn of two kinds", 'says: "Hm."', 'says: "Hm.", refuses: "No."', 14, "a turn is exactly one of"],
    ["a turn of no kind", 'says: "Hm."', 'sais: "Hm."', 14, "script.3.clerk.sais: there is no such field"],
    ["two calls in one map", "- add_note: {}", "- { add_note: {}, lend_tool: {} }", 12, "one call is one tool name"],
    [
      "a question to nobody",
      'customer: "Until when?"',
      'neighbour: "Until when?"',
      8,
      "neighbour: there is no such field",
    ],
    ["an agent that is misspelt", "clerk: { says", "clrek: { says", 14, 'no agent "clrek"; did you mean clerk?'],
    ["an agent that there is not", "clerk: { says", "neighbour: { says", 14, "the agents are clerk"],
  ])("%s", (_, from, to, line, text) => {
    expect(good).toContain(from);
    const fault = wrong(from, to);
    expect(fault).toMatchObject({ code: "scenario/field-wrong", data: { file: "ladder.yaml", line } });
    expect(fault.message).toContain(`ladder.yaml:${line}: `);
    expect(fault.message).toContain(text);
  });

  const tools = ["lend_tool", "add_note"];
  test.each<[string, string, string]>([
    ["a read", "reads: [add_ntoe]", 'expect.reads.0: there is no tool "add_ntoe"; did you mean add_note?'],
    [
      "a write",
      "writes: [lend_tool, lendtool]",
      'expect.writes.1: there is no tool "lendtool"; did you mean lend_tool?',
    ],
    ["an agent on the path", "path: [clrk]", 'expect.path.0: there is no agent "clrk"; did you mean clerk?'],
    ["a denied call", "denied: [{ agent: clerk, tool: lend_tol }]", "expect.denied.0.tool: there is no tool"],
    ["who was denied", "denied: [{ agent: boss, tool: lend_tool }]", "expect.denied.0.agent: there is no agent"],
    ["a decision", "approvals: [{ tool: pay, decision: approve }]", "the tools are lend_tool, add_note"],
  ])("what is expected of somebody that there is not: %s", (_, line, text) => {
    const given = good.replace("  questions: 1", `  ${line}`);
    const fault = faultOf(() => parseScenario(given, "ladder.yaml", { ...options, tools }));
    expect(fault).toMatchObject({ code: "scenario/field-wrong", data: { line: 22 } });
    expect(fault.message).toContain(text);
    expect(() => parseScenario(given, "ladder.yaml", { fixtures: options.fixtures ?? null })).not.toThrow();
  });

  test("a call of a tool that there is not may be expected to be denied, where it is scripted", () => {
    const denied = "denied: [{ agent: clerk, tool: burn_down }]";
    const given = good.replace("- add_note: {}", "- burn_down: {}").replace("  questions: 1", `  ${denied}`);
    expect(() => parseScenario(given, "ladder.yaml", { ...options, tools })).not.toThrow();
  });

  test.each<[string, string, string, number]>([
    ["a colon too many", "title: A neighbour", "title: A: neighbour: B", 2],
    ["a key twice", "tags: [change]", "title: again", 3],
    ["a bracket that stays open", "tags: [change]", "tags: [change", 4],
    ["an alias of nothing", "tags: [change]", "tags: *nothing", 1],
    ["a list that holds itself", "answers: { lent: true }", "answers: &all { lent: [*all] }", 1],
  ])("what is not YAML: %s", (_, from, to, line) => {
    expect(wrong(from, to)).toMatchObject({ code: "scenario/not-yaml", data: { file: "ladder.yaml", line } });
  });

  test("an input that the entry agent does not take", () => {
    const input = z.object({ text: z.string().min(1), earlier: z.array(z.string()).default([]) });
    expect(() => parseScenario(good, "ladder.yaml", { ...options, input })).not.toThrow();
    const empty = good.replace(/text: ".*"/, 'text: ""');
    expect(faultOf(() => parseScenario(empty, "ladder.yaml", { ...options, input }))).toMatchObject({
      code: "scenario/field-wrong",
      data: { file: "ladder.yaml", line: 6, field: "input.text" },
    });
  });

  test.each<[string, string, string, number]>([
    ["a fixture", ref("ladder.days"), ref("ladder.dais"), 11],
    ["a fixture inside a text", `${ref("ladder.name")} of`, `${ref("shovel.name")} of`, 6],
    ["what every object has", ref("ladder.days"), ref("ladder.toString"), 11],
    ["a member of a number", ref("ladder.days"), ref("ladder.days.toFixed"), 11],
    ["a place in a list that is too short", ref("ladder.days"), ref("list.2"), 11],
  ])("nothing is named so: %s", (_, from, to, line) => {
    const fault = wrong(from, to);
    expect(fault).toMatchObject({ code: "scenario/fixture-unknown", data: { file: "ladder.yaml", line } });
    expect(fault.message).toContain(to.slice(2, to.indexOf("}")));
  });
});

describe("a folder", () => {
  test("is read in order of name, other files left out", () => {
    const second = good.replaceAll("ladder\n", "second\n");
    const folder = folderOf({ "2.yml": second, "1.yaml": good, "notes.txt": "not one" });
    expect(loadScenarios(folder, options).map(({ name }) => name)).toEqual(["lends-a-ladder", "lends-a-second"]);
    expect(loadScenarios(join(folder, "1.yaml"), options)).toHaveLength(1);
  });

  test("without a scenario, or not there, is said to be so", () => {
    const empty = folderOf({});
    expect(faultOf(() => loadScenarios(empty))).toMatchObject({ code: "scenario/file-missing", data: { file: empty } });
    const gone = join(empty, "gone.yaml");
    expect(faultOf(() => loadScenarios(gone))).toMatchObject({ code: "scenario/file-missing", data: { file: gone } });
  });

  test("holds each name and each title once", () => {
    const folder = folderOf({ "1.yaml": good, "2.yaml": good.replace("A neighbour", "Another neighbour") });
    const fault = faultOf(() => loadScenarios(folder, options));
    expect(fault).toMatchObject({ code: "scenario/name-taken", data: { what: "name", text: "lends-a-ladder" } });
    expect(fault.message).toContain(join(folder, "1.yaml"));
    expect(fault.message).toContain(join(folder, "2.yaml"));
    const coded = defineScenario({ name: "other", title: "A neighbour borrows a ladder", input: {}, script: [] });
    const both = [parseScenario(good, "ladder.yaml", options), coded];
    expect(faultOf(() => uniqueScenarios(both))).toMatchObject({ data: { what: "title", other: "ladder.yaml" } });
  });
});

describe("decisions of people", () => {
  const decided = (list: string, expected = "") =>
    parseScenario(`${good}${expected}approver: ${list}\n`, "a.yaml", options);

  test("they are read in order, with their arguments and their people", () => {
    const { external } = decided(
      `[{ tool: lend_tool, decision: approve }, { tool: lend_tool, decision: edit, reason: fewer, input: { days: "${ref("ladder.days")}" }, by: ann }, { tool: add_note, decision: reject, reason: no }, { tool: lend_tool, decision: expire }]`,
    );
    expect(external.filter(({ of }) => of === "approver")).toMatchObject([
      { tool: "lend_tool", decision: "approve" },
      { tool: "lend_tool", decision: "edit", input: { days: 3 }, reason: "fewer", by: { id: "ann", kind: "operator" } },
      { tool: "add_note", decision: "reject", reason: "no" },
      { tool: "lend_tool", decision: "expire" },
    ]);
  });

  test.each([
    ["[{ tool: lend_tool, decision: grand }]", "approver.0.decision", "one of approve, reject, edit, expire"],
    ["[{ tool: lend_tool, decision: reject }]", "approver.0", "a reason is missing"],
    ["[{ tool: lend_tool, decision: edit, reason: x }]", "approver.0", "has an input"],
    ["[{ tool: lend_tool, decision: approve, input: {} }]", "approver.0", "only an edit"],
    ["[{ tool: lend_tool, decision: expire, by: ann }]", "approver.0", "nobody says anything"],
    ["[{ tool: lend_tol, decision: approve }]", "approver.0.tool", "did you mean lend_tool?"],
  ])("%s is an error with its place", (list, field, reason) => {
    const fault = faultOf(() => decided(list));
    expect(fault).toMatchObject({ code: "scenario/field-wrong", data: { field } });
    expect(fault.message).toContain(reason);
  });

  test("an expectation names tools that there are", () => {
    const fault = faultOf(() => decided("[]", "  approvals: [{ tool: rent_tool, decision: approve }]\n"));
    expect(fault).toMatchObject({ data: { field: "expect.approvals.0.tool", line: 27 } });
  });
});
