import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import type { CallModelCommand, CallToolCommand, Command, LookupCommand } from "../command.ts";
import type { InputEvent } from "../event.ts";
import { policyVersion } from "../policy-version.ts";
import { user } from "../principal.ts";
import { defineSupervisor, type SupervisorDefinition } from "../supervisor/definition.ts";
import { defineTool } from "../tool.ts";
import { RunCore } from "./core.ts";

const startAt = 1_000;
const text = z.object({ text: z.string() });
const common = { description: "Sends.", input: text, output: text, effect: "write", risk: "low" } as const;
const execute = ({ text }: { text: string }) => ({ text });

const tools = {
  forever: defineTool({ ...common, name: "forever", idempotency: "key", execute }),
  forADay: defineTool({ ...common, name: "for_a_day", idempotency: "key", keyValidForMs: 86_400_000, execute }),
  shown: defineTool({
    ...common,
    name: "shown",
    idempotency: "lookup",
    lookup: () => ({ outcome: "unknown" }) as const,
    execute,
  }),
  blind: defineTool({ ...common, name: "blind", idempotency: "none", execute }),
  secret: defineTool({ ...common, name: "secret", idempotency: "none", labels: ["sensitive:health"], execute }),
  read: defineTool({ ...common, name: "read", effect: "read", execute }),
};

/** A run of one agent that has just asked for one call, at `startAt`. */
function called(tool: (typeof tools)[keyof typeof tools]) {
  const options = { name: "clerk", description: "", model: "m", input: text, output: text } as const;
  const clerk = defineAgent({ ...options, tools: [tool], instructions: "Write." });
  const desk = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
  const definition = desk as unknown as SupervisorDefinition;
  const core = new RunCore({ definition, tenant: "acme", runId: "run_1", tenantKey: "key" });
  let seq = 0;
  let noted: readonly { readonly type: string; readonly body: object }[] = [];
  const apply = (at: number, event: InputEvent): readonly Command[] => {
    const outcome = core.apply(event, at, seq + 1);
    noted = outcome?.drafts ?? [];
    seq += noted.length;
    return (outcome?.commands ?? []).filter(({ type }) => type !== "startTimer");
  };
  apply(startAt, {
    id: "start",
    type: "run.started",
    path: "",
    body: {
      supervisor: definition.name,
      definitionHash: definition.hash,
      input: { text: "hello" },
      principal: user("u_1"),
      labels: { "": ["user"] },
      policyVersion,
      format: 1,
    },
  });
  const [command = ""] = [...core.state.outstanding.keys()];
  const parts = [{ type: "toolCall", callId: "c1", tool: tool.name, input: { text: "hello" } }] as const;
  const [first] = apply(startAt, {
    id: command,
    type: "model.responded",
    path: "clerk#1",
    body: { command, model: "m", parts },
  });
  const failed = (at: number, id: string, mayHaveExecuted: boolean) =>
    apply(at, {
      id,
      type: "tool.failed",
      path: "clerk#1/tool#1",
      body: {
        command: id,
        error: { code: mayHaveExecuted ? "tool/timeout" : "tool/unreachable", message: "" },
        mayHaveExecuted,
        durationMs: 1,
      },
    });
  const found = (at: number, id: string, labels: readonly string[]) =>
    apply(at, {
      id,
      type: "effect.looked-up",
      path: "clerk#1/tool#1",
      body: { command: id, outcome: "found", output: { text: "hello" }, labels: { "": labels } },
    });
  const refused = (at: number, id: string, labels: readonly string[]) =>
    apply(at, {
      id,
      type: "tool.failed",
      path: "clerk#1/tool#1",
      body: {
        command: id,
        error: { code: "tool/refused", message: "" },
        mayHaveExecuted: false,
        labels: { "": labels },
        durationMs: 1,
      },
    });
  const lost = (at: number, id: string) => apply(at, { id: "r", type: "run.resumed", path: "", body: { lost: [id] } });
  const due = (at: number) =>
    apply(at, { id: "t", type: "timer.fired", path: "clerk#1/tool#1", body: { timer: "timer/retry:clerk#1/tool#1" } });
  const revoked = (at: number, name: string) => {
    apply(at, {
      id: "restrictions:1.0",
      type: "restrictions.changed",
      path: "",
      body: { restrictions: { version: "1.0", tools: [name], agents: [], stopped: false } },
    });
    return noted.map(({ type, body }) => [type, (body as { error?: { code: string } }).error?.code]);
  };
  const decided = (at: number) =>
    apply(at, {
      id: "decision:1",
      type: "effect.decided",
      path: "clerk#1/tool#1",
      body: {
        effect: "clerk#1/tool#1",
        outcome: "happened",
        output: { text: "he is ill" },
        reason: "looked",
        principal: user("u_1"),
      },
    });
  const question = "clerk#1/tool#1/question#1";
  const asked = (at: number, id: string) =>
    apply(at, {
      id: `${id}:${question}`,
      type: "question.asked",
      path: "clerk#1/tool#1",
      body: {
        question,
        effect: "clerk#1/tool#1",
        command: id,
        asks: { mode: "url", message: "Sign in.", url: "https://example.com/" },
        hash: "hash",
        labels: {},
      },
    });
  const answered = (at: number) =>
    apply(at, {
      id: "question:k",
      type: "question.answered",
      path: "clerk#1/tool#1",
      body: {
        question,
        binding: core.state.questions.get(question)?.binding ?? "",
        answer: { action: "accept" },
        reason: "",
        principal: user("boss"),
        key: "k",
      },
    });
  return {
    core,
    asked,
    answered,
    first: first as CallToolCommand,
    failed,
    found,
    refused,
    lost,
    due,
    revoked,
    decided,
  };
}

