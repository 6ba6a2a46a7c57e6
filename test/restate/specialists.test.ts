import { approverKey, type EntryBodies, ed25519Signer, operator, verifyChain } from "@remit/core";
import { restateEngine } from "@remit/core/restate";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePorts, type Nodes } from "../../scripts/restate/server.mjs";
import { Bank, done, finds, makeAgency, makeCaller } from "../contract/engine-agency.ts";
import { call, turns } from "../contract/engine-desk.ts";
import { input, start, tenant } from "../contract/engine-kit.ts";
import { clusterContract } from "./contract.ts";
import { closeNode, isAll, long, openEngine, theNode } from "./place.ts";

/** Specialists whose owners deploy them alone: what the contract of engines says, and what only several workers have. */

if (isAll) clusterContract(["specialists"]);
else describe.skip(`the contract of specialists (${long})`, () => test.todo("all of it"));

const started: { readonly close: () => Promise<void> }[] = [];
let nodes: Nodes;
beforeAll(async () => {
  nodes = await theNode();
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});
afterAll(closeNode);

const boss = { principal: operator("boss"), reason: "fine" } as const;

/** Workers of one installation, each a deployment of its own. */
function installation(namespace: string) {
  return () => {
    const engine = openEngine(nodes, namespace);
    started.push(engine);
    return engine;
  };
}

test("D4 a specialist is rolled while a delegation waits for a person: it ends under its own rules, and what is new begins under the new ones", async () => {
  const open = installation("agency1");
  const keys = approverKey();
  const callers = { desk: { key: keys.publicKey } };
  const bank = new Bank();
  const clerk = (text: string) => turns({ clerk: [[call("pay_back", "7")], done(text)] });
  const first = open();
  const old = makeAgency({ engine: first, model: clerk("by the old"), bank, risk: "high", callers });
  await old.ready();
  const desks = open();
  const desk = makeCaller({
    engine: desks,
    model: turns({ triage: [finds("7")] }),
    signer: ed25519Signer(keys.privateKey),
  });
  const waiting = await desk.start(input, start);
  await expect.poll(async () => (await desk.approvals.list({ tenant })).length).toBe(1);
  await expect.poll(() => waiting.status()).toBe("parked");

  const second = open();
  const young = makeAgency({
    engine: second,
    model: clerk("by the new"),
    bank,
    risk: "low",
    version: "2",
    callers,
  });
  await young.ready();
  expect(young.supervisor.definition.hash).not.toBe(old.supervisor.definition.hash);
  const fresh = await desk.start(input, start);
  expect(await fresh.result()).toMatchObject({ status: "completed", output: { done: "by the new" } });
  // The old deployment is needed: a run of it waits, and its caller with it.
  const needed = await second.operator.deployments();
  expect(needed.filter(({ runs }) => runs > 0).length).toBeGreaterThan(0);

  const [open7] = await desk.approvals.list({ tenant });
  expect(open7).toMatchObject({ tool: "pay_back", supervisor: "refunds" });
  await desk.approvals.approve(tenant, open7?.address ?? "", boss);
  expect(await waiting.result()).toMatchObject({ status: "completed", output: { done: "by the old" } });
  expect([...bank.paid.values()]).toEqual([1, 1]);

  const ended = (await waiting.entries()).find(({ type }) => type === "delegation.ended")
    ?.body as EntryBodies["delegation.ended"];
  expect(ended.definition).toBe(`refunds@${old.supervisor.definition.hash}`);
  const batches = await desks.journal.read({ tenant, kind: "run", id: ended.run });
  expect(verifyChain(batches)).toEqual({ head: { seq: ended.seq, hash: ended.hash } });
  expect((await desk.replay(waiting.id, { tenant })).fault).toBeUndefined();
});

test("R7 a specialist's worker that goes away at work is taken over by another of its deployment; the caller hears once", async () => {
  const open = installation("agency2");
  const bank = new Bank();
  const script = { triage: [finds("7")], clerk: [[call("pay_back", "7")], done("7")] };
  const first = open();
  const reached = Promise.withResolvers<void>();
  bank.before = (_, { signal }) => {
    reached.resolve();
    // The first worker is closed while it is here.
    return new Promise<void>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("the worker is gone")), { once: true });
    });
  };
  const one = makeAgency({ engine: first, model: turns(script), bank });
  await one.ready();
  const desk = makeCaller({ engine: open(), model: turns(script) });
  const run = await desk.start(input, start);
  await reached.promise;
  const rest = new Bank();
  const other = makeAgency({ engine: open(), model: turns(script), bank: rest });
  await other.ready();
  await first.close();
  expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
  expect(bank.paid.size).toBe(0);
  expect([...rest.paid.values()]).toEqual([1]);
  const entries = await run.entries();
  expect(entries.filter(({ type }) => type === "delegation.ended")).toHaveLength(1);
});

test("a caller that is cancelled while its specialist's worker is away has nothing done when that comes back", async ({
  skip,
}) => {
  skip(!isAll, long);
  const namespace = "agency3";
  const [port = 0] = await freePorts(1);
  const bank = new Bank();
  const script = { triage: [finds("7")], clerk: [[call("pay_back", "7")], done("7")] };
  const work = () => {
    const engine = openEngine(nodes, namespace, { port });
    started.push(engine);
    return makeAgency({ engine, model: turns(script), bank });
  };
  const agency = work();
  await agency.ready();
  const desks = openEngine(nodes, namespace, { deadlineMs: 3_000 });
  started.push(desks);
  const desk = makeCaller({ engine: desks, model: turns(script) });
  await desks.ready();
  await started[0]?.close();
  const run = await desk.start(input, start);
  const sent = () =>
    nodes.query(
      `SELECT id FROM sys_invocation WHERE target_service_name LIKE '${namespace}.run.refunds.%' AND status <> 'completed'`,
    );
  await expect.poll(async () => (await sent()).length, { timeout: 10_000 }).toBeGreaterThan(0);
  await run.cancel("the customer is gone");
  expect((await run.result()).status).toBe("cancelled");
  // What may have begun is not said to have been refused.
  const types = (await run.entries()).map(({ type }) => type);
  expect(types).toContain("delegation.recalled");
  expect(types).not.toContain("delegation.refused");
  const again = work();
  await again.ready();
  await expect.poll(async () => (await sent()).length, { timeout: 20_000 }).toBe(0);
  expect(await again.supervisor.list({ tenant })).toMatchObject([{ status: "cancelled" }]);
  expect(bank.calls).toEqual([]);
}, 120_000);

test("a run waits for no place of its own: what it begins in its own worker needs none", async () => {
  const { ingress, admin, identityKey } = nodes;
  const identityKeys = identityKey === undefined ? [] : [identityKey];
  const namespace = "agency9";
  const engine = restateEngine({ ingress, admin, namespace, worker: { port: 0, identityKeys }, driving: 1 });
  started.push(engine);
  const model = turns({ triage: [finds("7")], clerk: [[call("pay_back", "7")], done("7")] });
  await makeAgency({ engine, model }).ready();
  const run = await makeCaller({ engine, model }).start(input, start);
  expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
}, 30_000);
