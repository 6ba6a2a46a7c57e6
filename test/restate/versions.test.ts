import { OrchestrationError, operator, user, verifyChain } from "@remit/core";
import { restateOperator } from "@remit/core/restate";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Nodes } from "../../scripts/restate/server.mjs";
import { folder, remit } from "../cli/remit.ts";
import { desk, each, endsOf, one, replayed, two } from "../faults/deploy-desk.ts";
import { closeNode, isAll, long, openEngine, theNode } from "./place.ts";

/**
 * Two versions side by side on a cluster (D4): how the old one is drained and removed while runs of it wait. Their number
 * is `REMIT_RESTATE_PARKED`; 500 where all of the contract is played, 10 elsewhere.
 */

const many = Number(process.env.REMIT_RESTATE_PARKED ?? (isAll ? 500 : 10));
const tenant = "acme";
const principal = user("u_1");
const started: { readonly close: () => Promise<void> }[] = [];
let nodes: Nodes;
let names = 0;
beforeAll(async () => {
  nodes = await theNode();
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});
afterAll(closeNode);

/** What stands for processes of one installation: workers, and with `false` one that drives nothing. */
function installation() {
  const namespace = `versions${names++}`;
  const open = (worker = true, deadlineMs = 60_000) => {
    const engine = openEngine(nodes, namespace, { worker, deadlineMs });
    started.push(engine);
    return engine;
  };
  return Object.assign(open, { namespace });
}

const errorOf = (promise: Promise<unknown>): Promise<OrchestrationError> =>
  promise.then(
    () => Promise.reject(new Error("it was not refused")),
    (error: unknown) => (OrchestrationError.is(error) ? error : Promise.reject(error)),
  );

test(`D4 of ${many} runs that wait while a new version comes, each ends by the rules that it began with; the old version is removed when none needs it, and not before`, async () => {
  const open = installation();
  const effects: string[] = [];
  const old = open();
  const first = desk(old, one, effects);
  const ids: string[] = [];
  const parkedAt = performance.now();
  await each([...Array(many).keys()], async (index) => {
    const run = await first.start({ to: `a_${index}`, amountCents: 900 }, { tenant, principal });
    expect(await run.settled()).toBe("parked");
    ids.push(run.id);
  });
  const [before] = await old.operator.deployments();
  expect(before).toMatchObject({ runs: many, draining: false });
  const gone = before?.id ?? "";

  const young = open();
  const second = desk(young, two, effects);
  await young.ready();
  const rolledAt = performance.now();
  // A deploy script drains with a deadline; while runs need the old version it is told by code how many.
  const looks: number[] = [];
  const late = await errorOf(young.operator.drain(gone, { deadlineMs: 500, onLook: ({ runs }) => looks.push(runs) }));
  expect(late).toMatchObject({ code: "engine/still-needed", data: { deployment: gone, runs: many } });
  expect(new Set(looks)).toEqual(new Set([many]));
  const refused = await errorOf(young.operator.remove(gone));
  expect(refused).toMatchObject({ code: "engine/still-needed", data: { deployment: gone, runs: many } });
  expect((refused.data as { some: string[] }).some).toHaveLength(Math.min(20, many));
  // New runs begin at the new version alone, whichever process still has the old one.
  await expect(first.start({ to: "b", amountCents: 900 }, { tenant, principal })).rejects.toMatchObject({
    code: "engine/draining",
  });
  const elsewhere = desk(open(false), one);
  await expect(elsewhere.start({ to: "b", amountCents: 900 }, { tenant, principal })).rejects.toMatchObject({
    code: "engine/draining",
  });
  const fresh = await second.start({ to: "c", amountCents: 900 }, { tenant, principal });
  expect(await fresh.settled()).toBe("parked");

  const draining = young.operator.drain(gone, { deadlineMs: 3_600_000 });
  // The new version's inbox shows and decides what the runs of both wait for.
  const cases = await second.approvals.list({ tenant, most: many + 2 });
  expect(cases).toHaveLength(many + 1);
  await each(cases, async ({ address, binding }) => {
    await second.approvals.approve(tenant, address, { reason: "as agreed", principal: operator("o_1"), binding });
  });
  expect(await endsOf(second, ids)).toEqual({ "completed: Prompt 1.": many });
  expect(await endsOf(second, [fresh.id])).toEqual({ "denied: Prompt 2.": 1 });
  expect(effects).toHaveLength(many + 1);
  expect(new Set(effects).size).toBe(many + 1);
  expect(await draining).toMatchObject({ id: gone, runs: 0, underWay: 0, draining: true });
  const drainedAt = performance.now();

  await old.close();
  await young.operator.remove(gone);
  expect((await young.operator.deployments()).map(({ id }) => id)).not.toContain(gone);
  expect((await errorOf(young.operator.remove(gone))).code).toBe("engine/refused");
  // What has ended is read from the cluster's tables, chain and all, and decided again by who loads its definition.
  const reader = open(false);
  await each(ids, async (id) => {
    const batches = await reader.journal.read({ tenant, kind: "run", id });
    expect(verifyChain(batches)).toMatchObject({ head: { seq: batches.at(-1)?.lastSeq } });
  });
  expect(await replayed(desk(reader, one), ids)).toEqual({ "ok, completed, from the start": many });
  const seconds = (from: number, to: number) => ((to - from) / 1_000).toFixed(1);
  console.log(
    `${many} runs: parked in ${seconds(parkedAt, rolledAt)} s, approved, ended and drained in ${seconds(rolledAt, drainedAt)} s`,
  );
}, 1_800_000);