test.each<[string, keyof typeof tools, number | undefined]>([
  ["a key that is good for ever protects a call whenever it is made", "forever", undefined],
  ["a call is made while its key is good", "forADay", startAt + 86_400_000],
  ["a write without a key has a short while to set out, whoever may be asked about it", "shown", startAt + 10_000],
  ["the same where nobody can be asked", "blind", startAt + 10_000],
  ["a read may be made at any time", "read", undefined],
])("%s", (_, name, callBefore) => {
  expect(called(tools[name]).first.callBefore).toBe(callBefore);
});

test("a key is as old as the first try that may have used it", () => {
  const { first, lost, failed, due } = called(tools.forADay);
  expect(failed(startAt + 5_000, first.id, false)).toEqual([]);
  const [second] = due(startAt + 6_000) as [CallToolCommand];
  expect(second.callBefore).toBe(startAt + 6_000 + 86_400_000);
  const [third] = lost(startAt + 9_000, second.id) as [CallToolCommand];
  expect(third).toMatchObject({ attempt: 3, callBefore: startAt + 6_000 + 86_400_000 });
});

test("a look-up knows by when a lost try was made, if ever, and when one that failed had been made", () => {
  const gone = called(tools.shown);
  const [asked] = gone.lost(startAt + 300, gone.first.id) as [LookupCommand];
  expect(asked).toMatchObject({ type: "lookup", since: startAt + 10_000 });
  const heard = called(tools.shown);
  const [again] = heard.failed(startAt + 300, heard.first.id, true) as [LookupCommand];
  expect(again).toMatchObject({ type: "lookup", since: startAt + 300 });
});

test("A4 a write that heard an answer is looked up no sooner than the window that this opened", () => {
  const { core, first, asked, answered, lost } = called(tools.shown);
  asked(startAt + 100, first.id);
  expect(core.state.resting).toBe(true);
  answered(startAt + 300_000);
  expect(core.state.resting).toBe(false);
  const [look] = lost(startAt + 300_100, first.id) as [LookupCommand];
  expect(look).toMatchObject({ type: "lookup", since: startAt + 310_000 });
});

test("one that died unheard is looked up as ever", () => {
  const { first, asked, lost } = called(tools.shown);
  asked(startAt + 100, first.id);
  const [look] = lost(startAt + 300_100, first.id) as [LookupCommand];
  expect(look).toMatchObject({ type: "lookup", since: startAt + 10_000 });
});

test("what waits for people goes through a snapshot, and one from before there was any is read", () => {
  const { core, first, asked, answered } = called(tools.forever);
  asked(startAt + 100, first.id);
  answered(startAt + 200);
  asked(startAt + 300, `${first.id}`);
  const saved = core.save();
  const again = called(tools.forever).core;
  again.restore(saved);
  expect(again.save()).toEqual(saved);
  const { questions: _, ...old } = saved as unknown as { readonly questions: unknown };
  again.restore(old as never);
  expect(again.state.questions.size).toBe(0);
});

test("R9 what a look-up found and what a refusal says are labelled for the model that is told", () => {
  const gone = called(tools.shown);
  const [asked] = gone.lost(startAt + 300, gone.first.id) as [LookupCommand];
  expect(gone.found(startAt + 400, asked.id, ["sensitive:health"])).toMatchObject([
    { type: "callModel", labels: ["sensitive:health", "user"] },
  ]);
  const heard = called(tools.shown);
  expect(heard.refused(startAt + 400, heard.first.id, ["sensitive:health"])).toMatchObject([
    { type: "callModel", labels: ["sensitive:health", "user"] },
  ]);
});

test.each(["read", "blind"] as const)(
  "what waits to be tried again is denied when its tool is taken away: %s",
  (name) => {
    const { first, failed, due, revoked } = called(tools[name]);
    expect(failed(startAt + 100, first.id, false)).toEqual([]);
    const told = revoked(startAt + 200, tools[name].name);
    expect(told).toContainEqual(["tool.denied", "policy/revoked"]);
    expect(told.some(([type]) => type === "effect.settled")).toBe(name === "blind");
    expect(due(startAt + 10_000)).toEqual([]);
  },
);

test("what a person tells of a tool's answer carries the tool's labels to the next model", () => {
  const { first, lost, decided } = called(tools.secret);
  expect(lost(startAt + 100, first.id)).toEqual([]);
  const [next] = decided(startAt + 200) as [CallModelCommand];
  expect(next).toMatchObject({ type: "callModel", labels: ["sensitive:health", "user"] });
});
