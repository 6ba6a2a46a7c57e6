import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { OrchestrationError, openBatch, type Run, user, verifyChain } from "@remit/core";
import { type RestateEngine, restateEngine } from "@remit/core/restate";
import { isUp, type Nodes, startNodes, until } from "../../../scripts/restate/server.mjs";
import { type Crew, openCrew } from "./crew.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { openTeam, outsideAt, writesOfRun } from "./team.ts";

/**
 * Crashes on a cluster of three nodes and two workers, with the ledger outside:
 *
 *   npm run crash -- [--quick] [--case worker,node] [--runs 200] [--every 90] [--busy] [--json]
 *
 * In each case runs are in writes, in timers and in approvals while something is killed or held. Afterwards every run has
 * ended, every write has happened exactly once, and the journals hold. Beside ours a handler as one would write it by
 * hand makes as many writes; what it doubles is told, not asserted.
 */

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean" },
    case: { type: "string" },
    json: { type: "boolean" },
    runs: { type: "string" },
    /** Milliseconds between two starts. */
    every: { type: "string" },
    /** For a machine that others use, too: who gets no processor for seconds is not taken for dead at once. */
    busy: { type: "boolean" },
  },
});
const runsOfCase = Number(options.runs ?? (options.quick ? 40 : 200));
/** What a paused worker still exceeds. */
const patience = options.busy ? { patienceMs: options.quick ? 5_000 : 9_000 } : {};
const busyNodes = {
  RESTATE_GOSSIP_FAILURE_THRESHOLD: "50",
  RESTATE_GOSSIP_SUSPECT_INTERVAL: "10s",
  RESTATE_NETWORKING__HTTP2_KEEP_ALIVE_INTERVAL: "5s",
  RESTATE_NETWORKING__HTTP2_KEEP_ALIVE_TIMEOUT: "20s",
  RESTATE_METADATA_SERVER__RAFT_TICK_INTERVAL: "500ms",
};
const kills = options.quick ? 3 : 5;
const tenant = "acme";
const boss = { principal: user("boss", ["lead"]), reason: "looked at it" } as const;

interface Stage {
  readonly nodes: Nodes;
  readonly crew: Crew;
  /** Waits; a whole count takes its full time, a quick one a part of it. */
  readonly lasting: (fullMs: number, quickMs: number) => Promise<void>;
  /** Waits until this share of all writes has been made. */
  readonly made: (share: number) => Promise<void>;
}

const cases: Readonly<Record<string, { readonly title: string; readonly strike: (stage: Stage) => Promise<void> }>> = {
  worker: {
    title: `kill -9 of a worker, ${kills} times under load`,
    strike: async ({ crew, lasting, made }) => {
      for (let time = 0; time < kills; time++) {
        await made(0.05 + 0.15 * time);
        await crew.kill(time % crew.count);
        await lasting(1_000, 300);
        await crew.start(time % crew.count);
      }
    },
  },
  node: {
    title: "kill -9 of each node in turn, the leader of most partitions first",
    strike: async ({ nodes, lasting, made }) => {
      const order = await leadersFirst(nodes);
      for (const [index, node] of order.entries()) {
        await made(0.1 + 0.25 * index);
        await node.stop("SIGKILL");
        await lasting(4_000, 2_000);
        await node.start();
        await isUp(node);
        await lasting(4_000, 2_000);
      }
    },
  },
  "all-workers": {
    title: "all workers down for a minute",
    strike: async ({ crew, lasting, made }) => {
      await made(0.3);
      await Promise.all([crew.kill(0), crew.kill(1)]);
      await lasting(60_000, 6_000);
      await Promise.all([crew.start(0), crew.start(1)]);
    },
  },
  paused: {
    title: "a worker that stands still (SIGSTOP) and comes back",
    strike: async ({ crew, lasting, made }) => {
      for (const [index, worker] of [0, 1, 0].entries()) {
        await made(0.1 + 0.25 * index);
        crew.signal(worker, "SIGSTOP");
        await lasting(12_000, 7_000);
        crew.signal(worker, "SIGCONT");
      }
    },
  },
};

/** As each node counts what it leads: no table of the cluster says it. */
async function leadersFirst({ nodes }: Nodes) {
  const led = new Map<string, number>();
  for (const { name, fabric } of nodes) {
    const metrics = await (await fetch(`${fabric}/metrics`)).text();
    const [, count] = /^restate_num_active_partition_leaders\{[^}]*\} (\d+)/m.exec(metrics) ?? [];
    led.set(name, Number(count ?? 0));
  }
  const of = ({ name }: { readonly name: string }) => led.get(name) ?? 0;
  console.log(`partitions led: ${nodes.map((node) => `${node.name} ${of(node)}`).join(", ")}`);
  return [...nodes].sort((left, right) => of(right) - of(left));
}