test("D4 a version that was drained can be opened again, and one that comes back at another address is open", async () => {
  const open = installation();
  const old = open();
  const first = desk(old, one);
  const start = () => first.start({ to: "a", amountCents: 900 }, { tenant, principal, idempotencyKey: "k" });
  const run = await start();
  expect(await run.settled()).toBe("parked");
  const [{ id } = { id: "" }] = await old.operator.deployments();
  await errorOf(old.operator.drain(id));
  expect(await old.operator.deployments()).toMatchObject([{ id, draining: true }]);
  // Who starts again what has begun is given it.
  expect((await start()).id).toBe(run.id);
  const other = desk(open(), one);
  await other.engine.journal.tenantKey(tenant);
  expect(await (await other.start({ to: "b", amountCents: 900 }, { tenant, principal })).settled()).toBe("parked");
  // Whoever looks after a cluster needs its admin port alone: the newest worker, to which the index went, is gone here.
  await other.engine.close();
  const alone = restateOperator({ admin: nodes.admin, namespace: open.namespace });
  // Both runs can go on where the other one is, so none of them needs one of the two.
  expect((await alone.deployments()).map(({ runs, draining }) => [runs, draining])).toEqual([
    [0, false],
    [0, false],
  ]);
  await alone.remove((await alone.deployments()).find((view) => view.id !== id)?.id ?? "");
  expect(await alone.deployments()).toMatchObject([{ id, runs: 2, draining: true }]);
  await alone.undrain(id);
  expect(await alone.deployments()).toMatchObject([{ id, runs: 2, draining: false }]);
  expect((await errorOf(old.operator.drain("dp_nobody"))).code).toBe("engine/refused");
  expect((await errorOf(old.operator.undrain("dp_nobody"))).code).toBe("engine/refused");
});

test("D4 who waits for a drain can stop waiting; no new run begins there until it is opened", async () => {
  const open = installation();
  const engine = open();
  const only = desk(engine, one);
  const run = await only.start({ to: "a", amountCents: 900 }, { tenant, principal });
  await run.settled();
  const [{ id } = { id: "" }] = await engine.operator.deployments();
  const stop = new AbortController();
  const reason = new Error("enough");
  const waited = engine.operator.drain(id, {
    deadlineMs: 3_600_000,
    signal: stop.signal,
    onLook: () => stop.abort(reason),
  });
  await expect(waited).rejects.toBe(reason);
  expect(await engine.operator.deployments()).toMatchObject([{ draining: true, runs: 1 }]);
});

