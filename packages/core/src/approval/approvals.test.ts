import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Entry, EntryBodies, InputEvent } from "../event.ts";
import { seededIds } from "../ids.ts";
import { openBatch, sealBatch } from "../journal/chain.ts";
import { type Draft, emptyHead } from "../journal/draft.ts";
import { memoryJournal } from "../journal/memory.ts";
import type { RunRecord } from "../port/journal.ts";
import { operator, type Principal } from "../principal.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { defineTool } from "../tool.ts";
import { approvalService } from "./approvals.ts";
import { refusalOf, requestersOf, voterOf } from "./decide.ts";
import { openCasesOf } from "./open-cases.ts";
import type { ApprovalServiceOptions } from "./service.ts";
import { approverKey, approverRegistry, type DecisionFacts, signDecision } from "./signature.ts";

const refund = defineTool({
  name: "refund",
  description: "",
  input: z.object({ amountCents: z.int().positive() }),
  output: z.object({}),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: () => ({}),
});
const first = "action#1/tool#1";
const alice = operator("alice");
const bob = operator("bob", ["lead"]);
const carol = operator("carol", ["lead"]);
const reason = "looked at it";

/** A journal with runs that wait, and a core of a few lines that takes decisions as the real one does. */
function desk(options: Partial<ApprovalServiceOptions> = {}) {
  const journal = memoryJournal();
  const clock = fakeClock(1_000);
  const ids = seededIds(7);
  const delivered: InputEvent[] = [];

  const entriesOf = async (runId: string, tenant = "acme") =>
    (await journal.read({ tenant, kind: "run", id: runId })).flatMap((batch) => openBatch(batch, runId));
  const append = async (record: RunRecord, drafts: readonly Draft[]) => {
    const key = { tenant: record.tenant, kind: "run", id: record.runId } as const;
    const last = (await journal.read(key)).at(-1);
    const head = last ? { seq: last.lastSeq, hash: last.hash } : emptyHead;
    const batch = sealBatch(head, drafts, ids.salt);
    await journal.append(key, batch, head.seq, { ...record, lastSeq: batch.lastSeq });
  };
  const draft = (type: Draft["type"], body: object, cause = 0, path = "") =>
    ({ type, at: clock.now(), path, cause, body }) as Draft;

  /** Starts a run in which one write waits. */
  const wait = async (runId: string, more: Partial<EntryBodies["approval.requested"]> = {}, given = {}) => {
    const record: RunRecord = {
      tenant: "acme",
      runId,
      supervisor: "desk",
      definitionHash: "d1",
      waits: ["approval"],
      status: "parked",
      startedAt: clock.now(),
      updatedAt: clock.now(),
      lastSeq: 0,
      ...given,
    };
    const asked: EntryBodies["approval.requested"] = {
      effect: first,
      agent: "action",
      tool: "refund",
      input: { amountCents: 900 },
      inputHash: "h",
      binding: `b-${runId}`,
      risk: "high",
      reversible: false,
      quorum: 1,
      roles: ["lead"],
      requesters: requestersOf(alice),
      expiresAt: 5_000,
      labels: [],
      ...more,
    };
    await append(record, [draft("effect.proposed", asked), draft("approval.requested", asked)]);
    return record;
  };

  const deliver: ApprovalServiceOptions["deliver"] = async (record, event) => {
    delivered.push(event);
    if (event.type !== "approval.decided") throw new Error(`nobody expects ${event.type}`);
    const entries = await entriesOf(record.runId, record.tenant);
    const { body } = event;
    const open = openCasesOf(entries, record).find(({ effect }) => effect === body.effect);
    const known = entries.some((entry) => entry.type === "approval.decided" && entry.body.key === body.key);
    if (!open || known) return;
    const seq = entries.length + 1;
    const { effect, binding, quorum } = open;
    const by = voterOf(body.principal);
    const refusal = refusalOf(open, body, clock.now());
    const approvals = [...open.approvals, by];
    const made = refusal
      ? draft("approval.refused", { effect, by: body.principal.id, error: refusal.toRecord() }, seq)
      : body.decision === "reject"
        ? draft("approval.rejected", { effect, by, reason: body.reason }, seq)
        : body.decision === "edit"
          ? draft("approval.edited", { effect, by, next: `${effect}/edit#1` }, seq)
          : approvals.length < quorum
            ? draft("approval.recorded", { effect, by, approvals: approvals.length, quorum }, seq)
            : draft("approval.granted", { effect, binding, by: approvals, authenticated: true }, seq);
    await append(record, [draft(event.type, body, 0, effect), made]);
  };

  const service = approvalService({
    journal,
    clock,
    ids,
    deliver,
    principals: { current: () => bob },
    toolOf: (_, tool) => (tool === "refund" ? refund : undefined),
    isElsewhere: () => false,
    ...options,
  });
  const decided = async (runId: string) =>
    (await entriesOf(runId)).filter((entry): entry is Entry<"approval.decided"> => entry.type === "approval.decided");
  return { service, clock, wait, append, draft, deliver, delivered, decided, journal };
}