const quiet = async (act: () => Promise<unknown>) => {
  try {
    await act();
  } catch (thrown) {
    if (!OrchestrationError.is(thrown)) throw thrown;
  }
};

/** People: who approves, and who says of an uncertain write what the ledger knows. */
function openPeople(team: ReturnType<typeof openTeam>, ledger: Ledger) {
  let open = true;
  const answered = { approved: 0, settled: 0 };
  const approve = (address: string) =>
    quiet(async () => {
      await team.approvals.approve(tenant, address, boss);
      answered.approved++;
    });
  const settle = (runId: string) =>
    quiet(async () => {
      const run = await team.find(runId, { tenant });
      for (const { effect } of await run.uncertain()) {
        ledger.byHand(runId, 3);
        await run.settle(effect, { outcome: "happened", reason: "looked, and done by hand", output: { done: true } });
        answered.settled++;
      }
    });
  const look = async () => {
    const cases = await team.approvals.list({ tenant, most: 20 });
    await Promise.all(cases.map(({ address }) => approve(address)));
    const uncertain = await team.list({ tenant, waitingFor: "effect", most: 20 });
    await Promise.all(uncertain.map(({ runId }) => settle(runId)));
  };
  const looking = (async () => {
    while (open) {
      await quiet(look);
      await pause(300);
    }
  })();
  return {
    answered,
    close: async () => {
      open = false;
      await looking;
    },
  };
}

async function endOf(run: Run<unknown>): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return (await run.result()).status;
    } catch (thrown) {
      if (!OrchestrationError.is(thrown) || tries > 200) throw thrown;
      await pause(500);
    }
  }
}

