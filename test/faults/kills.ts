import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Entry, localEngine, openBatch, silentLogger, systemClock, verifyChain } from "@remit/core";
import { sqliteJournal } from "@remit/core/sqlite";
import { cache } from "../../scripts/workspace.mjs";
import { effectsOf, killDesk, tenant } from "./fixtures/kill-desk.ts";
import type { WorkerOrder, WorkerPlan, WorkerWord } from "./fixtures/kill-worker.ts";
import type { LedgerEffect, LedgerOrder, LedgerWord } from "./fixtures/ledger.ts";

/**
 * Kills worker processes with SIGKILL and holds the promises against what is left: K1 every run ends as it should; K2 no
 * effect is missing and none happened twice; K3 what can neither be repeated nor looked up was called once per intent,
 * and when its outcome was unknown a person said what became of it; what can be looked up was called again only after a
 * look; K4 the journal verifies and replays offline.
 */

type When = "before" | "after";
/**
 * Where a worker dies: at its n-th write to the journal (`stalled`: the disk stands still at it for a while first), or at
 * the ledger's n-th request.
 */
export type KillPoint =
  | { readonly by: "journal"; readonly at: number; readonly when: When | "stalled" }
  | { readonly by: "ledger"; readonly at: number; readonly when: When };

const whens = { journal: ["before", "after", "stalled"], ledger: ["before", "after"] } as const;

/** The n-th point, counted from 0: each write or request, with each way to die there. */
function pointAt(by: KillPoint["by"], index: number): KillPoint {
  if (by === "ledger") return { by, at: 1 + Math.floor(index / 2), when: whens.ledger[index % 2 === 0 ? 0 : 1] };
  return { by, at: 1 + Math.floor(index / 3), when: whens.journal[index % 3] ?? "before" };
}

/** What a story came to. */
export interface KillReport {
  /** Processes that were killed. */
  readonly kills: number;
  /** Uncertain writes on which a person had to say something, by tool. */
  readonly settled: readonly string[];
  /** Journal writes of the last worker. */
  readonly writes: number;
  readonly entries: number;
}

const program = (name: string) => fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url));
const launch = (name: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, ["--conditions=@remit/source", program(name), ...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // Many short lives of one program: what Node makes of its modules is kept between them.
    env: { ...process.env, NODE_COMPILE_CACHE: join(cache, "modules") },
  });

/** The ledger's process. */
export interface Ledger {
  readonly port: number;
  /** Holds the n-th effect request from now; resolves when it is held. */
  readonly hold: (at: number, when: When) => Promise<void>;
  readonly release: () => void;
  readonly effects: () => Promise<readonly LedgerEffect[]>;
  readonly close: () => void;
}

export async function startLedger(): Promise<Ledger> {
  const child = launch("ledger");
  const order = (word: LedgerOrder) => child.send(word);
  const hear = <Type extends LedgerWord["type"]>(
    type: Type,
    isMine: (word: Extract<LedgerWord, { type: Type }>) => boolean = () => true,
  ) =>
    new Promise<Extract<LedgerWord, { type: Type }>>((resolve, reject) => {
      const listen = (word: LedgerWord) => {
        if (word.type !== type || !isMine(word as Extract<LedgerWord, { type: Type }>)) return;
        child.off("message", listen);
        child.off("exit", fail);
        resolve(word as Extract<LedgerWord, { type: Type }>);
      };
      const fail = () => reject(new Error("the ledger has ended"));
      child.on("message", listen);
      child.once("exit", fail);
    });
  // More listeners than Node takes for a leak wait for one that is held.
  child.setMaxListeners(0);
  let questions = 0;
  const { port } = await hear("listening");
  return {
    port,
    hold: async (at, when) => {
      const told = hear("held");
      // A ledger that is closed while nobody was held is no fault.
      told.catch(() => {});
      order({ type: "hold", at, when });
      await told;
    },
    release: () => order({ type: "release" }),
    effects: async () => {
      // Two stories ask at a time; what was told to one may be older than the other's effects.
      const question = ++questions;
      const told = hear("told", (word) => word.question === question);
      order({ type: "tell", question });
      return (await told).effects;
    },
    close: () => child.kill("SIGKILL"),
  };
}

/** How one life of a worker went. */
interface Life {
  readonly killed: boolean;
  readonly words: readonly WorkerWord[];
}

