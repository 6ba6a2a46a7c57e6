import {
  approverKey,
  asAgent,
  completenessOf,
  createSupervisor,
  defineAgent,
  defineHandoff,
  defineParallel,
  defineSpecialist,
  defineSupervisor,
  type Engine,
  type Entry,
  type EntryBodies,
  type EntryType,
  ed25519Signer,
  operator,
  type Run,
  remoteAgent,
  type ServedSpecialist,
  serveSpecialist,
  user,
  verifyChain,
} from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Bank, done, finds, makeAgency, makeCaller, refunds } from "./engine-agency.ts";
import { call, makeGate, turns } from "./engine-desk.ts";
import { type EngineKit, input, parked, start, tenant, typesOf } from "./engine-kit.ts";

const boss = { principal: operator("boss", ["lead"]), reason: "fine" } as const;
const paying = [[call("pay_back", "7")], done("7")];

function bodies<Type extends EntryType>(entries: readonly Entry[], type: Type): EntryBodies[Type][] {
  return entries.flatMap((entry) => (entry.type === type ? [entry.body as EntryBodies[Type]] : []));
}

/** The run that a delegation became, as its owner sees it. */
async function childOf(run: Run<unknown>, { supervisor }: ServedSpecialist): Promise<Run<unknown>> {
  const [sent] = bodies(await run.entries(), "delegation.sent");
  return supervisor.find(sent?.run ?? "", { tenant });
}