async function play(name: string, nodes: Nodes, engine: RestateEngine) {
  const { title, strike } = cases[name] as (typeof cases)[string];
  const ledger = await openLedger();
  const crew = await openCrew(nodes, { ledger: ledger.address, count: 2, ...patience });
  const team = openTeam({ engine, outside: outsideAt(ledger.address) });
  const people = openPeople(team, ledger);
  const lasting = (fullMs: number, quickMs: number) => pause(options.quick ? quickMs : fullMs);
  const startedAt = performance.now();
  let over = () => {};
  try {
    const total = runsOfCase * writesOfRun;
    const made = async (share: number) => {
      const isOurs = (write: string) => write.startsWith("run_");
      const madeNow = () => [...ledger.applied.keys()].filter(isOurs).length;
      await until(`${share * total} writes`, async () => madeNow() >= share * total, 900_000).catch(async (cause) => {
        throw new Error(`${madeNow()} of ${total} writes were made; calls: ${await callsOf(nodes)}`, { cause });
      });
    };
    const striking = strike({ nodes, crew, lasting, made });
    striking.catch(() => {}); // It is awaited below, behind the starts.
    const runs: Run<unknown>[] = [];
    const plain: string[] = [];
    const began = new AbortController();
    over = () => began.abort();
    // A key each, so that a start which got no answer can be said again.
    const begin = async (index: number) => {
      const asked = { tenant, principal: user("u"), idempotencyKey: `${name}-${index}` };
      for (;;) {
        try {
          runs.push(await team.start({ text: "go" }, asked));
          return;
        } catch (thrown) {
          if (!OrchestrationError.is(thrown) || !thrown.retryable || began.signal.aborted) throw thrown;
          await pause(200);
        }
      }
    };
    const beginPlain = async (index: number) => {
      const run = `plain-${name}-${index}`;
      plain.push(run);
      const headers = { "content-type": "application/json", "idempotency-key": run };
      await until(`the start of ${run}`, async () => {
        for (const ingress of nodes.ingress) {
          const init = { method: "POST", headers, body: JSON.stringify({ run }), signal: AbortSignal.timeout(3_000) };
          const response = await fetch(`${ingress}/Plain/run/send`, init).catch(() => undefined);
          if (response?.ok) return true;
        }
        return false;
      });
    };
    const beginning: Promise<void>[] = [];
    const everyMs = Number(options.every ?? (options.quick ? 120 : 90));
    for (let index = 0; index < runsOfCase; index++) {
      beginning.push(begin(index), beginPlain(index));
      for (const one of beginning.slice(-2)) one.catch(() => {}); // They are awaited together, below.
      await pause(everyMs);
    }
    await striking;
    await Promise.all(beginning);
    const statuses = new Map<string, number>();
    for (const run of runs) {
      const status = await endOf(run);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    const writes = [...Array(writesOfRun).keys()].map((index) => index + 1);
    const countOf = (run: string, write: number) => ledger.applied.get(`${run}/${write}`) ?? 0;
    await until("the plain handler", async () => plain.every((run) => countOf(run, writesOfRun) > 0), 120_000);
    const tally = (names: readonly string[]) => {
      const counts = names.flatMap((run) => writes.map((write) => countOf(run, write)));
      return {
        effects: counts.length,
        doubled: counts.filter((count) => count > 1).length,
        missing: counts.filter((count) => count === 0).length,
      };
    };
    let resumed = 0;
    for (const { id } of runs) {
      const batches = await engine.journal.read({ tenant, kind: "run", id });
      assert.equal(verifyChain(batches).fault, undefined, `the chain of ${id}`);
      const entries = batches.flatMap((batch) => openBatch(batch, id));
      // What the journal says of each write is what the ledger has: done is done once, and nothing else was done.
      const told = entries.flatMap((entry) => (entry.type === "effect.settled" ? [entry.body.outcome] : []));
      const made = writes.filter((write) => countOf(id, write) > 0).length;
      assert.equal(told.filter((outcome) => outcome === "done").length, made, `what ${id} says it did`);
      resumed += entries.filter(({ type }) => type === "run.resumed").length;
    }
    const ours = tally(runs.map(({ id }) => id));
    const report = {
      case: name,
      title,
      runs: runs.length,
      ended: Object.fromEntries(statuses),
      ours,
      plain: tally(plain),
      resumed,
      ...people.answered,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    };
    console.log(options.json ? JSON.stringify(report) : report);
    const wrong = runs.find(({ id }) => writes.some((write) => countOf(id, write) !== 1));
    if (wrong) {
      const counts = writes.map((write) => `${write}: ${countOf(wrong.id, write)}`).join(", ");
      const story = (await wrong.entries()).map(({ type, body }) => `  ${type} ${JSON.stringify(body).slice(0, 300)}`);
      console.error([`run ${wrong.id} made its writes ${counts}`, ...story].join("\n"));
    }
    assert.deepEqual(report.ended, { completed: runsOfCase });
    assert.deepEqual(ours, { effects: runsOfCase * writesOfRun, doubled: 0, missing: 0 });
  } finally {
    over();
    await people.close();
    await crew.close();
    await ledger.close();
  }
}

/** What the cluster has under way, by service and status, with one failure of each. */
async function callsOf(nodes: Nodes): Promise<string> {
  const rows = await nodes
    .query(
      "SELECT target_service_name AS service, target_handler_name AS handler, status, COUNT(*) AS calls, " +
        "MAX(last_failure) AS failure FROM sys_invocation " +
        "GROUP BY target_service_name, target_handler_name, status",
    )
    .catch((error: unknown) => [{ failure: String(error) }]);
  return rows.map((row) => `\n  ${JSON.stringify(row)}`).join("");
}

/** Two of three nodes are away: a start says so in time; when they are back everything goes on by itself. */
async function noQuorum(nodes: Nodes) {
  const ledger = await openLedger();
  const crew = await openCrew(nodes, { ledger: ledger.address, count: 2, ...patience });
  const engine = restateEngine({ ingress: nodes.ingress, admin: nodes.admin, deadlineMs: 4_000 });
  const team = openTeam({ engine, outside: outsideAt(ledger.address) });
  const people = openPeople(team, ledger);
  try {
    const start = (idempotencyKey: string) =>
      team.start({ text: "go" }, { tenant, principal: user("u"), idempotencyKey });
    const before = await start("quorum-before");
    const [, second, third] = nodes.nodes;
    await Promise.all([second?.stop("SIGKILL"), third?.stop("SIGKILL")]);
    const askedAt = performance.now();
    const refused = await start("quorum-during").catch((error: unknown) => error);
    const tookMs = Math.round(performance.now() - askedAt);
    assert.ok(OrchestrationError.is(refused), String(refused));
    assert.ok(refused.retryable);
    assert.ok(tookMs < 12_000, `${tookMs} ms`);
    for (const node of [second, third]) {
      await node?.start();
      if (node) await isUp(node);
    }
    const after = await until("a start", () => start("quorum-during").catch(() => undefined), 60_000);
    assert.equal(await endOf(before), "completed");
    assert.equal(await endOf(after), "completed");
    console.log({ case: "quorum", code: refused.code, message: refused.message, tookMs });
  } finally {
    await people.close();
    await engine.close();
    await crew.close();
    await ledger.close();
  }
}

const nodes = await startNodes({ count: 3, sign: true, ...(options.busy ? { env: busyNodes } : {}) });
const onSignal = () => {
  nodes.close().finally(() => process.exit(130));
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, onSignal);
try {
  const chosen = options.case === undefined ? [...Object.keys(cases), "quorum"] : options.case.split(",");
  for (const name of chosen) {
    if (name === "quorum") {
      await noQuorum(nodes);
      continue;
    }
    const engine = restateEngine({ ingress: nodes.ingress, admin: nodes.admin, deadlineMs: 20_000 });
    try {
      await play(name, nodes, engine);
    } finally {
      await engine.close();
    }
  }
  console.log("all cases hold");
} finally {
  await nodes.close();
}
