import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Model, runSupervisor, user } from "@remit/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { models } from "../../apps/sandbox/examples/claims-desk/application.ts";
import { claimsDesk, openBooks } from "../../apps/sandbox/examples/claims-desk/desk.ts";
import type { Nodes } from "../../scripts/restate/server.mjs";
import { root } from "../architecture/module.ts";
import { remit } from "../cli/remit.ts";
import { closeNode, openEngine, theNode } from "./place.ts";

/** The operator's commands on an application whose runs are on a cluster. */

const desk = join(root, "apps/sandbox/examples/claims-desk");
let nodes: Nodes;
let project: string;
beforeAll(async () => {
  nodes = await theNode();
  mkdirSync(join(root, ".remit"), { recursive: true });
  project = mkdtempSync(join(root, ".remit", "own-cluster-"));
});
afterAll(async () => {
  rmSync(project, { recursive: true, force: true });
  await closeNode();
});

test("a word is sent to the worker that has the run: what it does is done there, and the command drives nothing", async () => {
  const namespace = "own";
  const books = openBooks();
  await using stack = new AsyncDisposableStack();
  const engine = openEngine(nodes, namespace);
  stack.defer(() => engine.close());
  const fast: Model = models.fast;
  const supervisor = runSupervisor(claimsDesk(books), { engine, models: { fast } });
  const text = "Claim C-100: the hail broke our window.";
  const start = () => supervisor.start({ text }, { tenant: "acme", principal: user("u_17") });
  const [run, other] = [await start(), await start()];
  expect([await run.settled(), await other.settled()]).toEqual(["parked", "parked"]);

  const options = JSON.stringify({ ingress: nodes.ingress, admin: nodes.admin, namespace, deadlineMs: 60_000 });
  writeFileSync(
    join(project, "remit.config.ts"),
    `import { restateEngine } from "@remit/core/restate";
import { defineConfig } from "@remit/sandbox";
import { claimsDesk, openBooks } from ${JSON.stringify(join(desk, "desk.ts"))};
export default defineConfig({
  engine: () => restateEngine(${options}),
  tenants: "acme",
  supervisors: claimsDesk(openBooks()),
  // Nothing is asked here.
  models: { fast: { id: "none", cost: "zero", generate: () => { throw new Error("asked in the command"); } } },
});
`,
  );
  const told = async (...args: string[]) => JSON.parse((await remit(project, [...args, "--json"])).stdout);
  expect((await told("runs")).runs).toHaveLength(2);
  expect((await told("approvals", "list", "--own")).approvals).toHaveLength(2);
  const approve = ["approvals", "approve", run.id, "--own", "--reason", "seen", "--as", "operator:jo"];
  expect(await told(...approve)).toMatchObject({ by: { id: "jo" }, run: { status: "completed" } });
  expect(books.get("C-100")?.paidCents).toBe(18_000);
  expect(await told("runs", "cancel", other.id, "--reason", "twice")).toMatchObject({ run: { status: "cancelled" } });
  expect((await told("runs", "replay", run.id)).ok).toBe(true);
  expect((await engine.operator.deployments()).length).toBe(1);
}, 300_000);
