import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Entry, type QuestionCase, user } from "@remit/core";
import { afterEach, expect, test, vi } from "vitest";
import { contextOf } from "../../packages/mcp-bridge/src/testing/fixture.ts";
import { noted } from "../../packages/mcp-bridge/src/testing/sdk-server.ts";
import { type AskingDeskOptions, type Era, openAskingDesk } from "./asking-desk.ts";

/** A question of a server comes to the inbox of the run whose call it is, and its answer back to the call. */

const tenant = "acme";
const boss = { principal: user("boss", ["lead"]), reason: "looked at it" } as const;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function place() {
  const folder = mkdtempSync(join(tmpdir(), "remit-asking-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return { path: join(folder, "journal.db"), log: join(folder, "log") };
}

async function opened(options: AskingDeskOptions) {
  const made = await openAskingDesk(options);
  const close = async () => {
    await made.connection.close();
    await made.engine.close();
  };
  cleanups.push(close);
  const { desk } = made;
  const asked = () =>
    new Promise<QuestionCase>((resolve, reject) => {
      const stop = desk.on("question.opened", ({ body }, { runId }) => {
        stop();
        desk.approvals.question(tenant, `${runId}/${body.question}`).then(resolve, reject);
      });
    });
  const start = async () => {
    const first = asked();
    const run = await desk.start({ text: "go" }, { tenant, principal: user("u") });
    return { run, open: await first };
  };
  return { ...made, close, asked, start };
}

const typesOf = (entries: readonly Entry[]) =>
  entries.map(({ type }) => type).filter((type) => /^(question|tool|effect)\./.test(type));
const outputOf = (entries: readonly Entry[]) =>
  entries.findLast((entry): entry is Entry<"tool.returned"> => entry.type === "tool.returned")?.body.output;
const outcomesOf = (entries: readonly Entry[]) =>
  entries
    .filter((entry): entry is Entry<"question.closed"> => entry.type === "question.closed")
    .map(({ body }) => body.outcome);

const eras: readonly Era[] = ["v1", "v2"];

test.each(eras)("%s: a form is answered by an operator; tool, journal and replay have the answer", async (era) => {
  const { path, log } = place();
  const { desk, start } = await opened({ era, path, log });
  const { run, open } = await start();
  expect(await desk.approvals.questions({ tenant })).toEqual([open]);
  expect(open).toMatchObject({
    run: run.id,
    agent: "clerk",
    tool: "form",
    mode: "form",
    message: "Who?",
    fields: [
      { name: "name", type: "string", required: false },
      { name: "size", type: "string", default: "m" },
    ],
    labels: expect.arrayContaining(["mcp:sdk"]),
  });
  const content = { name: "Ada" };
  await expect(
    desk.approvals.answer(tenant, open.address, { action: "accept", content: { shoe: "44" }, ...boss }),
  ).rejects.toMatchObject({ code: "question/answer-invalid" });
  await desk.approvals.answer(tenant, open.address, { action: "accept", content, ...boss });
  expect((await run.result()).status).toBe("completed");
  const entries = await run.entries();
  // What a person left out is what the form says it is then.
  expect(outputOf(entries)).toEqual({ action: "accept", content: { name: "Ada", size: "m" } });
  expect(typesOf(entries)).toEqual([
    "effect.intended",
    "tool.called",
    "question.asked",
    "question.opened",
    "question.answered",
    "question.closed",
    "tool.returned",
    "effect.settled",
  ]);
  expect(entries.find(({ type }) => type === "question.answered")?.body).toMatchObject({
    answer: { action: "accept", content },
    principal: { id: "boss" },
  });
  expect((await desk.replay(run.id, { tenant })).fault).toBeUndefined();
  expect(await desk.approvals.questions({ tenant })).toEqual([]);
  // The stateless protocol makes the call anew with the answer; it is one call for everybody else.
  expect(noted(log)).toEqual(era === "v1" ? ["call form"] : ["call form", "call form"]);
});

test.each(eras)("%s: what a person declines the tool hears as declined, and goes on", async (era) => {
  const { desk, start } = await opened({ era, ...place() });
  const { run, open } = await start();
  await desk.approvals.answer(tenant, open.address, { action: "decline", ...boss });
  expect((await run.result()).status).toBe("completed");
  const entries = await run.entries();
  expect(outputOf(entries)).toEqual({ action: "decline" });
  expect(outcomesOf(entries)).toEqual(["answered"]);
  expect((await desk.replay(run.id, { tenant })).fault).toBeUndefined();
});

test.each(eras)("%s: while a person thinks, the call is not late, however short its time is", async (era) => {
  const { desk, start, connection } = await opened({ era, ...place(), config: { timeoutMs: 500 } });
  const { run, open } = await start();
  const over = vi.fn();
  void run.result().then(over);
  // Begun later, with as much time, and late.
  await expect(connection.tools.slow?.execute({ text: "" }, contextOf())).rejects.toMatchObject({
    code: "mcp/call-timeout",
  });
  expect(over).not.toHaveBeenCalled();
  await desk.approvals.answer(tenant, open.address, { action: "accept", content: { name: "Ada" }, ...boss });
  expect((await run.result()).status).toBe("completed");
  expect(outputOf(await run.entries())).toEqual({ action: "accept", content: { name: "Ada", size: "m" } });
});

test.each(eras)("%s: a page is asked for with the origin that it leads to, and nobody opens it here", async (era) => {
  const { desk, start } = await opened({ era, ...place(), tool: "page" });
  const { run, open } = await start();
  expect(open).toMatchObject({ mode: "url", url: "https://pay.test/1", origin: "https://pay.test", fields: [] });
  await desk.approvals.answer(tenant, open.address, { action: "accept", ...boss });
  expect((await run.result()).status).toBe("completed");
  expect(outputOf(await run.entries())).toEqual({ action: "accept" });
});

test.each(eras)(
  "%s: killed while a person is asked, the run goes on in another process: asked again, answered, told once",
  async (era) => {
    const { path, log } = place();
    const child = fork(fileURLToPath(new URL("asking-child.ts", import.meta.url)), [era, path, log]);
    const { runId } = await new Promise<{ readonly runId: string }>((resolve, reject) => {
      child.once("message", (message) => resolve(message as { readonly runId: string }));
      child.once("exit", (code) => reject(new Error(`the process ended with ${code}`)));
    });
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;

    const { desk, asked } = await opened({ era, path, log });
    const again = asked();
    await desk.resume();
    const open = await again;
    expect(open).toMatchObject({ run: runId, question: "clerk#1/tool#1/question#1", message: "Who?" });
    await desk.approvals.answer(tenant, open.address, { action: "accept", content: { name: "Ada" }, ...boss });
    const run = await desk.find(runId, { tenant });
    expect((await run.result()).status).toBe("completed");
    const entries = await run.entries();
    expect(outcomesOf(entries)).toEqual(["withdrawn", "answered"]);
    expect(outputOf(entries)).toEqual({ action: "accept", content: { name: "Ada", size: "m" } });
    expect(typesOf(entries).filter((type) => type === "effect.settled")).toHaveLength(1);
    expect((await desk.replay(runId, { tenant })).fault).toBeUndefined();
  },
  60_000,
);