test("D4 a start that comes in behind the removal of its version is told so, kept, and done when the version comes back", async () => {
  const open = installation();
  const old = open();
  desk(old, one);
  await old.ready();
  const [{ id } = { id: "" }] = await old.operator.deployments();
  const young = desk(open(), two);
  await young.engine.journal.tenantKey(tenant);
  await old.close();
  await old.operator.remove(id);
  const late = desk(open(false, 5_000), one);
  const asked = { tenant, principal, idempotencyKey: "late" };
  const refused = await errorOf(late.start({ to: "a", amountCents: 900 }, asked));
  expect(refused.code).toBe("engine/no-worker");
  const again = desk(open(), one);
  const run = await again.start({ to: "a", amountCents: 900 }, asked);
  expect(await run.settled()).toBe("parked");
  expect(await again.list({ tenant })).toHaveLength(1);
});

test("V3 two versions that start under one key have one run, also when the first one's rests by the time that the second comes in", async () => {
  const open = installation();
  const first = desk(open(), one);
  const run = await first.start({ to: "a", amountCents: 900 }, { tenant, principal, idempotencyKey: "k" });
  expect(await run.settled()).toBe("parked");
  const young = open();
  const second = desk(young, two);
  const entries = await run.entries();
  const [begun] = entries;
  if (begun?.type !== "run.started") throw new Error("it has not begun");
  // As its start sends it, which has looked for the run a moment before it was there.
  const body = { ...begun.body, definitionHash: second.definition.hash };
  const event = { id: "start", type: "run.started", path: "", body } as const;
  const late = young.deliver({ tenant, runId: run.id }, `desk@${second.definition.hash}`, event);
  expect(await errorOf(late)).toMatchObject({ code: "journal/conflict" });
  expect(await (await second.find(run.id, { tenant })).entries()).toEqual(entries);
  expect(await second.list({ tenant })).toHaveLength(1);
}, 60_000);

test("an operator rolls a version out by the command line: look, drain, remove; exit codes say what is still needed", async ({
  skip,
}) => {
  skip(!isAll, long);
  const open = installation();
  const old = open();
  const first = desk(old, one);
  const run = await first.start({ to: "a", amountCents: 900 }, { tenant, principal });
  expect(await run.settled()).toBe("parked");
  const second = desk(open(), two);
  await second.engine.journal.tenantKey(tenant);
  const home = folder();
  const [admin = ""] = nodes.admin;
  const cluster = async (...args: string[]) => {
    const asked = ["cluster", ...args, "--namespace", open.namespace, "--json"];
    const { code, stdout, stderr } = await remit(home, asked, { REMIT_RESTATE_ADMIN: `http://127.0.0.1:1,${admin}` });
    return { code, stderr, ...JSON.parse(stdout) };
  };
  const listed = await cluster("deployments");
  const views = listed.deployments as { readonly id: string; readonly runs: number }[];
  const gone = views.find(({ runs }) => runs === 1)?.id ?? "";
  expect(views).toHaveLength(2);
  const needed = { code: "engine/still-needed", deployment: gone, runs: 1, some: [`${tenant}/${run.id}`] };
  expect(await cluster("drain", gone, "--for", "0s")).toMatchObject({ code: 1, ok: false, error: needed });
  expect(await cluster("remove", gone)).toMatchObject({ code: 1, ok: false, error: needed });
  expect(await cluster("stuck")).toMatchObject({ code: 0, stuck: [] });
  expect(await cluster("resume")).toMatchObject({ code: 0, resumed: 0 });
  expect(await cluster("drain", "dp_nobody")).toMatchObject({ code: 2, error: { code: "engine/refused" } });
  expect(await cluster("drain", gone, "--for", "soon")).toMatchObject({ code: 2, error: { code: "usage/wrong" } });
  const shown = await remit(home, ["cluster", "--admin", admin, "--namespace", open.namespace]);
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect(shown.stdout).toMatch(new RegExp(`${gone} .* 1 +0 +none; draining`));
  await run.cancel("over");
  expect(await cluster("drain", gone, "--for", "1m")).toMatchObject({ code: 0, deployment: { id: gone, runs: 0 } });
  expect(await cluster("remove", gone)).toMatchObject({ code: 0, ok: true });
  expect((await cluster("deployments")).deployments).toHaveLength(1);
});
