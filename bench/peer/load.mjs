// 100 durable runs at a time for some seconds, in a process of its own: runs per second, and how long the event loop made
// everything else wait. `bench/peers.mjs` starts it beside the adapter in its copy of the kit. Prints one line of JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { check } from "../../lib/workload.mjs";
import { setup, variants } from "./adapter.mjs";

const inFlight = 100;
const [variant, ...times] = process.argv.slice(2);
const [warmMs, ms] = times.map(Number);
const tmp = mkdtempSync(join(tmpdir(), "remit-load-"));
const { runOnce, close } = await setup(variants[variant], { tmp });
let index = 0;
const pool = async (until) => {
  let runs = 0;
  const worker = async () => {
    while (performance.now() < until) {
      check(await runOnce(++index));
      runs++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return runs;
};
await pool(performance.now() + warmMs);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const startedAt = performance.now();
const runs = await pool(startedAt + ms);
const perS = (runs * 1_000) / (performance.now() - startedAt);
delay.disable();
await close();
rmSync(tmp, { recursive: true, force: true });
process.stdout.write(
  `${JSON.stringify({ perS, p50Ms: delay.percentile(50) / 1e6, p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 })}\n`,
);
