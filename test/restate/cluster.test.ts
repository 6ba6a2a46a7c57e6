import { OrchestrationError, silentLogger, user } from "@remit/core";
import { restateEngine, restateOperator } from "@remit/core/restate";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { freePorts, type Nodes, post, startNodes, until } from "../../scripts/restate/server.mjs";
import { ask, call, finish, makeDesk, makeGate, turns, World } from "../contract/engine-desk.ts";
import { input, parked, start, tenant } from "../contract/engine-kit.ts";
import { closeNode, openEngine, openPlace, theNode } from "./place.ts";

/** What only a cluster has: ports, signatures, deployments, and the ways in which it can be away. */

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

/** Engines of one installation: workers at ports, and processes that drive nothing. */
function installation() {
  const namespace = `own${names++}`;
  const open = (options: Parameters<typeof openEngine>[2]) => {
    const engine = openEngine(nodes, namespace, { deadlineMs: 10_000, ...options });
    started.push(engine);
    return engine;
  };
  const idsOf = async (status: string): Promise<string[]> =>
    (
      await nodes.query(
        `SELECT id FROM sys_invocation WHERE target_service_name LIKE '${namespace}.%' AND status = '${status}'`,
      )
    ).map(({ id }) => id);
  return { namespace, open, idsOf };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: unknown) => (OrchestrationError.is(error) ? error.code : String(error)),
  );
const cancel = { id: "c", type: "cancel.requested", path: "", body: { reason: "x", principal: user("u") } } as const;

test("K1 where no node is, everybody is told in time, by code", async () => {
  const [port] = await freePorts(1);
  const away = `http://127.0.0.1:${port}`;
  const engine = restateEngine({ ingress: away, admin: away, deadlineMs: 400 });
  started.push(engine);
  const desk = makeDesk({ engine, model: turns({}) });
  const refused: unknown = await desk.start(input, start).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "journal/unavailable", cause: { code: "engine/unreachable" } });
  const key = { tenant, runId: "r" };
  expect(await codeOf(engine.deliver(key, `desk@${desk.definition.hash}`, cancel))).toBe("engine/unreachable");
  expect(await codeOf(engine.operator.stuck())).toBe("engine/admin-unreachable");
});

test("K1 where no worker is, who sends something is told so, and what was sent is done when one comes", async () => {
  const { open } = installation();
  const [port = 0] = await freePorts(1);
  const first = open({ port });
  const desk = makeDesk({ engine: first, model: turns({ clerk: [ask("?")] }) });
  const run = await desk.start(input, start);
  await parked(run);
  await first.close();
  const client = open({ worker: false, deadlineMs: 4_000 });
  const key = { tenant, runId: run.id };
  expect(await codeOf(client.deliver(key, `desk@${desk.definition.hash}`, cancel))).toBe("engine/no-worker");
  const again = makeDesk({ engine: open({ port }), model: turns({ clerk: [ask("?")] }) });
  await again.engine.journal.tenantKey(tenant);
  expect((await (await again.find(run.id, { tenant })).result()).status).toBe("cancelled");
});

test("a paused run says that it is, is listed with its reason, and goes on when it is resumed", async () => {
  const { open, idsOf } = installation();
  const engine = open({ deadlineMs: 3_000 });
  const gate = makeGate();
  const model = turns({ clerk: [() => gate.pass().then(() => finish("ok"))] });
  const desk = makeDesk({ engine, model });
  const run = await desk.start(input, start);
  await gate.reached;
  const [running = ""] = await idsOf("running");
  const answer = await fetch(`${nodes.admin[0]}/invocations/${running}/pause`, { method: "PATCH" });
  expect(answer.ok).toBe(true);
  await until("the pause", async () => (await idsOf("paused")).length > 0);
  expect(await codeOf(run.cancel("x"))).toBe("engine/run-paused");
  expect(await engine.operator.stuck()).toMatchObject([{ run: `${tenant}/${run.id}`, status: "paused" }]);
  gate.open();
  expect(await engine.operator.resumePaused()).toBe(1);
  expect((await run.result()).status).toBe("cancelled");
});

