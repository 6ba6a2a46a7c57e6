import {
  type ContextBudget,
  defineRoute,
  type Message,
  type Model,
  type ModelResponse,
  settlementsOf,
} from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { bodies } from "./engine-approvals.ts";
import { makeGate } from "./engine-desk.ts";
import { type EngineKit, input, start, tenant } from "./engine-kit.ts";
import { makeOffice } from "./engine-office.ts";
import { type Act, acts, look, ok, overloaded, replays } from "./engine-routes.ts";

/** Requests that are too long, and what is made of their older turns. */

/** A message is one token, and nothing else is any. */
const count = (text: string) => (text.startsWith('{"role"') ? 1 : 0);
const told = { usage: { inputTokens: 20, outputTokens: 10 }, cost: { microUsd: 4, basis: "reported" } } as const;
const brief = (text: string): ModelResponse => ({ parts: [{ type: "output", value: { summary: text } }], ...told });
const sums: Act = () => brief("a was looked up");
const thinks: Act = (request) => ({
  parts: [{ type: "reasoning", provider: "p", data: "hm" }, ...(look(request) as ModelResponse).parts],
});
/** Four turns, then the answer. */
const four = [thinks, look, look, look, ok];
const paid: Partial<Model> = { cost: "paid", quote: () => ({ microUsd: 10, tokens: 100 }) };

function long(by: Model | ReturnType<typeof defineRoute>, more: Partial<ContextBudget> = {}, otherwise = "trim") {
  const summarise = { with: by, otherwise: otherwise as "trim" | "fail" };
  return { m: { maxTokens: 5, keepTurns: 1, count, summarise, ...more } };
}

const roles = (messages: readonly Message[] = []) => messages.map(({ role }) => role);

