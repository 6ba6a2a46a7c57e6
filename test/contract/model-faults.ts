import type { ModelFault } from "@remit/agents/testing";
import { type Cost, createSupervisor, type ModelDelta, memoryEngine, type Usage, user } from "@remit/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbRequest, type ModelKit, type ModelUnderTest, said, team } from "./model-kit.ts";

/** The part of the suite in which the vendor does something wrong, or something unwelcome. */
export function modelFaultsContract(under: ModelUnderTest, kit: ModelKit): void {
  const { served, servers, ask, failure, priceOf, price, request, onWire } = kit;
  /** Ways in which an answer may break off; without a wire all of them are one. */
  const broken: readonly ModelFault[] = under.noWire === undefined ? ["cut", "ended-early", "half-json"] : ["cut"];

  describe("a fault comes out as what it is, after one request", () => {
    test.each<readonly [ModelFault, string, object]>([
      ["rate-limited", "model/rate-limited", { status: 429, retryAfterMs: 2_000 }],
      ["rate-limited-bare", "model/rate-limited", { status: 429 }],
      ["error", "model/overloaded", { status: 500 }],
      ["overloaded", "model/overloaded", {}],
      ["overloaded-late", "model/overloaded", {}],
      ...broken.map((fault) => [fault, "model/unreachable", {}] as const),
      ...(under.refusesForFilter ? [] : [["content-filter", "model/content-filtered", {}] as const]),
      ["truncated", "model/truncated", { maxOutputTokens: 4_096 }],
    ])("%s is %s", async (fault, code, data) => {
      const { server, model } = await served(said("an answer of some length"), [fault]);
      const body = await failure(model);
      expect(body.error).toMatchObject({ code, data: { model: model.id, ...data } });
      if (fault === "rate-limited-bare") expect(body.error.data).not.toHaveProperty("retryAfterMs");
      await server.settled();
      expect(server.calls()).toMatchObject([{ fault, closedEarly: false }]);
    });

    test("what a failed call has cost is told where the vendor told it", async () => {
      const { server, model } = await served(said("an answer"), ["truncated", "content-filter", "cut"]);
      const bodies = [await failure(model), (await ask(model)).body, await failure(model)];
      const [first, second, third] = server.calls().map((call) => call.billed);
      expect(bodies[0]?.usage).toMatchObject(first ?? {});
      expect(bodies[1]?.usage).toMatchObject(second ?? {});
      expect(third?.inputTokens).toBeGreaterThan(0);
      expect([bodies[2]?.usage, bodies[2]?.cost]).toEqual([undefined, undefined]);
    });

    test("what was turned away has cost nothing, and what failed later nobody knows", async () => {
      const { model } = await served(said("an answer"), ["rate-limited", "error", "overloaded-late"]);
      expect(await failure(model)).toMatchObject({ cost: { microUsd: 0, basis: "reported" } });
      expect(await failure(model)).not.toHaveProperty("cost");
      expect((await failure(model)).cost?.microUsd).not.toBe(0);
    });

    test.each(broken)("%s: what was counted of it by then is never what it has cost", async (fault) => {
      const { server, model } = await served(said("an answer"), [fault], { price, maxOutputTokens: 700 });
      const deltas: ModelDelta[] = [];
      const onDelta = (delta: ModelDelta) => {
        deltas.push(delta);
      };
      const { signal } = new AbortController();
      const thrown: unknown = await Promise.resolve(model.generate(request, { signal, onDelta })).catch((one) => one);
      const billed = server.calls()[0]?.billed;
      const { usage, cost } = thrown as { readonly usage?: Usage; readonly cost?: Cost };
      if (!under.countsFirst) return expect([usage, cost]).toEqual([undefined, undefined]);
      expect(usage).toMatchObject({ inputTokens: billed?.inputTokens, outputTokens: 700 });
      expect(cost).toEqual({ microUsd: priceOf(usage as Usage), basis: "estimated" });
    });

    test("an answer that ends without its usage says no cost", async () => {
      const { model } = await served(said("an answer"), ["no-usage"], { price });
      const { signal } = new AbortController();
      const answered = await model.generate(request, { signal, onDelta: () => {} });
      expect("cost" in answered && answered.cost?.basis === "reported").toBe(false);
    });

    onWire("what is quoted is never less than what is sent", async () => {
      let chars = 0;
      const quoting = {
        quote: (text: { chars: number }) => {
          chars = text.chars;
          return { microUsd: 0, tokens: 0 };
        },
        cost: price.cost,
      };
      const server = await under.serve({ answer: () => said("hi") });
      servers.push(server);
      const model = under.model(server.url, { price: quoting });
      await fc.assert(
        fc.asyncProperty(arbRequest, fc.boolean(), async (wish, listens) => {
          const { signal } = new AbortController();
          model.quote?.(wish);
          await model.generate(wish, { signal, ...(listens ? { onDelta: () => {} } : {}) });
          expect(JSON.stringify(server.calls().at(-1)?.body).length).toBeLessThanOrEqual(chars);
        }),
        { numRuns: 40 },
      );
    });

    test("nobody at the address is unreachable", async () => {
      const { server, model } = await served(said("hi"));
      await server.close();
      servers.splice(0);
      expect((await failure(model)).error.code).toBe("model/unreachable");
    });

    test.each<readonly [ModelFault, readonly object[]]>([
      ["drip", said("hi").parts],
      ["wrong-schema", [{ type: "output", value: { no_such_member: true } }]],
      ["refusal", [{ type: "refusal", reason: expect.stringMatching(/\S/) }]],
      ["broken-arguments", [{ type: "toolCall", callId: "call_broken", tool: "shout", input: '{"text":' }]],
      ["unknown-tool", [{ type: "toolCall", callId: "call_unknown", tool: "no_such_tool", input: {} }]],
      [
        "same-id",
        [
          { type: "toolCall", callId: "call_same", tool: "shout" },
          { type: "toolCall", callId: expect.stringMatching(/^(?!call_same$)./), tool: "shout" },
        ],
      ],
      ["no-usage", said("hi").parts],
      ...(under.refusesForFilter
        ? [["content-filter", [{ type: "refusal", reason: expect.stringMatching(/\S/) }]] as const]
        : []),
    ])("%s is an answer", async (fault, expected) => {
      const { server, model } = await served(said("hi"), [fault]);
      const event = await ask(model);
      expect(event).toMatchObject({ type: "model.responded", body: { parts: expected } });
      expect("usage" in event.body).toBe(fault !== "no-usage");
      expect(server.calls()).toMatchObject([{ fault, closedEarly: false }]);
    });

    test.each<[ModelFault, string]>([
      ["broken-arguments", "tool/input-invalid"],
      ["unknown-tool", "policy/tool-unknown"],
    ])("after %s the model hears %s, and the run goes on", async (fault, code) => {
      const { model } = await served((call) => said(call.turns.map((turn) => turn.text).join("|")), [fault]);
      const run = await createSupervisor({ ...team, models: { m: model }, engine: memoryEngine() }).start(
        { text: "hello" },
        { tenant: "acme", principal: user("u") },
      );
      expect(await run.result()).toMatchObject({
        status: "completed",
        output: { text: expect.stringContaining(`"code":"${code}"`) },
      });
    });

    test("calls under one id are told apart when they go back", async () => {
      let seen: readonly unknown[] = [];
      const { model } = await served(
        (call) => {
          seen = call.turns;
          return said("done");
        },
        ["same-id"],
      );
      const run = await createSupervisor({ ...team, models: { m: model }, engine: memoryEngine() }).start(
        { text: "hello" },
        { tenant: "acme", principal: user("u") },
      );
      expect((await run.result()).status).toBe("completed");
      const [, assistant, ...results] = seen as { calls: { callId: string }[]; callId: string }[];
      const ids = assistant?.calls.map(({ callId }) => callId) ?? [];
      expect(new Set(ids).size).toBe(2);
      expect(results.map(({ callId }) => callId)).toEqual(ids);
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    });
  });
}