const at = (run: string) => `${run}/${first}`;
const code = (of: string) => expect.objectContaining({ code: of }) as object;

describe("the inbox", () => {
  test("lists what waits, the newest run first, of one tenant and one supervisor only", async () => {
    const { service, wait, clock } = desk({ supervisor: "desk" });
    await wait("run_1");
    clock.advance(1);
    await wait("run_2");
    await wait("run_3", {}, { tenant: "other" });
    await wait("run_4", {}, { supervisor: "office" });
    await wait("run_5", {}, { status: "completed" });
    expect((await service.list({ tenant: "acme" })).map(({ run }) => run)).toEqual(["run_2", "run_1"]);
    await expect(service.show("acme", at("run_3"))).rejects.toThrow(code("approval/unknown"));
    await expect(service.show("acme", at("run_4"))).rejects.toThrow(code("approval/unknown"));
    await expect(service.show("acme", "nonsense")).rejects.toThrow(code("approval/unknown"));
    expect(await service.show("acme", at("run_1"))).toMatchObject({ address: at("run_1"), binding: "b-run_1" });
  });

  test("pages through more runs than a journal lists at once, and past runs in which nothing waits", async () => {
    const { service, wait } = desk();
    for (let index = 0; index < 250; index++) {
      const run = `run_${String(index).padStart(3, "0")}`;
      await wait(run);
      if (index % 2 === 1) await service.approve("acme", at(run), { reason });
    }
    const expected = Array.from({ length: 125 }, (_, index) => `run_${String(248 - 2 * index).padStart(3, "0")}`);
    const whole = await service.list({ tenant: "acme", most: 1_000 });
    expect(whole.map(({ run }) => run)).toEqual(expected);
    const paged: string[] = [];
    for (let edge = {}; ; ) {
      const page = await service.list({ tenant: "acme", most: 40, ...edge });
      paged.push(...page.map(({ run }) => run));
      const last = page.at(-1);
      if (!last) break;
      edge = { before: last.startedAt, beforeRunId: last.run };
    }
    expect(paged).toEqual(expected);
    expect(await service.list({ tenant: "acme", most: 0 })).toEqual([]);
    expect(await service.list({ tenant: "acme", most: Number.NaN })).toEqual([]);
  });
});

