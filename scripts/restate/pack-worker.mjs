// @ts-check
/** A worker of `npm run cluster`: a process of its own that drives the runs of one suite of the sandbox. */
import { join } from "node:path";
import { restateEngine } from "@remit/core/restate";
import { openPack } from "../../apps/sandbox/src/cli/packs.ts";
import { openStage } from "../../apps/sandbox/src/suite/stage.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";

/**
 * @typedef {object} PackWorkerSettings
 * @property {readonly string[]} ingress
 * @property {readonly string[]} admin
 * @property {readonly string[]} identityKeys
 * @property {number} port
 * @property {string} uri where the cluster finds the workers: the balancer before them
 * @property {string} dir folder that all processes of the suite share, for what is outside: the pack's world
 * @property {Omit<import("../../apps/sandbox/src/suite/workspace.ts").SuiteFile, "catalog">} suite
 */

const settings = /** @type {PackWorkerSettings} */ (JSON.parse(process.argv[2] ?? "{}"));
const { ingress, admin, identityKeys, port, uri, suite } = settings;
// However busy the machine is, what goes on passes.
const engine = restateEngine({ ingress, admin, deadlineMs: 60_000, worker: { port, uri, identityKeys } });
const stage = await openStage({
  suite,
  pack: await openPack(suite.pack),
  workspace: sharedWorkspace(settings),
  engine,
});
await engine.ready();
process.once("SIGTERM", async () => {
  await engine.close();
  await stage[Symbol.asyncDispose]();
  process.exit(0);
});
console.log("ready");

/** What the processes keep for themselves is apart; the world is one. @param {PackWorkerSettings} settings */
function sharedWorkspace({ dir }) {
  const own = openWorkspace(join(dir, `worker-${port}`));
  return { ...own, worldDir: openWorkspace(join(dir, "suite")).worldDir };
}
