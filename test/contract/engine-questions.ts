import { everyTenant, type QuestionCase, type ToolAnswer, type ToolContext, type ToolQuestion } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { bodies } from "./engine-approvals.ts";
import { call, makeGate, turns } from "./engine-desk.ts";
import { type EngineKit, input, start, storedTypes, tenant, typesOf } from "./engine-kit.ts";
import {
  boss,
  defineOffice,
  makeOffice,
  nestOffice,
  type Office,
  openOffice,
  says,
  second,
  Till,
} from "./engine-office.ts";

/** A form of one field, and what fits it. */
const form = {
  mode: "form",
  message: "Which account?",
  schema: { type: "object", properties: { account: { type: "string", minLength: 2 } }, required: ["account"] },
} as const satisfies ToolQuestion;
const page = { mode: "url", message: "Sign in.", url: "https://login.example.com/a?b" } as const satisfies ToolQuestion;
const fits = { action: "accept", content: { account: "a-1" }, ...boss } as const;

/** Tools that ask people in the midst of a call. */
export function questionsContract({ fresh, again, late, survives, takesOver }: EngineKit): void {
  /** A till whose tools ask these questions one after the other, and keep what they were told. */
  const asking = (...questions: readonly ToolQuestion[]) => {
    const till = new Till();
    const told: (ToolAnswer | { readonly code: string })[] = [];
    till.before = async (_, { elicit }: ToolContext) => {
      for (const question of questions) {
        try {
          told.push((await elicit?.(question)) ?? { code: "nobody can be asked" });
        } catch (thrown) {
          told.push({ code: (thrown as { code: string }).code });
          throw thrown;
        }
      }
    };
    return { till, told };
  };
  const opened = (office: Office) =>
    new Promise<QuestionCase>((resolve, reject) => {
      const stop = office.on("question.opened", ({ body }, { runId }) => {
        stop();
        office.approvals.question(tenant, `${runId}/${body.question}`).then(resolve, reject);
      });
    });
  /** A run of one call that asks, up to its first question. */
  const one = async (
    tool: string,
    questions: readonly ToolQuestion[],
    options: Partial<Parameters<typeof makeOffice>[0]> = {},
  ) => {
    const asked = asking(...questions);
    const engine = options.engine ?? fresh();
    const model = turns({ worker: [[call(tool, "a")], says("ok"), says("ok")] });
    const office = makeOffice({ model, till: asked.till, restrictionsMaxAgeMs: 0, ...options, engine });
    const first = opened(office);
    const run = await office.start(input, start);
    return { office, run, open: await first, ...asked };
  };

  describe("questions of tools", () => {
    test("a call asks, a person answers, the call goes on with the answer; a replay needs neither", async () => {
      const { office, run, open, told, till } = await one("send_note", [form]);
      expect(await office.approvals.questions({ tenant })).toEqual([open]);
      expect(open).toMatchObject({
        address: `${run.id}/worker#1/tool#1/question#1`,
        agent: "worker",
        tool: "send_note",
        message: "Which account?",
        fields: [{ name: "account", title: "account", type: "string", required: true, bounds: { minLength: 2 } }],
        warnings: [],
        requesters: ["u"],
        labels: ["tool:send_note"],
      });
      expect(await office.approvals.list({ tenant })).toEqual([]);
      expect(await office.approvals.answer(tenant, open.address, fits)).toMatchObject({ outcome: "answered" });
      expect((await run.result()).status).toBe("completed");
      expect(told).toEqual([{ action: "accept", content: { account: "a-1" } }]);
      expect(till.effects.size).toBe(1);
      const entries = await run.entries();
      expect(typesOf(entries).filter((type) => /^(question|tool|effect)\./.test(type))).toEqual([
        "effect.intended",
        "tool.called",
        "question.asked",
        "question.opened",
        "question.answered",
        "question.closed",
        "tool.returned",
        "effect.settled",
      ]);
      expect(bodies(entries, "question.closed")).toMatchObject([{ outcome: "answered", by: "boss" }]);
      expect(bodies(entries, "question.answered")).toMatchObject([{ principal: { id: "boss" }, reason: boss.reason }]);
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
      expect(await office.approvals.questions({ tenant })).toEqual([]);
    });

    test("what does not count is refused by code and leaves the question open; said twice it is one answer", async () => {
      const { office, run, open, told } = await one("look_up", [form]);
      const answer = (said: object) => office.approvals.answer(tenant, open.address, { ...fits, ...said });
      const code = (value: string) => expect.objectContaining({ code: value });
      await expect(answer({ principal: start.principal })).rejects.toEqual(code("approval/self-approval"));
      await expect(answer({ binding: "of another one" })).rejects.toEqual(code("approval/binding-mismatch"));
      for (const content of [{}, { account: "a" }, { account: 1 }, { account: "a-1", more: true }]) {
        await expect(answer({ content })).rejects.toEqual(code("question/answer-invalid"));
      }
      await expect(answer({ action: "decline" })).rejects.toEqual(code("question/answer-invalid"));
      await expect(office.approvals.answer(tenant, `${open.address}0`, fits)).rejects.toEqual(code("question/unknown"));
      await expect(office.approvals.answer(tenant, "run_x/q", fits)).rejects.toEqual(code("question/unknown"));
      expect(await office.approvals.questions({ tenant })).toEqual([open]);

      const taken = await answer({ key: "k" });
      expect((await run.result()).status).toBe("completed");
      expect(await answer({ key: "k" })).toEqual(taken);
      await expect(answer({ key: "k", principal: second.principal })).rejects.toEqual(
        code("approval/binding-mismatch"),
      );
      await expect(answer({ key: "l" })).rejects.toEqual(code("question/already-answered"));
      expect(told).toHaveLength(1);
    });

    test("of two who answer at the same moment the first counts and the other is told who was first", async () => {
      const { office, run, open, told } = await one("look_up", [page]);
      const both = await Promise.allSettled([
        office.approvals.answer(tenant, open.address, { action: "accept", ...boss }),
        office.approvals.answer(tenant, open.address, { action: "decline", ...second }),
      ]);
      expect((await run.result()).status).toBe("completed");
      expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(both.find(({ status }) => status === "rejected")).toMatchObject({
        reason: { code: "question/already-answered" },
      });
      expect(told).toHaveLength(1);
    });

    test("nobody answers in time: the tool is told, and its timeout and the run's work stood still", async () => {
      const clock = fakeClock();
      // The tool has 30 s and the run 5 s of work; people have ten minutes.
      const limits = { answerMs: 600_000, activeMs: 5_000 };
      const { office, run, open, told } = await one("look_up", [form, page], { engine: fresh({ clock }), limits });
      expect(open.expiresAt - open.askedAt).toBe(600_000);
      const next = opened(office);
      clock.advance(599_000);
      await office.approvals.answer(tenant, open.address, fits);
      const { address } = await next;
      clock.advance(600_000);
      expect((await run.result()).status).toBe("completed");
      expect(told).toEqual([{ action: "accept", content: { account: "a-1" } }, { action: "cancel" }]);
      await expect(office.approvals.answer(tenant, address, { action: "accept", ...boss })).rejects.toMatchObject({
        code: "question/expired",
      });
      expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("work beside a question counts, and so does the tool's own time before and after it", async () => {
      const clock = fakeClock();
      const gate = makeGate();
      const { till, told } = asking(form);
      const ask = till.before;
      till.before = async (tool, context, id) => {
        if (id === "slow") return gate.pass();
        await ask(tool, context, id);
        await gate.pass();
      };
      const model = turns({ worker: [[call("look_up", "a", "c1"), call("look_up", "slow", "c2")], says("ok")] });
      const office = makeOffice({ engine: fresh({ clock }), model, till, limits: { activeMs: 50_000 } });
      const first = opened(office);
      const run = await office.start(input, start);
      const { address } = await first;
      await gate.reached;
      clock.advance(29_000);
      await office.approvals.answer(tenant, address, fits);
      expect(told).toHaveLength(1);
      clock.advance(29_000);
      // The second call is over its own 30 s, the first has used 29 s; the run has worked for 58 s.
      expect((await run.result()).status).toBe("failed");
      expect(bodies(await run.entries(), "limit.exceeded")).toMatchObject([{ limit: "activeMs" }]);
      gate.open();
    });

    test("a cancel, a kill switch and a revoked tool withdraw the question, and the call is over as ever", async () => {
      const ends = {
        cancelled: ({ run }: Awaited<ReturnType<typeof one>>) => run.cancel("enough"),
        denied: ({ office }: Awaited<ReturnType<typeof one>>) =>
          office.restrict({ kind: "tenant" }, { tenant: everyTenant, reason: "an incident" }),
        completed: ({ office }: Awaited<ReturnType<typeof one>>) =>
          office.restrict({ kind: "tool", name: "send_note" }, { tenant, reason: "it errs" }),
      };
      for (const [status, end] of Object.entries(ends)) {
        const made = await one("send_note", [form]);
        const { office, run, open, told } = made;
        await end(made);
        // What was taken away is heard with whatever comes next.
        if (status !== "cancelled") {
          await expect(office.approvals.answer(tenant, open.address, fits)).rejects.toMatchObject({
            code: "question/unknown",
          });
        }
        if (status === "completed") {
          const [uncertain] = await settledUncertain(run);
          await run.settle(uncertain?.effect ?? "", { outcome: "never", reason: "looked" });
        }
        expect((await run.result()).status).toBe(status);
        expect(told).toHaveLength(1);
        expect(["tool/question-withdrawn", "tool/cancelled"]).toContain((told[0] as { code: string }).code);
        expect(bodies(await run.entries(), "question.closed")).toMatchObject([{ outcome: "withdrawn" }]);
        expect((await office.replay(run.id, { tenant })).fault).toBeUndefined();
        if (status === "denied") {
          await office.lift({ kind: "tenant" }, { tenant: everyTenant, reason: "over" });
        }
      }
    });

    test("who asks without end is refused, and what nobody can be asked is no question", async () => {
      const { office, run, told } = await one("look_up", [page, page, page], { limits: { questions: 2 } });
      office.on("question.opened", ({ body }, { runId }) => {
        void office.approvals.answer(tenant, `${runId}/${body.question}`, { action: "decline", ...boss });
      });
      const [open] = await office.approvals.questions({ tenant });
      await office.approvals.answer(tenant, open?.address ?? "", { action: "decline", ...boss });
      expect((await run.result()).status).toBe("completed");
      expect(told).toEqual([{ action: "decline" }, { action: "decline" }, { code: "tool/questions-exceeded" }]);
      expect(bodies(await run.entries(), "tool.failed")).toMatchObject([
        { error: { code: "tool/questions-exceeded", data: { bound: 2 } } },
      ]);

      const wrong = asking({ mode: "url", message: "Look.", url: "javascript:alert(1)" });
      const model = turns({ worker: [[call("look_up", "a")], says("ok")] });
      const other = makeOffice({ engine: fresh(), model, till: wrong.till });
      expect((await (await other.start(input, start)).result()).status).toBe("completed");
      expect(wrong.told).toEqual([{ code: "tool/question-invalid" }]);
    });

    test("a tool that has answered asks nobody any more", async () => {
      const till = new Till();
      const kept: ToolContext[] = [];
      till.before = (_, context) => void kept.push(context);
      const model = turns({ worker: [[call("look_up", "a")], says("ok")] });
      const office = makeOffice({ engine: fresh(), model, till });
      const run = await office.start(input, start);
      await run.result();
      await expect(kept[0]?.elicit?.(form)).rejects.toMatchObject({ code: "tool/cancelled" });
      expect(typesOf(await run.entries())).not.toContain("question.asked");
    });

    test("the root's inbox sees what a tool in a team of a team asks", async () => {
      const { till, told } = asking(form);
      const model = turns({ worker: [[call("look_up", "a")], says("ok")] });
      const engine = fresh();
      const nested = nestOffice(defineOffice({ till }), 3);
      const office = openOffice(nested, { engine, model });
      const first = opened(office);
      const run = await office.start(input, start);
      const open = await first;
      expect(open.effect).toMatch(/^team_2#1\/team_1#1\/worker#1\/tool#1$/);
      await office.approvals.answer(tenant, open.address, fits);
      expect((await run.result()).status).toBe("completed");
      expect(told).toHaveLength(1);
    });

    test("the tool is told when the answer is on disk, and not before", async () => {
      const { engine, journal } = late();
      const { till } = asking(form);
      const model = turns({ worker: [[call("look_up", "a")], says("ok")] });
      const office = makeOffice({ engine, model, till });
      const first = opened(office);
      const run = await office.start(input, start);
      const { address } = await first;
      let stored: readonly string[] = [];
      till.after = async () => {
        stored = await storedTypes(journal, run);
      };
      await office.approvals.answer(tenant, address, fits);
      expect((await run.result()).status).toBe("completed");
      expect(stored).toContain("question.closed");
    });

    test("a write whose process died while a person was asked is settled as any other; the question is withdrawn", async () => {
      const { office, run } = await one("send_note", [form, page]);
      if (!survives()) return;
      const [first] = await office.approvals.questions({ tenant });
      const next = opened(office);
      await office.approvals.answer(tenant, first?.address ?? "", fits);
      await next;
      await office.engine.close();

      const { till, told } = asking(form, page);
      const model = turns({ worker: [[call("send_note", "a")], says("ok"), says("ok")] });
      const other = makeOffice({ engine: again(), model, till, restrictionsMaxAgeMs: 0 });
      const asked = opened(other);
      await other.resume();
      const open = await asked;
      // What was answered is told again; what was not is asked again.
      expect(told).toEqual([{ action: "accept", content: { account: "a-1" } }]);
      expect(open.question).toBe("worker#1/tool#1/question#2");
      await other.approvals.answer(tenant, open.address, { action: "accept", ...boss });
      const found = await other.find(run.id, { tenant });
      expect((await found.result()).status).toBe("completed");
      expect(told).toEqual([{ action: "accept", content: { account: "a-1" } }, { action: "accept" }]);
      const entries = await found.entries();
      expect(bodies(entries, "question.closed").map(({ outcome }) => outcome)).toEqual([
        "answered",
        "withdrawn",
        "recalled",
        "answered",
      ]);
      expect(till.effects.size).toBe(1);
      expect((await other.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("an answer from another process is left for the one that makes the call, and takes no run away from it", async ({
      skip,
    }) => {
      const clock = fakeClock();
      const { run, open, told, office } = await one("send_note", [form, page], { engine: fresh({ clock }) });
      if (!survives()) return;
      skip(takesOver(), "nothing is left for a process: another one has taken the run over by then");
      const elsewhere = makeOffice({ engine: again({ clock }), model: turns({}), waitingRuns: "leave" });
      expect(await elsewhere.approvals.questions({ tenant })).toEqual([open]);
      const passing = async <T>(promise: Promise<T>, stepMs = 20): Promise<T> => {
        let done = false;
        const settled = promise.finally(() => {
          done = true;
        });
        settled.catch(() => {});
        while (!done) {
          // In small steps with many turns: a commit takes real time.
          for (let turn = 0; turn < 100 && !done; turn++) await new Promise((resolve) => setImmediate(resolve));
          clock.advance(stepMs);
        }
        return settled;
      };
      const next = opened(office);
      const said = { ...fits, key: "k" };
      expect(await passing(elsewhere.approvals.answer(tenant, open.address, said))).toMatchObject({
        outcome: "answered",
      });
      expect(told).toEqual([{ action: "accept", content: { account: "a-1" } }]);
      expect(await passing(elsewhere.approvals.answer(tenant, open.address, said))).toMatchObject({
        outcome: "answered",
      });
      const { address } = await passing(next);
      // Nobody is there to hear it now; whoever makes the call again does.
      await office.engine.close();
      const yes = { action: "accept", ...boss } as const;
      expect(await passing(elsewhere.approvals.answer(tenant, address, yes), 500)).toMatchObject({ outcome: "left" });
      const { till, told: toldAgain } = asking(form, page);
      const model = turns({ worker: [[call("send_note", "a")], says("ok"), says("ok")] });
      const other = makeOffice({ engine: again({ clock }), model, till });
      await other.resume();
      const found = await other.find(run.id, { tenant });
      expect((await passing(found.result())).status).toBe("completed");
      expect(toldAgain).toEqual([{ action: "accept", content: { account: "a-1" } }, { action: "accept" }]);
      expect(typesOf(await found.entries()).filter((type) => type === "run.resumed")).toHaveLength(1);
      expect((await other.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("stopped behind any entry and taken up again it ends, with one effect and no question answered twice", async () => {
      fresh();
      if (!survives()) return;
      // The last entries of the batches from the dispatch to the second answer.
      for (const stopAt of [6, 8, 10, 12, 14]) {
        const { till, told } = asking(form, page);
        const script = () => turns({ worker: [[call("send_note", "a")], says("ok"), says("ok")] });
        const openWith = (engine: ReturnType<typeof fresh>) => {
          const office = makeOffice({ engine, model: script(), till });
          office.on("question.opened", ({ body }, { runId }) => {
            const said = body.question.endsWith("#1") ? fits : ({ action: "accept", ...boss } as const);
            // Whoever is cut off while they speak says it again when the question is open again.
            office.approvals.answer(tenant, `${runId}/${body.question}`, said).catch(() => {});
          });
          return office;
        };
        const office = openWith(fresh());
        const run = await office.start(input, start);
        for await (const { seq } of run.events()) if (seq === stopAt) break;
        await office.engine.close();
        const other = openWith(again());
        await other.resume();
        const found = await other.find(run.id, { tenant });
        expect((await found.result()).status).toBe("completed");
        const entries = await found.entries();
        expect(till.effects.size).toBe(1);
        expect(bodies(entries, "question.closed").filter(({ outcome }) => outcome === "answered")).toHaveLength(2);
        expect(told.at(-1)).toEqual({ action: "accept" });
        expect((await other.replay(run.id, { tenant })).fault).toBeUndefined();
        await other.engine.close();
      }
    });
  });
}

/** Waits until the run is parked, for the one write of which nobody knows. */
async function settledUncertain(run: Awaited<ReturnType<Office["start"]>>) {
  await run.settled();
  return run.uncertain();
}