describe("a decision", () => {
  test("reaches the run with what the person saw, marked unauthenticated in development mode", async () => {
    const { service, wait, delivered } = desk();
    await wait("run_1");
    const taken = await service.approve("acme", at("run_1"), { reason, key: "k1" });
    expect(taken).toEqual({ address: at("run_1"), key: "k1", outcome: "granted" });
    expect(delivered).toEqual([
      {
        id: "approval:k1",
        type: "approval.decided",
        path: first,
        body: {
          effect: first,
          binding: "b-run_1",
          decision: "approve",
          reason,
          principal: { ...bob, authenticated: false },
          key: "k1",
        },
      },
    ]);
    await expect(service.show("acme", at("run_1"))).rejects.toThrow(code("approval/unknown"));
    await expect(service.reject("acme", at("run_1"), { reason })).rejects.toThrow(code("approval/unknown"));
  });

  test("is a no, a yes of several, or an edit that names what takes its place", async () => {
    const { service, wait } = desk();
    await wait("run_1", { quorum: 2 });
    await wait("run_2");
    await wait("run_3");
    expect((await service.approve("acme", at("run_1"), { reason })).outcome).toBe("recorded");
    expect((await service.show("acme", at("run_1"))).approvals).toEqual(["bob"]);
    await expect(service.approve("acme", at("run_1"), { reason })).rejects.toThrow(code("approval/already-decided"));
    expect((await service.approve("acme", at("run_1"), { reason, principal: carol })).outcome).toBe("granted");
    expect((await service.reject("acme", at("run_2"), { reason })).outcome).toBe("rejected");
    expect(await service.edit("acme", at("run_3"), { amountCents: 450 }, { reason, key: "k3" })).toEqual({
      address: at("run_3"),
      key: "k3",
      outcome: "edited",
      next: `${at("run_3")}/edit#1`,
    });
  });

  test("that cannot count is refused before the run hears of it", async () => {
    const { service, wait, clock, delivered } = desk();
    await wait("run_1");
    await wait("run_2", { tool: "gone" });
    const address = at("run_1");
    const refused = (given: Promise<unknown>, of: string) => expect(given).rejects.toThrow(code(of));
    await refused(service.approve("acme", address, { reason, principal: alice }), "approval/self-approval");
    await refused(service.approve("acme", address, { reason, principal: operator("dan") }), "approval/role-missing");
    await refused(service.approve("acme", address, { reason, binding: "b0" }), "approval/binding-mismatch");
    await refused(service.edit("acme", address, { amountCents: -1 }, { reason }), "tool/input-invalid");
    await refused(service.edit("acme", address, { at: 1n as never }, { reason }), "tool/input-invalid");
    await refused(service.edit("acme", at("run_2"), {}, { reason }), "definition/unknown");
    const both = { decision: "approve", input: { amountCents: 1 }, reason } as never;
    await refused(service.decide("acme", address, both), "tool/input-invalid");
    await refused(service.decide("acme", address, { decision: "edit", reason } as never), "tool/input-invalid");
    clock.advance(4_000);
    await refused(service.approve("acme", address, { reason }), "approval/expired");
    expect(delivered).toEqual([]);
  });

  test("is taken once for one key, and a second delivery gets the first one's answer", async () => {
    const { service, wait, decided } = desk();
    await wait("run_1", { quorum: 2 });
    const say = () => service.approve("acme", at("run_1"), { reason, key: "k1" });
    const taken = await say();
    expect(await say()).toEqual(taken);
    await service.approve("acme", at("run_1"), { reason, key: "k2", principal: carol });
    expect(await say()).toEqual(taken);
    expect(await decided("run_1")).toHaveLength(2);
    const other = service.reject("acme", at("run_1"), { reason, key: "k1" });
    await expect(other).rejects.toThrow(code("approval/binding-mismatch"));
    const somebody = service.approve("acme", at("run_1"), { reason, key: "k1", principal: carol });
    await expect(somebody).rejects.toThrow(code("approval/binding-mismatch"));
  });

  test("that the run refuses is refused with the run's reason, also the second time", async () => {
    const late: ApprovalServiceOptions["deliver"] = async (record, event) => {
      made.clock.advance(4_000); // Between the look and the word the approval expired.
      await made.deliver(record, event);
    };
    const made = desk({ deliver: late });
    await made.wait("run_1");
    const say = () => made.service.approve("acme", at("run_1"), { reason, key: "k1" });
    await expect(say()).rejects.toThrow(code("approval/expired"));
    await expect(say()).rejects.toThrow(code("approval/expired"));
    expect(made.delivered).toHaveLength(1);
  });

  test("that comes after another one, or after the end, finds nothing open", async () => {
    const overtaken: ApprovalServiceOptions["deliver"] = async (record, event) => {
      const end = record.runId === "run_1" ? "approval.rejected" : "run.cancelled";
      await made.append(record, [made.draft(end, { effect: first, by: "carol" })]);
      await made.deliver(record, event);
    };
    const made = desk({ deliver: overtaken });
    await made.wait("run_1");
    await made.wait("run_2");
    const whys: Readonly<Record<string, string>> = {
      run_1: "it was rejected by carol",
      run_2: "the run ended as cancelled before",
    };
    for (const run of ["run_1", "run_2"]) {
      const given = made.service.approve("acme", at(run), { reason });
      await expect(given).rejects.toThrow(
        expect.objectContaining({ code: "approval/unknown", data: { run, effect: first, why: whys[run] } }),
      );
      expect(await made.decided(run)).toEqual([]);
    }
  });

  test("of a batch succeeds or fails alone", async () => {
    const { service, wait } = desk();
    for (const run of ["run_1", "run_2", "run_3", "run_4"]) await wait(run);
    const outcomes = await service.decideAll("acme", [
      { address: at("run_1"), decision: "approve", reason, key: "k1" },
      { address: at("run_2"), decision: "approve", reason, principal: alice },
      { address: "run_9/none", decision: "reject", reason },
      { address: at("run_3"), decision: "reject", reason, key: "k3" },
      { address: at("run_4"), decision: "edit", input: {}, reason },
    ]);
    expect(outcomes).toMatchObject([
      { ok: true, address: at("run_1"), key: "k1", outcome: "granted" },
      { ok: false, address: at("run_2"), error: { code: "approval/self-approval" } },
      { ok: false, address: "run_9/none", error: { code: "approval/unknown" } },
      { ok: true, address: at("run_3"), key: "k3", outcome: "rejected" },
      { ok: false, address: at("run_4"), error: { code: "tool/input-invalid" } },
    ]);
  });

  test("of a batch that fails outside its own rules is a value as well", async () => {
    const failing = desk({ deliver: () => Promise.reject(new Error("no way through")) });
    await failing.wait("run_1");
    const decisions = [{ address: at("run_1"), decision: "approve", reason }] as const;
    expect(await failing.service.decideAll("acme", decisions)).toMatchObject([
      { ok: false, error: { code: "run/internal", data: { reason: "no way through" } } },
    ]);
  });
});