test("a run whose activation is cancelled in the cluster leaves its place to others, and goes on with what comes next", async () => {
  const { namespace, idsOf } = installation();
  const { ingress, admin, identityKey } = nodes;
  const identityKeys = identityKey === undefined ? [] : [identityKey];
  const engine = restateEngine({ ingress, admin, namespace, worker: { port: 0, identityKeys }, driving: 1 });
  started.push(engine);
  const gate = makeGate();
  let turn = 0;
  const say = () => (turn++ === 0 ? gate.pass().then(() => finish("late")) : finish("ok"));
  const desk = makeDesk({ engine, model: turns({ clerk: [say] }) });
  const run = await desk.start(input, start);
  await gate.reached;
  const [running = ""] = await idsOf("running");
  expect((await fetch(`${admin[0]}/invocations/${running}/cancel`, { method: "PATCH" })).ok).toBe(true);
  await until("its end", async () => (await idsOf("running")).length === 0);
  const other = await desk.start(input, start);
  expect((await other.result()).status).toBe("completed");
  await run.cancel("x");
  expect((await run.result()).status).toBe("cancelled");
  gate.open();
  await engine.idle();
}, 60_000);

test("G4 a worker that closes right behind the end of its runs leaves no call behind, and its deployment can be removed", async () => {
  const { namespace, open } = installation();
  const engine = open({});
  const desk = makeDesk({ engine, model: turns({ clerk: [finish("ok")] }) });
  const runs = await Promise.all(Array.from({ length: 20 }, () => desk.start(input, start)));
  await Promise.all(runs.map((run) => run.result()));
  await engine.close();
  const left = await nodes.query(
    "SELECT target, status, last_failure FROM sys_invocation WHERE status <> 'completed' AND status <> 'scheduled' " +
      `AND target_service_name LIKE '${namespace}.%'`,
  );
  expect(left).toEqual([]);
  const operator = restateOperator({ admin: nodes.admin, namespace });
  const [{ id } = { id: "" }] = await operator.deployments();
  await operator.remove(id);
  expect(await operator.deployments()).toEqual([]);
});

test("G4 a worker closes in time when the cluster is away, and says what it could not see", async () => {
  const own = await startNodes();
  const lines: unknown[] = [];
  const logger = { ...silentLogger, warn: (data: object, text: string) => void lines.push({ ...data, text }) };
  const engine = restateEngine({ ingress: own.ingress, admin: own.admin, worker: { port: 0 }, logger });
  try {
    const desk = makeDesk({ engine, model: turns({ clerk: [ask("?")] }) });
    await parked(await desk.start(input, start));
  } finally {
    await own.close();
  }
  await engine.close();
  expect(lines).toEqual([
    expect.objectContaining({ text: "a worker closes while calls of the cluster may be under way for it" }),
  ]);
});

test("an unsigned request to the worker's port, and one of a foreign cluster, change nothing", async () => {
  const { namespace, open } = installation();
  const [port = 0] = await freePorts(1);
  const engine = open({ port });
  const desk = makeDesk({ engine, model: turns({ clerk: [ask("?")] }) });
  const run = await desk.start(input, start);
  await parked(run);
  const before = await run.entries();
  const { connect } = await import("node:http2");
  const session = connect(`http://127.0.0.1:${port}`);
  const statusOf = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const type = "application/vnd.restate.invocation.v5";
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": type });
      stream.on("response", ({ ":status": status = 0 }) => resolve(status));
      stream.on("error", reject);
      stream.end("anything");
    });
  const service = (await engine.operator.deployments())[0]?.services.find((name) => name.includes(".run.")) ?? "";
  expect(await statusOf("/discover")).toBe(401);
  expect(await statusOf(`/invoke/${service}/drive`)).toBe(401);
  expect(await statusOf(`/invoke/${namespace}.Front/put`)).toBe(401);
  session.destroy();
  const foreign = await startNodes({ sign: true });
  try {
    await expect(post(`${foreign.admin[0]}/deployments`, { uri: `http://127.0.0.1:${port}` })).rejects.toThrow(/401/);
  } finally {
    await foreign.close();
  }
  expect(await run.entries()).toEqual(before);
  // What drives runs and closes their fronts is for the cluster alone, even where the ingress can be reached.
  const name = encodeURIComponent(`${tenant}/${run.id}`);
  for (const path of [
    `${service}/${name}/drive`,
    `${namespace}.Front/${name}/shut`,
    `${namespace}.Front/${name}/heard`,
    `${namespace}.Front/${name}/put`,
  ]) {
    await expect(post(`${nodes.ingress[0]}/${path}`, {})).rejects.toThrow(/40[04]/);
  }
  expect(await run.entries()).toEqual(before);
});

