import { expect, test } from "vitest";
import { z } from "zod";
import { defineAgent } from "../agent.ts";
import { effectCase, effectVerdict } from "../approval/case.ts";
import { memoryEngine } from "../engine/memory.ts";
import { silentLogger } from "../port/logger.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { defineTool } from "../tool.ts";
import { emails } from "./emails.test.data.ts";

const key = Buffer.alloc(32, 7);

test("a judge is shown the classes of its own name, where others under its alias see tokens", async () => {
  const seen = new Map<string, string>();
  const told: unknown[] = [];
  const move = defineTool({
    name: "move_mail",
    description: "Moves a mailbox.",
    effect: "write",
    risk: "medium",
    idempotency: "key",
    input: z.object({ to: z.email() }),
    output: z.object({ moved: z.boolean() }),
    execute: () => ({ moved: true }),
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Moves.",
    instructions: "Move.",
    model: "fast",
    tools: [move],
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
  });
  const judge = defineAgent({
    name: "judge",
    description: "Judges.",
    instructions: "Judge.",
    model: "fast",
    effects: "read",
    tools: [],
    input: effectCase,
    output: effectVerdict,
  });
  const supervisor = createSupervisor({
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    judges: { compliance: judge },
    engine: memoryEngine(),
    vault: { key },
    seal: { detectors: [emails], agents: { judge: ["email"], juge: ["email"] } },
    logger: { ...silentLogger, warn: (fields) => void told.push(fields) },
    models: {
      fast: {
        id: "one",
        cost: "zero",
        generate: ({ agent, input, messages }) => {
          seen.set(agent, JSON.stringify([input, messages]));
          if (agent === "judge") {
            const value = {
              verdict: "allow" as const,
              ruleIds: ["books"],
              reasons: ["as the books say"],
              conditions: [],
            };
            return { parts: [{ type: "output", value }] };
          }
          if (messages.length > 0) return { parts: [{ type: "output", value: { text: "moved" } }] };
          const [to = ""] = /[\w.+-]+@[\w.-]+\w/.exec((input as { text: string }).text) ?? [];
          return { parts: [{ type: "toolCall", callId: "1", tool: "move_mail", input: { to } }] };
        },
      },
    },
  });
  const run = await supervisor.start({ text: "to ada@example.org" }, { tenant: "acme" });
  expect((await run.result()).status).toBe("completed");
  expect(told).toEqual([expect.objectContaining({ option: "seal.agents", names: ["juge"] })]);
  expect(seen.get("judge")).toContain("ada@example.org");
  expect(seen.get("clerk")).not.toContain("ada@example.org");
  expect(JSON.stringify(await run.entries())).not.toContain("ada@example.org");
  expect(await supervisor.disclosures(run.id, { tenant: "acme" })).toMatchObject([
    {
      to: { kind: "model", name: "one" },
      path: "clerk#1/tool#1/compliance#1",
      tokens: { email: [expect.any(String)] },
    },
  ]);
  expect(await supervisor.replay(run.id, { tenant: "acme" })).toMatchObject({ ok: true });
});

test("a question to the customer is theirs to read, and on record; whoever looks otherwise sees tokens", async () => {
  const about = (of: "customer" | "operator") => {
    const clerk = defineAgent({
      name: "clerk",
      description: "Asks.",
      instructions: "Ask.",
      model: "fast",
      tools: [],
      asks: ["customer", "operator"],
      input: z.object({ text: z.string() }),
      output: z.object({ text: z.string() }),
    });
    return createSupervisor({
      agents: { clerk },
      entry: "clerk",
      exit: "clerk",
      handoffs: [],
      engine: memoryEngine(),
      vault: { key },
      seal: { detectors: [emails] },
      answers: { reveals: ["email"] },
      models: {
        fast: {
          id: "one",
          cost: "zero",
          generate: () => ({ parts: [{ type: "ask", of, question: "Is it still ada@example.org?" }] }),
        },
      },
    });
  };
  const supervisor = about("customer");
  const run = await supervisor.start({ text: "hello" }, { tenant: "acme" });
  await run.settled();
  const sealed = { of: "customer", question: expect.stringMatching(/^Is it still \w+@sealed\.invalid\?$/) };
  expect(await run.questions()).toMatchObject([sealed]);
  expect(await supervisor.disclosures(run.id, { tenant: "acme" })).toEqual([]);
  expect(await run.questions({ revealed: true })).toMatchObject([{ question: "Is it still ada@example.org?" }]);
  expect(await run.questions({ revealed: true })).toHaveLength(1);
  expect(await supervisor.disclosures(run.id, { tenant: "acme" })).toMatchObject([
    { to: { kind: "caller" }, tokens: { email: [expect.any(String)] } },
  ]);
  expect(JSON.stringify(await run.entries())).not.toContain("ada@example.org");
  const other = await about("operator").start({ text: "hello" }, { tenant: "acme" });
  await other.settled();
  expect(await other.questions({ revealed: true })).toMatchObject([{ ...sealed, of: "operator" }]);
});
