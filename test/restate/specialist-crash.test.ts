import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type EntryBodies, OrchestrationError, verifyChain } from "@remit/core";
import { restateOperator } from "@remit/core/restate";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openBalancer } from "../../scripts/restate/balancer.mjs";
import { freePorts, type Nodes } from "../../scripts/restate/server.mjs";
import { finds, makeAgency, makeCaller } from "../contract/engine-agency.ts";
import { turns } from "../contract/engine-desk.ts";
import { input, start, tenant } from "../contract/engine-kit.ts";
import type { AgencySettings } from "./crash/agency.ts";
import { type Ledger, openLedger } from "./crash/ledger.ts";
import { closeNode, isAll, long, openEngine, theNode } from "./place.ts";

/** A specialist's worker in a process of its own, which is killed where it hurts: its payment is made, and nobody knows yet. */

let nodes: Nodes;
let ledger: Ledger;
const undo: (() => void | Promise<void>)[] = [];
beforeAll(async () => {
  nodes = await theNode();
});
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
});
afterAll(closeNode);

/** Workers of one specialist, and its caller in this process. */
async function agency(namespace: string) {
  ledger = await openLedger();
  undo.push(ledger.close);
  const { ingress, admin, identityKey } = nodes;
  const worker = async (settings: Pick<AgencySettings, "port" | "uri" | "holds">) => {
    const given: AgencySettings = {
      ingress,
      admin,
      ...(identityKey === undefined ? {} : { identityKey }),
      namespace,
      ledger: ledger.address,
      ...settings,
    };
    const program = `${import.meta.dirname}/crash/agency.ts`;
    const args = ["--conditions=@remit/source", program, JSON.stringify(given)];
    const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const gone = once(child, "exit");
    const kill = async () => {
      child.kill("SIGKILL");
      await gone;
    };
    undo.push(kill);
    const lines: string[] = [];
    if (child.stdout) createInterface({ input: child.stdout }).on("line", (line) => void lines.push(line));
    const saw = (line: string) => expect.poll(() => lines.includes(line)).toBe(true);
    await saw("ready");
    return { saw, kill };
  };
  const open = (drives: boolean) => {
    const engine = openEngine(nodes, namespace, { worker: drives });
    undo.push(() => engine.close());
    return engine;
  };
  const desk = makeCaller({ engine: open(true), model: turns({ triage: [finds("7")] }) });
  return { worker, desk, open };
}

test("R7 a specialist's worker is killed behind its write: a second process takes its run over, its caller's run ends, and it is paid once", async () => {
  const { worker, desk } = await agency("killed0");
  const [one = 0, two = 0] = await freePorts(2);
  const balancer = await openBalancer([one, two].map((port) => `http://127.0.0.1:${port}`));
  undo.push(() => balancer.close());
  const first = await worker({ port: one, uri: balancer.uri, holds: true });
  const run = await desk.start(input, start);
  await first.saw("paid");
  expect([...ledger.applied.values()]).toEqual([1]);
  const asked = ledger.requests();
  await worker({ port: two, uri: balancer.uri, holds: false });
  await first.kill();
  expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
  // The second process asks with the same key, so it is the same payment.
  expect(ledger.requests()).toBeGreaterThan(asked);
  expect([...ledger.applied.values()]).toEqual([1]);
  const entries = await run.entries();
  const ended = entries.filter(({ type }) => type === "delegation.ended");
  expect(ended).toHaveLength(1);
  const last = ended[0]?.body as EntryBodies["delegation.ended"];
  const { seq, hash } = last;
  const batches = await desk.engine.journal.read({ tenant, kind: "run", id: last.run });
  expect(verifyChain(batches)).toEqual({ head: { seq, hash } });
  expect(batches.map(({ lines }) => lines).join("\n")).toContain('"type":"run.resumed"');
  expect((await desk.replay(run.id, { tenant })).fault).toBeUndefined();
});

test("a run whose call is bound to a worker that died and was removed by force says so, and goes on when the call is moved", async ({
  skip,
}) => {
  skip(!isAll, long);
  const namespace = "killed1";
  const { worker, desk, open } = await agency(namespace);
  const [one = 0, two = 0] = await freePorts(2);
  const first = await worker({ port: one, holds: true });
  const run = await desk.start(input, start);
  await first.saw("paid");
  await first.kill();
  await worker({ port: two, holds: false });
  const operator = restateOperator({ admin: nodes.admin, namespace });
  const gone = (await operator.deployments()).find(({ uri }) => uri.includes(`:${one}`))?.id ?? "";
  // A call that its process has answered goes nowhere else by itself, so the deployment is needed.
  await expect(operator.remove(gone)).rejects.toMatchObject({ code: "engine/still-needed" });
  await fetch(`${nodes.admin[0]}/deployments/${gone}?force=true`, { method: "DELETE" });
  const sent = (await run.entries()).find(({ type }) => type === "delegation.sent");
  const { run: child = "" } = (sent?.body ?? {}) as Partial<EntryBodies["delegation.sent"]>;
  const looker = makeAgency({ engine: open(false), model: turns({}) });
  const waiting = (await looker.supervisor.find(child, { tenant })).result();
  const told: unknown = await waiting.catch((error: unknown) => error);
  expect(OrchestrationError.is(told, "engine/no-worker") && told.message).toContain(gone);
  expect(await operator.resumePaused()).toBeGreaterThan(0);
  expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
  expect([...ledger.applied.values()]).toEqual([1]);
  expect(await operator.stuck()).toEqual([]);
});