/** Plays one worker to its end or its death. `onOpen` says how a case is approved: by this worker, or by another process. */
async function live(
  ledger: Ledger,
  plan: Omit<WorkerPlan, "port" | "kill">,
  point: KillPoint | undefined,
  onOpen: "here" | "elsewhere" = "here",
): Promise<Life & { readonly elsewhere: string | undefined }> {
  const kill = point?.by === "journal" ? { kill: { at: point.at, when: point.when } } : {};
  const child = launch("kill-worker", JSON.stringify({ ...plan, ...kill, port: ledger.port } satisfies WorkerPlan));
  const words: WorkerWord[] = [];
  let elsewhere: string | undefined;
  let killed = false;
  const die = () => {
    killed = true;
    child.kill("SIGKILL");
  };
  child.on("message", (word: WorkerWord) => {
    words.push(word);
    if (word.type !== "open") return;
    if (onOpen === "here") {
      // Between a look and its answer the worker may die.
      child.send({ approve: word.address } satisfies WorkerOrder, () => {});
      return;
    }
    elsewhere = word.address;
    die();
  });
  if (point?.by === "ledger") void ledger.hold(point.at, point.when).then(die, () => {});
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  // Only now: what the dead one had asked for is not done behind its successor's back.
  if (point?.by === "ledger") ledger.release();
  if (signal === "SIGKILL") killed = true;
  else assert.equal(code, 0, `a worker ended with ${code ?? signal}: ${JSON.stringify(words)}`);
  return { killed, words, elsewhere };
}

/** A story with one kill at a given write; the rest of it is brought to its end by processes that are well. */
export async function playKill(ledger: Ledger, point: KillPoint, approving: "here" | "elsewhere"): Promise<KillReport> {
  const name = `${point.by}-${point.at}-${point.when}`;
  return inFolder(async (folder) => {
    const plan = { folder, runs: [name] };
    const first = await live(ledger, plan, point);
    let last = first;
    const lives = [first];
    while (last.killed) {
      last = await live(ledger, plan, undefined, approving);
      lives.push(last);
      if (last.elsewhere === undefined) continue;
      const decided = await live(ledger, { ...plan, approve: last.elsewhere }, undefined);
      assert.equal(decided.killed, false);
    }
    const report = await reportOf(ledger, folder, [name], lives, first.killed ? 1 : 0);
    // One crash is within every bound: a key and a look-up settle their own, and only the third kind needs a person.
    for (const tool of report.settled) assert.equal(tool, "print_letter", `K3 the run ${name} asked a person`);
    return report;
  });
}

/**
 * Kills a story at each of its writes to the journal, in each way, until one passes without a kill;
 * then at each request to the ledger, before the effect and after it.
 * @param every plays only each n-th of these points
 * @returns one report for each story that was killed
 */
export async function playEveryKill(
  ledger: Ledger,
  { every = 1, onPoint = () => {} }: { readonly every?: number; readonly onPoint?: (point: KillPoint) => void } = {},
): Promise<readonly KillReport[]> {
  const reports: KillReport[] = [];
  /** Plays one point after the other until one is behind the end. */
  const play = async (by: KillPoint["by"], first: number, step: number) => {
    for (let index = first; ; index += step) {
      const point = pointAt(by, index);
      onPoint(point);
      const report = await playKill(ledger, point, point.at % 3 === 0 ? "elsewhere" : "here");
      if (report.kills === 0) return;
      reports.push(report);
    }
  };
  // Two at a time, as most of it is waiting for processes; the ledger holds one request at a time.
  await Promise.all([play("journal", every - 1, every * 2), play("journal", every * 2 - 1, every * 2)]);
  await play("ledger", every - 1, every);
  return reports;
}

/**
 * Kills workers at random points while many runs are under way, until so many have died; then lets all runs end. When all
 * runs have ended before that, as many new ones begin.
 */
export async function playRandomKills(
  ledger: Ledger,
  options: {
    readonly seed: number;
    readonly runs: number;
    readonly kills: number;
    readonly onKill?: (kills: number) => void;
  },
): Promise<KillReport> {
  const draw = drawing(options.seed);
  return inFolder(async (folder) => {
    const names: string[] = [];
    const lives: Life[] = [];
    let kills = 0;
    for (let round = 1; kills < options.kills; round++) {
      const runs = Array.from({ length: options.runs }, (_, index) => `seed-${options.seed}-${round}-${index + 1}`);
      names.push(...runs);
      for (let ended = false; !ended; ) {
        const point = kills < options.kills ? drawPoint(draw, options.runs) : undefined;
        const life = await live(ledger, { folder, runs }, point);
        lives.push(life);
        if (!life.killed) ended = true;
        else {
          kills++;
          options.onKill?.(kills);
        }
      }
    }
    return reportOf(ledger, folder, names, lives, kills);
  });
}

