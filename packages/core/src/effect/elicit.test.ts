import { expect, test } from "vitest";
import { z } from "zod";
import type { CallToolCommand } from "../command.ts";
import { fullGrant } from "../grant.ts";
import { defaultLimits } from "../limits.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { type AnyTool, defineTool } from "../tool.ts";
import { type AskPeople, elicitOf } from "./elicit.ts";
import { patience } from "./patience.ts";

const page = { mode: "url", message: "Sign in.", url: "https://example.com/" } as const;
const text = z.object({ text: z.string() });
const common = { description: "Sends.", input: text, output: text, execute: (one: { text: string }) => one } as const;
const write = { ...common, effect: "write", risk: "low" } as const;
const read = defineTool({ ...common, name: "read", effect: "read" });
const keyed = defineTool({ ...write, name: "keyed", idempotency: "key", keyValidForMs: 60_000 });
const forever = defineTool({ ...write, name: "forever", idempotency: "key" });
const blind = defineTool({ ...write, name: "blind", idempotency: "none" });

/** What a tool may ask whose answers reach it so long after they were taken down. */
function asking(tool: AnyTool, { askedMs = 0, lateMs = 0 } = {}) {
  const clock = fakeClock();
  const began = clock.now();
  const asked: unknown[] = [];
  const ask: AskPeople = async (_, body) => {
    asked.push(body);
    clock.advance(askedMs);
    const at = clock.now();
    clock.advance(lateMs);
    return { answer: { action: "accept" }, at };
  };
  const command: CallToolCommand = {
    type: "callTool",
    id: "clerk#1/tool#1/try#2",
    path: "clerk#1/tool#1",
    agent: "clerk",
    tool: tool.name,
    input: { text: "" },
    effect: tool.effect,
    grant: fullGrant,
    key: "key",
    attempt: 2,
    ...(tool.keyValidForMs === undefined ? {} : { callBefore: began + tool.keyValidForMs }),
    attributes: {},
    tier: "none",
    policyVersion: "1",
  };
  const abort = new AbortController();
  const time = patience({ clock, timeoutMs: 1_000, holdMs: 3_600_000, onDue: () => {} });
  const elicit = elicitOf({
    key: { tenant: "acme", runId: "run_1" },
    command,
    tool,
    clock,
    limits: { ...defaultLimits, questions: 2 },
    labels: { "": ["tool:x"] },
    ask,
    signal: abort.signal,
    time,
  });
  return { elicit, asked, abort, time, clock };
}

const late = expect.objectContaining({ code: "tool/dispatch-late" });

test("a question is named by its call and its place, whichever try asks it", async () => {
  const { elicit, asked } = asking(read);
  expect(await elicit(page)).toEqual({ action: "accept" });
  await elicit({ ...page, message: "Again." });
  expect(asked).toMatchObject([
    { question: "clerk#1/tool#1/question#1", command: "clerk#1/tool#1/try#2", labels: { "": ["tool:x"] } },
    { question: "clerk#1/tool#1/question#2" },
  ]);
  await expect(elicit(page)).rejects.toMatchObject({ code: "tool/questions-exceeded", data: { bound: 2 } });
  expect(asked).toHaveLength(2);
});

test("what was given up, or is over, asks nobody", async () => {
  const gone = asking(read);
  gone.abort.abort();
  await expect(gone.elicit(page)).rejects.toMatchObject({ code: "tool/cancelled" });
  const over = asking(read);
  over.time.stop();
  await expect(over.elicit(page)).rejects.toMatchObject({ code: "tool/cancelled" });
  expect([...gone.asked, ...over.asked]).toEqual([]);
});

test("A4 a write without a key goes on within ten seconds of its answer, or not at all; a read whenever", async () => {
  await expect(asking(blind, { askedMs: 600_000, lateMs: 9_999 }).elicit(page)).resolves.toBeDefined();
  await expect(asking(blind, { lateMs: 10_000 }).elicit(page)).rejects.toEqual(late);
  await expect(asking(read, { lateMs: 600_000 }).elicit(page)).resolves.toBeDefined();
});

test("A4 a write under a key goes on while that is good", async () => {
  await expect(asking(keyed, { askedMs: 50_000, lateMs: 9_999 }).elicit(page)).resolves.toBeDefined();
  await expect(asking(keyed, { askedMs: 60_000 }).elicit(page)).rejects.toEqual(late);
  await expect(asking(forever, { askedMs: 600_000, lateMs: 600_000 }).elicit(page)).resolves.toBeDefined();
});

test("the tool's own time goes on when it was answered", async () => {
  const { elicit, time, clock } = asking(read, { askedMs: 600_000 });
  clock.advance(900);
  await elicit(page);
  expect(time.isOver()).toBe(false);
  clock.advance(100);
  expect(time.isOver()).toBe(true);
});