/** What specialists in deployments of their own keep, on every engine (ADR 30). */
export function specialistsContract({ fresh, again, survives }: EngineKit): void {
  const desks = async (
    more: Partial<Parameters<typeof makeAgency>[0]> & Partial<Parameters<typeof makeCaller>[0]> = {},
    script: Parameters<typeof turns>[0] = {},
    engine: Engine = fresh(),
  ) => {
    const model = turns({ triage: [finds("7")], clerk: paying, ...script });
    const bank = new Bank();
    const agency = makeAgency({ engine, model, bank, ...more });
    await agency.ready();
    const desk = makeCaller({ engine, model, ...more });
    return { engine, agency, desk, bank, model };
  };
  const keys = approverKey();
  const signer = ed25519Signer(keys.privateKey);
  const callers = { desk: { key: keys.publicKey } };

  describe("specialists of their own", () => {
    test("a delegation is a run of its own, whose answer, cost and end stand in that of its caller", async () => {
      const { engine, agency, desk, bank } = await desks();
      const run = await desk.start(input, { ...start, conversationId: "c1", attributes: { world: "w" } });
      const result = await run.result();
      expect(result).toMatchObject({ status: "completed", output: { done: "7" } });
      expect(bank.calls).toEqual([{ tool: "pay_back", id: "7", principal: "u" }]);
      const entries = await run.entries();
      const [ended] = bodies(entries, "delegation.ended");
      const child = await childOf(run, agency);
      expect(child.id).toBe(ended?.run);
      // Evidence of both is linked: the caller's chain holds the head of the specialist's.
      const batches = await engine.journal.read({ tenant, kind: "run", id: child.id });
      expect(verifyChain(batches)).toEqual({ head: { seq: ended?.seq, hash: ended?.hash } });
      const [began] = bodies(await child.entries(), "run.started");
      expect(began).toMatchObject({
        input: { id: "7" },
        // Nobody has shown who they are: no callers are known.
        principal: { id: "u", authenticated: false },
        conversationId: "c1",
        attributes: { world: "w" },
        delegation: { parent: { run: run.id, path: "refunds#1" }, specialist: "refunds@1", contract: refunds.hash },
      });
      for (const [all, of] of [
        [entries, desk.definition],
        [await child.entries(), agency.supervisor.definition],
      ] as const) {
        expect(completenessOf(all, of).missing).toEqual([]);
      }
      for (const [one, of] of [
        [desk, run],
        [agency.supervisor, child],
      ] as const) {
        expect((await one.replay(of.id, { tenant })).fault).toBeUndefined();
      }
      expect(typesOf(entries)).toContain("handoff.returned");
    });

    test("what waits for a person there stands in the inbox of whoever delegated, and is decided on from there", async () => {
      const { agency, desk, bank } = await desks({ risk: "high" });
      const run = await desk.start(input, start);
      await expect.poll(async () => (await desk.approvals.list({ tenant })).length).toBe(1);
      // The caller's own record says that a person is waited for.
      await parked(run);
      expect((await desk.list({ tenant, waitingFor: "approval" })).map(({ runId }) => runId)).toEqual([run.id]);
      const [open] = await desk.approvals.list({ tenant });
      expect(open).toMatchObject({ tool: "pay_back", supervisor: "refunds" });
      expect(await agency.supervisor.approvals.list({ tenant })).toEqual([open]);
      await expect.poll(() => run.status()).toBe("parked");
      expect(bank.calls).toEqual([]);
      // Who started the caller's run asked for it, and approves nothing of it there.
      const own = desk.approvals.approve(tenant, open?.address ?? "", { principal: user("u"), reason: "" });
      await expect(own).rejects.toMatchObject({ code: "approval/self-approval" });
      await desk.approvals.approve(tenant, open?.address ?? "", boss);
      expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
      expect([...bank.paid.values()]).toEqual([1]);
    });

    test("a question of the specialist is one of its caller's, and is answered there", async () => {
      const { desk, agency } = await desks(
        {},
        {
          clerk: [
            [{ type: "ask", of: "customer", question: "Which card?" }],
            [{ type: "ask", of: "customer", question: "Sure?" }],
            ...paying,
          ],
        },
      );
      const run = await desk.start(input, start);
      await parked(run);
      const [first] = await run.questions();
      expect(first).toEqual({ ask: "refunds#1/clerk#1/ask#1", of: "customer", by: "clerk", question: "Which card?" });
      await run.send("the blue one", { key: "a" });
      await run.send("the blue one", { key: "a" });
      await expect.poll(async () => (await run.questions()).map(({ question }) => question)).toEqual(["Sure?"]);
      await run.send("yes", { ask: "refunds#1/clerk#1/ask#2" });
      expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
      const heard = bodies(await (await childOf(run, agency)).entries(), "input.received");
      expect(heard.map(({ answer }) => answer)).toEqual(["the blue one", "yes"]);
    });

    test("what is taken away here is taken from its specialist too", async () => {
      const { desk, agency, bank } = await desks({ risk: "high", onFailure: "escalate", restrictionsMaxAgeMs: 0 });
      const run = await desk.start(input, start);
      await parked(run);
      await desk.restrict({ kind: "agent", name: "refunds" }, { tenant, reason: "it errs" });
      const child = await childOf(run, agency);
      // Its next look is soon, and it hears of that then.
      expect((await run.result()).status).toBe("escalated");
      expect(await child.result()).toMatchObject({ status: "cancelled", reason: "revoked" });
      expect(await desk.approvals.list({ tenant })).toEqual([]);
      expect(bank.calls).toEqual([]);
    });

    test("its owner undoes what it did, and nobody else has it do anything by that way", async () => {
      const { engine, desk, agency, bank } = await desks({ callers, signer });
      const run = await desk.start(input, start);
      await run.result();
      const child = await childOf(run, agency);
      const undo = await agency.supervisor.compensate(child.id, { tenant, principal: boss.principal });
      expect(await undo.result()).toMatchObject({ status: "completed", output: { undone: [{ tool: "take_back" }] } });
      expect(bank.calls.map(({ tool }) => tool)).toEqual(["pay_back", "take_back"]);
      const [began] = bodies(await undo.entries(), "run.started");
      const undos = [{ effect: "clerk#1/tool#1", undoes: "pay_back", tool: "take_back", input: { id: "8" } }];
      const body = { ...began, compensates: { run: child.id, undos } } as EntryBodies["run.started"];
      const { definition } = agency.supervisor;
      const event = { id: "start", type: "run.started", path: "", body } as const;
      await engine.deliver({ tenant, runId: "run_forged" }, `refunds@${definition.hash}`, event);
      const forged = await agency.supervisor.find("run_forged", { tenant });
      expect(await forged.result()).toMatchObject({
        status: "denied",
        packet: { error: { code: "specialist/not-delegated" } },
      });
      expect(bank.calls).toHaveLength(2);
    });

    test("two at once beside each other are two runs, each within what its edge sets aside for it", async () => {
      const engine = fresh();
      const bank = new Bank();
      const model = turns({ split: [finds("7")], clerk: paying, join: [done("both")] });
      await makeAgency({ engine, model, bank }).ready();
      const common = { description: "", instructions: "", model: "m", tools: [] } as const;
      const order = refunds.input;
      const split = defineAgent({ ...common, name: "split", input: z.object({ text: z.string() }), output: order });
      const both = z.object({ left: z.string(), right: z.string() });
      const join = defineAgent({ ...common, name: "join", input: both, output: refunds.output });
      const left = remoteAgent(refunds, { name: "left" });
      const right = remoteAgent(refunds, { name: "right" });
      const grant = { budget: { tokens: 400 } } as const;
      const desk = createSupervisor({
        name: "pair",
        agents: { split, left, right, join },
        entry: "split",
        exit: "join",
        handoffs: [
          defineParallel({
            from: split,
            branches: { left: { to: left, grant, map: (one) => one }, right: { to: right, grant, map: (one) => one } },
            join: { to: join, map: (results) => ({ left: results.left.done, right: results.right.done }) },
          }),
        ],
        budget: { run: { tokens: 1_000 } },
        models: { m: model },
        engine,
      });
      const run = await desk.start(input, start);
      expect(await run.result()).toMatchObject({ status: "completed", output: { done: "both" } });
      const sent = bodies(await run.entries(), "delegation.sent");
      expect(sent.map(({ budget }) => budget)).toEqual([{ tokens: 400 }, { tokens: 400 }]);
      expect(new Set(sent.map(({ run: id }) => id)).size).toBe(2);
      expect([...bank.paid.values()]).toEqual([1, 1]);
    });

    test("a specialist that asks another one: authority, depth and evidence go all the way down", async () => {
      const engine = fresh();
      const bank = new Bank();
      const model = turns({ triage: [finds("7")], teller: [done("7")], clerk: paying, loop: [finds("7")] });
      const inner = makeAgency({ engine, model, bank });
      await inner.ready();
      const common = { description: "", instructions: "", model: "m", tools: [] } as const;
      const front = defineSpecialist({
        name: "front",
        description: "",
        input: refunds.input,
        output: refunds.output,
      });
      const loop = defineAgent({ ...common, name: "loop", input: front.input, output: front.input });
      const clerk = remoteAgent(refunds);
      const team = asAgent(
        defineSupervisor({
          name: "front_team",
          agents: { loop, refunds: clerk },
          entry: "loop",
          exit: "refunds",
          handoffs: [defineHandoff({ from: loop, to: clerk, map: (one) => one })],
        }),
        { name: "teller", description: "", input: front.input, output: front.output },
      );
      const outer = serveSpecialist({ specialist: front, agent: team, engine, models: { m: model } });
      await outer.ready();
      const far = remoteAgent(front);
      const triage = defineAgent({
        ...common,
        name: "triage",
        input: z.object({ text: z.string() }),
        output: front.input,
      });
      const deskOf = (name: string, limits: object, grant: object) =>
        createSupervisor({
          name,
          agents: { triage, front: far },
          entry: "triage",
          exit: "front",
          handoffs: [defineHandoff({ from: triage, to: far, grant, map: (one) => one })],
          limits,
          models: { m: model },
          engine,
        });
      const run = await deskOf("far", {}, {}).start(input, start);
      expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
      const [grandchild] = await inner.supervisor.list({ tenant });
      const found = await inner.supervisor.find(grandchild?.runId ?? "", { tenant });
      expect(bodies(await found.entries(), "run.started")[0]?.delegation).toMatchObject({ depth: 2 });
      expect(bank.calls).toHaveLength(1);
      const bounded = await deskOf("bounded", {}, { effects: "read" }).start(input, start);
      await bounded.result();
      // Two hops away nothing is written under a grant that only reads.
      expect(bank.calls).toHaveLength(1);
    });

    test("R7 a caller that is gone meanwhile gets the same answer, and what was done is done once", async () => {
      const { engine, desk, bank, model } = await desks({ risk: "high" });
      const run = await desk.start(input, start);
      await expect.poll(async () => (await desk.approvals.list({ tenant })).length).toBe(1);
      await expect.poll(() => run.status()).toBe("parked");
      if (!survives()) return;
      await engine.close();
      const second = again();
      const agency = makeAgency({ engine: second, model, bank, risk: "high" });
      await agency.ready();
      const young = makeCaller({ engine: second, model });
      await young.resume();
      const [open] = await young.approvals.list({ tenant });
      await young.approvals.approve(tenant, open?.address ?? "", boss);
      const found = await young.find(run.id, { tenant });
      expect(await found.result()).toMatchObject({ status: "completed", output: { done: "7" } });
      expect([...bank.paid.values()]).toEqual([1]);
      expect(bodies(await found.entries(), "delegation.sent")).toHaveLength(1);
      expect((await young.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("another contract under the same version, and a specialist that nobody serves, are refused before anything runs", async () => {
      const other = defineSpecialist({
        name: "refunds",
        description: "",
        input: z.object({ id: z.string().max(20) }),
        output: z.object({ done: z.string(), at: z.number().optional() }),
      });
      const { desk } = await desks({ specialist: other as unknown as typeof refunds });
      const run = await desk.start(input, start);
      expect(await run.result()).toMatchObject({
        status: "failed",
        error: { code: "specialist/contract-mismatch", data: { expected: other.hash, served: refunds.hash } },
      });
      expect(typesOf(await run.entries())).toContain("delegation.refused");
      const next = { ...refunds, version: "2", address: "refunds@2" };
      const { desk: second, agency } = await desks({ specialist: next });
      const missed = await second.start(input, start);
      expect(await missed.result()).toMatchObject({ status: "failed", error: { code: "specialist/not-served" } });
      expect(await agency.supervisor.list({ tenant })).toEqual([]);
      await agency.withdraw();
      const gone = makeCaller({ engine: agency.supervisor.engine, model: turns({ triage: [finds("7")] }) });
      const third = await gone.start(input, start);
      expect(await third.result()).toMatchObject({ status: "failed", error: { code: "specialist/not-served" } });
    });

    test("where callers are known, what none of them has signed is not taken, and a signed one is theirs by name", async () => {
      const foreign = ed25519Signer(approverKey().privateKey);
      for (const [given, code] of [
        [undefined, "specialist/caller-unknown"],
        [foreign, "specialist/caller-unknown"],
        [{ ...foreign, keyId: signer.keyId }, "specialist/signature-invalid"],
      ] as const) {
        const { desk, agency, bank } = await desks({ callers, ...(given ? { signer: given } : {}) });
        const run = await desk.start(input, start);
        expect(await run.result()).toMatchObject({ status: "failed", error: { code } });
        const child = await childOf(run, agency);
        expect(typesOf(await child.entries())).toEqual(["run.started", "run.denied"]);
        expect((await agency.supervisor.replay(child.id, { tenant })).fault).toBeUndefined();
        expect(bank.calls).toEqual([]);
      }
      const { desk, agency } = await desks({ callers, signer });
      const run = await desk.start(input, start);
      expect((await run.result()).status).toBe("completed");
      const [began] = bodies(await (await childOf(run, agency)).entries(), "run.started");
      expect(began).toMatchObject({ delegation: { caller: "desk" }, principal: { id: "u", authenticated: true } });
    });

    test("what was signed begins one run: sent again, elsewhere or with other words, it does nothing", async () => {
      const { engine, desk, agency, bank } = await desks({ callers, signer });
      const run = await desk.start(input, start);
      await run.result();
      const child = await childOf(run, agency);
      const [began] = bodies(await child.entries(), "run.started");
      if (!began?.delegation) throw new Error("nothing began");
      const { caller: _, ...delegation } = began.delegation;
      const { definition } = agency.supervisor;
      const id = `${definition.name}@${definition.hash}`;
      const send = async (runId: string, body: object, as = tenant) => {
        const event = { id: "start", type: "run.started", path: "", body: { ...began, delegation, ...body } } as const;
        await engine.deliver({ tenant: as, runId }, id, event);
        const found = await agency.supervisor.find(runId, { tenant: as });
        return found.result();
      };
      expect(await send(child.id, {})).toMatchObject({ status: "completed" });
      const refused = (code: string) => ({
        status: "denied",
        reason: "delegation_refused",
        packet: { error: { code } },
      });
      expect(await send("run_other", {})).toMatchObject(refused("specialist/signature-invalid"));
      expect(await send("run_plain", { delegation: undefined })).toMatchObject(refused("specialist/not-delegated"));
      expect(await send("run_wide", { delegation: { ...delegation, grant: {} }, input: { id: "8" } })).toMatchObject(
        refused("specialist/signature-invalid"),
      );
      expect(await send(child.id, {}, "other")).toMatchObject(refused("specialist/signature-invalid"));
      const garbage = { delegation: { ...delegation, grant: "all" }, principal: 7, labels: "none" };
      expect(await send("run_garbage", garbage)).toMatchObject(refused("specialist/delegation-invalid"));
      expect(bank.calls).toHaveLength(1);
    });

    test("in development mode too a delegation begins its own run alone, and takes what the contract takes", async () => {
      const { engine, agency } = await desks();
      const { definition } = agency.supervisor;
      const parent = { run: "run_p", path: "x#1", definition: "desk@0" };
      const delegation = {
        parent,
        specialist: "refunds@1",
        contract: refunds.hash,
        grant: {},
        deadlineAt: 2e15,
        depth: 1,
      };
      const body = {
        supervisor: "refunds",
        definitionHash: definition.hash,
        principal: user("u"),
        labels: {},
        format: 1,
      } as const;
      const send = async (runId: string, more: { input: { id: unknown }; delegation: object }) => {
        const event = { id: "start", type: "run.started", path: "", body: { ...body, ...more } } as never;
        await engine.deliver({ tenant, runId }, `refunds@${definition.hash}`, event);
        const result = await (await agency.supervisor.find(runId, { tenant })).result();
        return "packet" in result ? result.packet : result.status;
      };
      expect(await send("run_a", { input: { id: "7" }, delegation })).toMatchObject({
        error: { code: "specialist/misdirected" },
      });
      const { delegatedRun } = await import("../../packages/core/src/remote/delegation.ts");
      const named = (path: string) => delegatedRun({ tenant, specialist: "refunds@1", run: "run_p", path });
      const at = (path: string, more: object = {}) => ({ ...delegation, ...more, parent: { ...parent, path } });
      expect(await send(named("a#1"), { input: { id: 7 }, delegation: at("a#1") })).toMatchObject({
        error: { code: "contract/input-invalid" },
      });
      expect(await send(named("b#1"), { input: { id: "7" }, delegation: at("b#1", { contract: "x" }) })).toMatchObject({
        error: { code: "specialist/contract-mismatch" },
      });
      expect(await send(named("c#1"), { input: { id: "7" }, delegation: at("c#1", { deadlineAt: 1 }) })).toMatchObject({
        error: { code: "limits/exceeded" },
      });
      expect(await send(named("d#1"), { input: { id: "7" }, delegation: at("d#1") })).toBe("completed");
    });

    test("R6 what is granted there is the caller's grant and its owner's: each narrows, none widens", async () => {
      const denied = async (more: Parameters<typeof desks>[0]) => {
        const { desk, agency, bank } = await desks({ ...more, callers: more?.callers ?? callers, signer });
        const run = await desk.start(input, start);
        await run.result();
        const entries = await (await childOf(run, agency)).entries();
        const codes = bodies(entries, "tool.denied").map(({ error }) => error.code);
        return { codes, paid: bank.calls.length };
      };
      expect(await denied({})).toEqual({ codes: [], paid: 1 });
      const no = { codes: ["policy/not-granted"], paid: 0 };
      expect(await denied({ grant: { tools: ["look_up"] } })).toEqual(no);
      expect(await denied({ grant: { tools: ["pay_back"] }, allows: { effects: "read" } })).toEqual(no);
      expect(await denied({ allows: { arguments: { pay_back: { id: { oneOf: ["8"] } } } } })).toEqual(no);
      const key = keys.publicKey;
      expect(await denied({ callers: { desk: { key, grant: { tools: [] } } } })).toEqual(no);
      // What the caller's tenant may do travels too.
      expect(await denied({ tenants: { [tenant]: { tools: ["look_up"] } } })).toEqual(no);
    });

    test("a cancelled caller stops its specialist, and hears what that came to", async () => {
      const { desk, agency, bank } = await desks({ risk: "high" });
      const run = await desk.start(input, start);
      await expect.poll(async () => (await desk.approvals.list({ tenant })).length).toBe(1);
      await expect.poll(() => run.status()).toBe("parked");
      const child = await childOf(run, agency);
      await run.cancel("the customer is gone");
      expect((await run.result()).status).toBe("cancelled");
      expect(await child.result()).toMatchObject({ status: "cancelled", reason: "the customer is gone" });
      const [ended] = bodies(await run.entries(), "delegation.ended");
      expect(ended).toMatchObject({ run: child.id, end: { status: "cancelled" } });
      expect(await desk.approvals.list({ tenant })).toEqual([]);
      expect(bank.calls).toEqual([]);
      expect((await desk.replay(run.id, { tenant })).fault).toBeUndefined();
    });

    test("a part of a caller that is cancelled stops its specialist alone", async () => {
      const { desk, agency } = await desks({ risk: "high", onFailure: "escalate" });
      const run = await desk.start(input, start);
      await expect.poll(async () => (await desk.approvals.list({ tenant })).length).toBe(1);
      await expect.poll(() => run.status()).toBe("parked");
      await run.cancel("not that", { subtree: "refunds#1" });
      expect(await run.result()).toMatchObject({ status: "escalated", reason: "agent_failed" });
      expect(await (await childOf(run, agency)).result()).toMatchObject({ status: "cancelled", reason: "not that" });
    });

    test("the caller's time is the specialist's", async () => {
      const clock = fakeClock(1_000_000);
      const { desk, agency } = await desks({ risk: "high", limits: { deadlineMs: 60_000 } }, {}, fresh({ clock }));
      const run = await desk.start(input, start);
      await expect.poll(() => run.status()).toBe("parked");
      const child = await childOf(run, agency);
      const [began] = bodies(await child.entries(), "run.started");
      expect(began?.delegation?.deadlineAt).toBe(1_060_000);
      await expect
        .poll(async () => {
          clock.advance(61_000);
          return [await run.status(), await child.status()];
        })
        .toEqual(["failed", expect.stringMatching(/failed|cancelled/)]);
    });

    test("what the specialist's answer carries comes back with it", async () => {
      const { desk, agency } = await desks({ labels: ["web"] }, { clerk: [[call("look_up", "7")], done("7")] });
      const run = await desk.start(input, start);
      const result = await run.result();
      expect(result).toMatchObject({ status: "completed", marks: [{ pointer: "/done" }] });
      const [ended] = bodies(await run.entries(), "delegation.ended");
      expect(ended?.labels).toEqual(["user", "web"]);
      const [completed] = bodies(await (await childOf(run, agency)).entries(), "run.completed");
      expect(completed?.labels).toEqual(["user", "web"]);
    });

    test("R10 what is left of the caller's budget bounds the specialist, and what it spends is spent there", async () => {
      const paid = (script: Parameters<typeof turns>[0], microUsd = 4) => ({
        ...turns(script),
        cost: "paid" as const,
        quote: () => ({ microUsd: 10, tokens: 100 }),
        generate: async (...given: Parameters<ReturnType<typeof turns>["generate"]>) => ({
          ...(await turns(script).generate(...given)),
          cost: { microUsd, basis: "reported" as const },
          usage: { inputTokens: 20, outputTokens: 10 },
        }),
      });
      const script = { triage: [finds("7")], clerk: paying };
      const rich = await desks({ model: paid(script), budget: { run: { microUsd: 100 } } });
      const run = await rich.desk.start(input, start);
      expect(await run.result()).toMatchObject({ status: "completed", cost: { microUsd: 12 } });
      const [sent] = bodies(await run.entries(), "delegation.sent");
      expect(sent?.budget).toEqual({ microUsd: 96 });
      const settled = bodies(await run.entries(), "budget.settled");
      expect(settled.at(-1)).toMatchObject({
        agent: "refunds",
        amount: { microUsd: 8, tokens: 60 },
        basis: "reported",
      });
      const child = await childOf(run, rich.agency);
      expect(bodies(await child.entries(), "run.started")[0]?.budget).toEqual({ run: { microUsd: 96 } });
      expect((await rich.desk.costs(tenant)).total.microUsd).toBe(12);
      const poor = await desks({ model: paid(script), budget: { run: { microUsd: 17 } } });
      const second = await poor.desk.start(input, start);
      expect(await second.result()).toMatchObject({
        status: "failed",
        error: { code: "specialist/failed", data: { code: "budget/exceeded" } },
        cost: { microUsd: 8 },
      });
      // What is left of a provider's parts of a millionth is no part of a budget.
      const parts = await desks({ model: paid(script, 3.5), budget: { run: { microUsd: 100 } } });
      const third = await parts.desk.start(input, start);
      expect(await third.result()).toMatchObject({ status: "completed", cost: { microUsd: 10.5 } });
      const begun = bodies(await (await childOf(third, parts.agency)).entries(), "run.started");
      expect(begun[0]?.budget).toEqual({ run: { microUsd: 96 } });
      const budgets = { [tenant]: { microUsd: 1_000 } };
      const both = await desks({ model: paid(script), budgets });
      expect((await (await both.desk.start(input, start)).result()).status).toBe("completed");
      // Each run tells the tenant's budget of its own calls, and of no other's.
      expect((await both.desk.budget(tenant)).spent).toMatchObject({ microUsd: 12 });
    });

    test("a tenant's budget holds where its work is done, or nothing is done there", async () => {
      const engine = fresh();
      const model = turns({ triage: [finds("7")], clerk: paying });
      const agency = makeAgency({ engine, model });
      await agency.ready();
      const desk = makeCaller({ engine, model, budgets: { [tenant]: { microUsd: 1_000 } } });
      const run = await desk.start(input, start);
      expect(await run.result()).toMatchObject({ status: "failed", error: { code: "specialist/budget-missing" } });
    });

    test("two processes that cannot reach each other find each other in the journal", async () => {
      const first = fresh();
      if (!survives()) return;
      const model = turns({ triage: [finds("7")], clerk: paying });
      const bank = new Bank();
      const gate = makeGate();
      bank.before = () => gate.pass();
      const agency = makeAgency({ engine: first, model, bank });
      await agency.ready();
      const desk = makeCaller({ engine: again(), model });
      const run = await desk.start(input, start);
      await gate.reached;
      gate.open();
      expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
      expect([...bank.paid.values()]).toEqual([1]);
      agency.close();
    });

    test("a caller's cancel reaches a specialist in another process", async () => {
      const first = fresh();
      if (!survives()) return;
      const model = turns({ triage: [finds("7")], clerk: paying });
      const agency = makeAgency({ engine: first, model, risk: "high" });
      await agency.ready();
      const desk = makeCaller({ engine: again(), model });
      const run = await desk.start(input, start);
      await expect.poll(async () => (await desk.approvals.list({ tenant })).length).toBe(1);
      await run.cancel("no");
      expect((await run.result()).status).toBe("cancelled");
      expect((await (await childOf(run, agency)).result()).status).toBe("cancelled");
      agency.close();
    });
  });
}