function drawPoint(draw: (below: number) => number, runs: number): KillPoint {
  return draw(3) === 0 ? pointAt("ledger", draw(runs)) : pointAt("journal", draw(runs * 6));
}

/** Whole numbers below a bound, from a seed (mulberry32). */
function drawing(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

async function inFolder<Value>(act: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), "remit-kills-"));
  try {
    return await act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Holds the promises against what is there. @throws AssertionError naming the promise and the run */
async function reportOf(
  ledger: Ledger,
  folder: string,
  names: readonly string[],
  lives: readonly Life[],
  kills: number,
): Promise<KillReport> {
  const words = lives.flatMap(({ words: said }) => said);
  const effects = await ledger.effects();
  const journal = sqliteJournal({ path: join(folder, "journal.db") });
  const engine = localEngine({ name: "sqlite", journal, clock: systemClock(), logger: silentLogger });
  const desk = killDesk(engine, { call: () => Promise.reject(new Error("a replay reaches nobody")) });
  let count = 0;
  try {
    for (const name of names) {
      const ended = words.find((word) => word.type === "ended" && word.run === name);
      const at = `the run ${name}`;
      assert.ok(ended?.type === "ended", `K1 ${at} has no end`);
      assert.equal(ended.status, "completed", `K1 ${at}`);
      const own = effects.filter(({ run }) => run === ended.id);
      const named = effects
        .filter(({ what }) => what.startsWith(`${name} `))
        .map(({ what, run }) => `${what} of ${run}`);
      const seen = `${effects.length} effects in all; of this name: ${named.join(", ") || "none"}`;
      assert.deepEqual(own.map(({ what }) => what).sort(), effectsOf(name), `K2 ${at}, ${ended.id}: ${seen}`);
      for (const { what, count: times } of own) assert.equal(times, 1, `K2 ${at}: ${what}`);
      const batches = await journal.read({ tenant, kind: "run", id: ended.id });
      assert.equal(verifyChain(batches).fault, undefined, `K4 ${at}`);
      const entries = batches.flatMap((batch) => openBatch(batch, ended.id));
      count += entries.length;
      assertNoneGuessed(entries, at);
      const replayed = await desk.replay(ended.id, { tenant });
      assert.ok(replayed.ok, `K4 ${at}: ${JSON.stringify(replayed.fault)}`);
    }
  } finally {
    await engine.close();
  }
  const done = words.findLast((word) => word.type === "done");
  return {
    kills,
    settled: words.flatMap((word) => (word.type === "uncertain" ? [word.tool] : [])),
    writes: done?.type === "done" ? done.writes : 0,
    entries: count,
  };
}

/** K3 */
function assertNoneGuessed(entries: readonly Entry[], at: string): void {
  const isPlain = ({ body }: Entry) => (body as { tool?: string }).tool === "print_letter";
  for (const { path } of entries.filter((entry) => entry.type === "effect.intended" && isPlain(entry))) {
    const own = entries.filter((entry) => entry.path === path);
    const of = (type: Entry["type"]) => own.filter((entry) => entry.type === type);
    assert.equal(of("tool.called").length, 1, `K3 ${at}: ${path} was called more than once`);
    const doubts = own.flatMap((entry) => (entry.type === "effect.uncertain" ? [entry.body.next] : []));
    assert.ok(doubts.length <= 1 && doubts.every((next) => next === "person"), `K3 ${at}: ${path} was guessed`);
    assert.equal(of("effect.decided").length, doubts.length, `K3 ${at}: nobody said what became of ${path}`);
  }
  assert.equal(entries.filter(({ type }) => type === "run.completed").length, 1, `K1 ${at} ended more than once`);
  const isLooked = ({ body }: Entry) => (body as { tool?: string }).tool === "enter_order";
  for (const { path } of entries.filter((entry) => entry.type === "effect.intended" && isLooked(entry))) {
    let found: string | undefined;
    for (const entry of entries.filter((one) => one.path === path)) {
      if (entry.type === "effect.looked-up") found = entry.body.outcome;
      if (entry.type !== "tool.called") continue;
      assert.ok(entry.body.attempt === 1 || found === "never", `K3 ${at}: ${path} was called again without a look`);
      found = undefined;
    }
  }
  // After a person said that it never happened, the next proposal needs an approval of its own.
  const approved = entries.flatMap((entry) => (entry.type === "approval.granted" ? [entry.path] : []));
  const paid = entries.flatMap((entry) =>
    entry.type === "effect.intended" && entry.body.tool === "pay_out" ? [entry.path] : [],
  );
  assert.deepEqual(approved, [...new Set(paid)], `K3 ${at}: one approval for each payment`);
}
