// @ts-check
/**
 * `npm run cluster`: three Restate nodes and two workers on loopback, a pack played on them with a live view, and nothing
 * left behind.
 *
 *   npm run cluster -- --runs 24           how many runs
 *   npm run cluster -- --keep              leaves it up until Ctrl-C, with its addresses
 */
import { parseArgs } from "node:util";
import { user } from "@remit/core";
import { restateEngine } from "@remit/core/restate";
import { openCrew } from "../test/restate/crash/crew.ts";
import { openLedger } from "../test/restate/crash/ledger.ts";
import { openTeam, outsideAt, writesOfRun } from "../test/restate/crash/team.ts";
import { startNodes } from "./restate/server.mjs";

const { values: options } = parseArgs({ options: { runs: { type: "string" }, keep: { type: "boolean" } } });
const count = Number(options.runs ?? 24);
const tenant = "acme";
/** @type {(() => Promise<void>)[]} */
const closers = [];
const close = async () => {
  for (const one of closers.splice(0).reverse()) await one();
};
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.once(signal, () => {
    close().finally(() => process.exit(130));
  });
}

try {
  console.log("three nodes …");
  const nodes = await startNodes({ count: 3, sign: true });
  closers.push(nodes.close);
  for (const { name, ingress, admin } of nodes.nodes) console.log(`  ${name}  ingress ${ingress}  admin ${admin}`);
  const ledger = await openLedger();
  closers.push(ledger.close);
  console.log("two workers behind a load balancer …");
  const crew = await openCrew(nodes, { ledger: ledger.address, count: 2 });
  closers.push(crew.close);
  console.log(`  ${crew.uri}`);
  const engine = restateEngine({ ingress: nodes.ingress, admin: nodes.admin });
  closers.push(engine.close.bind(engine));
  const team = openTeam({ engine, outside: outsideAt(ledger.address) });
  const startedAt = performance.now();
  const runs = await Promise.all(
    Array.from({ length: count }, () => team.start({ text: "go" }, { tenant, principal: user("you") })),
  );
  console.log(
    `\n${count} runs, ${count * writesOfRun} writes; each waits for a second and for an approval, which is given here`,
  );
  for (let open = count; open > 0; ) {
    const known = await team.list({ tenant, most: count });
    /** @type {Record<string, number>} */
    const by = {};
    for (const { status, waits } of known) {
      const what = status === "parked" ? `waiting for ${waits?.join(", ")}` : status;
      by[what] = (by[what] ?? 0) + 1;
    }
    const words = Object.entries(by).map(([what, number]) => `${number} ${what}`);
    console.log(
      `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${words.join(" · ")} · ${ledger.applied.size} writes made`,
    );
    const cases = await team.approvals.list({ tenant, most: 50 });
    await Promise.all(
      cases.map(({ address }) =>
        team.approvals.approve(tenant, address, { reason: "looked at it", principal: user("boss") }),
      ),
    );
    open = known.filter(({ status }) => status === "running" || status === "parked").length;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const statuses = await Promise.all(runs.map((run) => run.status()));
  const twice = [...ledger.applied.values()].filter((times) => times > 1).length;
  console.log(
    `\n${statuses.filter((status) => status === "completed").length} of ${count} runs completed, ${ledger.applied.size} writes made, ${twice} of them twice`,
  );
  for (const { id, uri, runs: needs } of await engine.operator.deployments())
    console.log(`deployment ${id} at ${uri}: needed by ${needs} unfinished runs`);
  if (options.keep) {
    console.log("\nup until Ctrl-C");
    await new Promise(() => {});
  }
} finally {
  await close();
}
console.log("everything is stopped and removed");