export function summariesContract({ fresh, again, survives }: EngineKit): void {
  describe("summaries", () => {
    test("the older turns of what is too long are summarised, once and as a call of its own, and stay so", async () => {
      const by = acts("brief", [sums], { ...paid, cleared: ["sensitive:health"] });
      const model = acts("m", four, { ...paid, cleared: ["sensitive:health"] });
      const office = makeOffice({
        engine: fresh(),
        model,
        context: long(by),
        labels: ["sensitive:health"],
        budgets: { [tenant]: { microUsd: 1_000 } },
      });
      const run = await office.start(input, start);
      expect(await run.result()).toMatchObject({ status: "completed" });
      const entries = await run.entries();

      expect(bodies(entries, "model.failed")).toMatchObject([
        {
          command: "worker#1/model#4",
          error: { code: "model/context-full", data: { tokens: 6, bound: 5 } },
          cost: { microUsd: 0 },
          summarise: { with: "m/summary", messages: 4, before: 6, otherwise: "trim" },
        },
      ]);
      const called = bodies(entries, "model.called").map(({ command, reason, turn }) => [command, reason, turn]);
      expect(called.slice(3)).toEqual([
        ["worker#1/model#4", "agent", 4],
        ["worker#1/summary#1", "summary", 4],
        ["worker#1/model#4/try#2", "agent", 4],
        ["worker#1/model#5", "agent", 5],
      ]);
      expect(bodies(entries, "model.responded").filter(({ context }) => context)).toMatchObject([
        { model: "brief", context: { before: 6, after: 3, shortened: 0, dropped: 0, summarised: 4 } },
      ]);
      // Who summarises has the transcript as data, and neither tools nor the thinking of another model.
      const [asked] = by.asked;
      expect(by.asked).toHaveLength(1);
      expect(asked).toMatchObject({ messages: [], tools: [], asks: [], labels: model.asked.at(-1)?.labels });
      const shown = asked?.input as unknown as { payload: unknown; messages: Message[] };
      expect(shown.payload).toEqual(input);
      expect(roles(shown.messages)).toEqual(["assistant", "tool", "assistant", "tool"]);
      expect(JSON.stringify(shown)).not.toContain("reasoning");

      const [fourth, fifth] = model.asked.slice(3);
      expect(fourth?.messages[0]).toEqual({ role: "summary", messages: 4, text: "a was looked up" });
      expect(fifth?.messages.slice(0, 3)).toEqual(fourth?.messages);
      expect(roles(fourth?.messages)).toEqual(["summary", "assistant", "tool"]);
      expect(roles(fifth?.messages)).toEqual(["summary", "assistant", "tool", "assistant", "tool"]);
      expect(fourth?.context).toMatchObject({ turn: 4, attempt: 2, agentCall: 3 });

      const settled = settlementsOf(entries).map(({ command, amount }) => [command, amount.microUsd]);
      expect(settled.slice(3)).toEqual([
        ["worker#1/model#4", 0],
        ["worker#1/summary#1", 4],
        ["worker#1/model#4/try#2", 10],
        ["worker#1/model#5", 10],
      ]);
      expect((await run.result()).cost.microUsd).toBe(3 * 10 + 4 + 2 * 10);
      await replays(office, run);
    });

    test("a summary is summarised with what came after it, and a transcript of one is shortened no further", async () => {
      const by = acts("brief", [() => brief("one"), () => brief("two")]);
      const model = acts("m", four);
      const office = makeOffice({ engine: fresh(), model, context: long(by, { maxTokens: 3 }) });
      const run = await office.start(input, start);
      expect((await run.result()).status).toBe("completed");
      expect(by.asked.map((request) => roles((request.input as unknown as { messages: Message[] }).messages))).toEqual([
        ["assistant", "tool"],
        ["summary", "assistant", "tool"],
        ["summary", "assistant", "tool"],
      ]);
      expect(roles(model.asked.at(-1)?.messages)).toEqual(["summary", "assistant", "tool"]);
      await replays(office, run);

      const tight = makeOffice({ engine: fresh(), model: acts("m", four), context: long(by, { maxTokens: 2 }) });
      expect(await (await tight.start(input, start)).result()).toMatchObject({
        status: "failed",
        error: { code: "model/context-too-long" },
      });
    });

    test("M1 who is not cleared for what the agent has seen summarises nothing", async () => {
      for (const otherwise of ["trim", "fail"] as const) {
        const by = acts("brief", [sums]);
        const model = acts("m", four, { cleared: ["sensitive"] });
        const labels = ["sensitive:health"];
        const office = makeOffice({ engine: fresh(), model, labels, context: long(by, {}, otherwise) });
        const run = await office.start(input, start);
        const result = await run.result();
        expect(by.asked).toEqual([]);
        if (otherwise === "trim") {
          expect(result.status).toBe("completed");
          expect(roles(model.asked[3]?.messages)).toEqual(["assistant", "tool", "assistant", "tool"]);
        } else {
          expect(result).toMatchObject({
            status: "failed",
            error: { code: "model/summary-failed", data: { alias: "m", tokens: 6, code: "model/not-cleared" } },
          });
        }
        await replays(office, run);
      }
    });

    test("what is no summary, or no shorter, has its cost and takes nobody's place", async () => {
      const bad: readonly Act[] = [
        () => ({ parts: [{ type: "refusal", reason: "no" }], ...told }),
        () => ({ parts: [{ type: "text", text: "a was looked up" }], ...told }),
        () => brief("  "),
      ];
      const by = acts("brief", bad, paid);
      const model = acts("m", four);
      const office = makeOffice({
        engine: fresh(),
        model,
        context: long(by, { maxTokens: 3 }),
        budgets: { [tenant]: { microUsd: 100 } },
      });
      const run = await office.start(input, start);
      expect(await run.result()).toMatchObject({ status: "completed", cost: { microUsd: 12 } });
      const failed = bodies(await run.entries(), "model.failed").filter(({ model: id }) => id === "brief");
      expect(failed).toMatchObject(Array(3).fill({ error: { code: "model/summary-invalid" }, ...told }));
      expect(model.asked.flatMap(({ messages }) => roles(messages))).not.toContain("summary");
      await replays(office, run);

      const wordy = makeOffice({
        engine: fresh(),
        model: acts("m", four),
        context: long(
          acts("brief", [sums]),
          { count: (text) => (text.includes('"summary"') ? 9 : count(text)) },
          "fail",
        ),
      });
      expect(await (await wordy.start(input, start)).result()).toMatchObject({
        error: { code: "model/summary-failed", data: { code: "model/summary-invalid" } },
      });
    });

    test("another model of the summariser's route is asked when one fails, each as a call of its own", async () => {
      const candidates = [acts("down", [overloaded]), acts("up", [sums])];
      const office = makeOffice({
        engine: fresh(),
        model: acts("m", four),
        context: long(defineRoute("brief", { candidates }), {}, "fail"),
      });
      const run = await office.start(input, start);
      expect((await run.result()).status).toBe("completed");
      const called = bodies(await run.entries(), "model.called").filter(({ reason }) => reason === "summary");
      expect(called.map(({ command }) => command)).toEqual(["worker#1/summary#1", "worker#1/summary#1/try#2"]);
      await replays(office, run);
    });

    test("a summary is a step of the run like any call, and a cancelled run takes none", async () => {
      const bounded = makeOffice({
        engine: fresh(),
        model: acts("m", four),
        context: long(acts("brief", [sums])),
        // Four turns and three looks are steps already.
        limits: { steps: 7 },
      });
      expect(await (await bounded.start(input, start)).result()).toMatchObject({
        error: { code: "limits/exceeded", data: { limit: "steps" } },
      });
      const gate = makeGate();
      const model = acts("m", four);
      const by = acts("brief", [() => gate.pass().then(() => brief("late"))]);
      const office = makeOffice({ engine: fresh(), model, context: long(by) });
      const run = await office.start(input, start);
      await gate.reached;
      await run.cancel("enough");
      expect((await run.result()).status).toBe("cancelled");
      gate.open();
      expect(model.asked).toHaveLength(3);
      await replays(office, run);
    });

    test("a process that dies while a summary is made has it made again; one that dies after it finds it", async () => {
      for (const dies of ["summary", "call"] as const) {
        for (const snapshotEvery of [1, 1_000]) {
          const clock = fakeClock();
          const engine = fresh({ clock });
          if (!survives()) return;
          const gate = makeGate();
          const stuck: Act = () => gate.pass().then(() => brief("too late"));
          const by = acts("brief", [dies === "summary" ? stuck : sums]);
          const model = acts("m", dies === "call" ? [look, look, look, stuck] : four);
          const budgets = { [tenant]: { microUsd: 1_000 } };
          const office = makeOffice({ engine, model, context: long(by), snapshotEvery, budgets });
          const run = await office.start(input, start);
          await gate.reached;
          await engine.close();

          const later = again({ clock });
          const other = acts("brief", [sums]);
          const rest = acts("m", [look, ok]);
          const next = makeOffice({ engine: later, model: rest, context: long(other), snapshotEvery, budgets });
          await next.resume();
          const taken = await next.find(run.id, { tenant });
          expect((await taken.result()).status).toBe("completed");
          expect(other.asked).toHaveLength(dies === "summary" ? 1 : 0);
          expect(rest.asked.map(({ messages }) => messages[0])).toEqual(
            Array(2).fill({ role: "summary", messages: 4, text: "a was looked up" }),
          );
          if (dies === "summary") expect(other.asked[0]?.input).toEqual(by.asked[0]?.input);
          await replays(next, taken);
          gate.open();
        }
      }
    });
  });
}