describe("where keys are registered", () => {
  const pair = approverKey();
  const registry = approverRegistry({
    keys: [{ keyId: pair.keyId, principal: "bob", publicKey: pair.publicKey }],
  });
  const sign = (facts: DecisionFacts) => ({ keyId: pair.keyId, value: signDecision(facts, pair.privateKey) });
  const anonymous: Principal = { ...bob, authenticated: false };

  test("a signed decision shows who made it", async () => {
    const { service, wait, decided } = desk({ registry });
    await wait("run_1");
    await service.approve("acme", at("run_1"), { reason, sign, principal: anonymous });
    const [entry] = await decided("run_1");
    expect(entry?.body).toMatchObject({ principal: { id: "bob", authenticated: true } });
    expect(entry && registry.check(entry.body, "acme", "run_1")).toBeUndefined();
  });

  test("a signature may be made elsewhere, over the key and the binding that the person was shown", async () => {
    const { service, wait } = desk({ registry });
    await wait("run_1");
    const { binding } = await service.show("acme", at("run_1"));
    const facts = { tenant: "acme", run: "run_1", effect: first, binding, reason, principal: "bob", key: "k1" };
    const signature = sign({ ...facts, decision: "edit", input: { amountCents: 1 } });
    const edit = (amountCents: number) =>
      service.edit("acme", at("run_1"), { amountCents }, { reason, binding, key: "k1", signature });
    await expect(edit(2)).rejects.toThrow(code("approval/signature-invalid"));
    expect((await edit(1)).outcome).toBe("edited");
  });

  test("an unsigned one, or one signed by somebody else, never reaches the run", async () => {
    const { service, wait, delivered } = desk({ registry });
    await wait("run_1");
    const invalid = code("approval/signature-invalid");
    await expect(service.approve("acme", at("run_1"), { reason })).rejects.toThrow(invalid);
    await expect(service.approve("acme", at("run_1"), { reason, sign, principal: carol })).rejects.toThrow(invalid);
    const stranger = approverKey();
    const forged = (facts: DecisionFacts) => ({ ...sign(facts), value: signDecision(facts, stranger.privateKey) });
    await expect(service.approve("acme", at("run_1"), { reason, sign: forged })).rejects.toThrow(invalid);
    expect(delivered).toEqual([]);
  });
});