test("another tenant's run is not there: neither read, nor answered, nor approved", async () => {
  const { open } = installation();
  const desk = makeDesk({ engine: open({}), model: turns({ clerk: [ask("?")] }) });
  const run = await desk.start(input, start);
  await parked(run);
  const other = "other";
  expect(await codeOf(desk.find(run.id, { tenant: other }))).toBe("run/unknown");
  expect(await desk.list({ tenant: other })).toEqual([]);
  expect(await desk.engine.journal.read({ tenant: other, kind: "run", id: run.id })).toEqual([]);
  expect(await codeOf(desk.approvals.approve(other, `${run.id}/x`, { reason: "" }))).toMatch(/unknown/);
  await desk.engine.deliver({ tenant: other, runId: run.id }, `desk@${desk.definition.hash}`, cancel);
  expect(await run.status()).toBe("parked");
  expect(await desk.engine.journal.tenantKey(other)).not.toBe(await desk.engine.journal.tenantKey(tenant));
});

test("a deadline that falls due when its run has ended goes no further than the run's front", async () => {
  const { namespace, open, idsOf } = installation();
  const desk = makeDesk({ engine: open({}), model: turns({ clerk: [ask("?"), finish("ok")] }) });
  const run = await desk.start(input, start);
  await parked(run);
  const wake = () => {
    const definition = `desk@${desk.definition.hash}`;
    const name = encodeURIComponent(`${tenant}/${run.id}`);
    return post(`${nodes.ingress[0]}/${namespace}.Front/${name}/wake`, { definition });
  };
  const rests = () => until("the end of its calls", async () => (await idsOf("running")).length === 0);
  await rests();
  expect(await wake()).toBe(true);
  await run.send("x");
  expect((await run.result()).status).toBe("completed");
  await rests();
  const before = await run.entries();
  expect(await wake()).toBe(false);
  expect(await run.entries()).toEqual(before);
  // Who says something to it is answered as ever.
  expect(await codeOf(run.send("y"))).toMatch(/^run\//);
});

test("R7 a write's intent is stored in the cluster before the write is dispatched", async () => {
  const { open } = installation();
  const engine = open({});
  const world = new World();
  let seen: readonly string[] = [];
  world.before = async (tool, { runId }) => {
    if (tool !== "write_keyed") return;
    const batches = await open({ worker: false }).journal.read({ tenant, kind: "run", id: runId });
    seen = batches.map(({ lines }) => lines);
  };
  const model = turns({ clerk: [[call("write_keyed", "a")], finish("ok")] });
  const run = await makeDesk({ engine, world, model }).start(input, start);
  expect((await run.result()).status).toBe("completed");
  expect(seen.join("\n")).toContain('"type":"effect.intended"');
});

test("places of one node share nothing", async () => {
  const [left, right] = [openPlace(nodes), openPlace(nodes)];
  const desks = [left, right].map((place) => {
    const engine = place.engine();
    started.push(engine);
    return makeDesk({ engine, model: turns({ clerk: [finish("ok")] }) });
  });
  const [run] = await Promise.all(desks.map((desk) => desk.start(input, { ...start, idempotencyKey: "k" })));
  await run?.result();
  for (const desk of desks) expect(await desk.list({ tenant })).toHaveLength(1);
});
