import type { Grant, Principal, Run, RunStatus } from "@remit/core";
import { Approvers, lateMs, type Word } from "./approvers.ts";
import type { Faults } from "./fault.ts";
import { Governors } from "./governors.ts";
import { endOf, type History } from "./history.ts";
import { operations, starters, tenants } from "./persons.ts";
import type { Plant } from "./plant.ts";
import type { Process } from "./process.ts";
import { draw, drawOne, type Random } from "./random.ts";
import { Reach, type Side, visitMsMax } from "./reach.ts";
import type { Restraint } from "./restraint.ts";
import type { Scheduler } from "./scheduler.ts";
import { type GrantSpec, grantSpec } from "./specs.ts";
import type { Violations } from "./violation.ts";
import type { World } from "./world.ts";

/** A run that people have been told of. */
export interface KnownRun {
  readonly id: string;
  readonly tenant: string;
  readonly principal: Principal;
  readonly side: Side;
  /** What it was started with, where that bounds anything. */
  readonly grant: GrantSpec | undefined;
  /** Seq of the last durable entry when a cancel was acknowledged. */
  cancelledAt: number | undefined;
  /** Paths of parts whose cancel was acknowledged. */
  readonly cutOff: Set<string>;
  /** Keys of answers that were acknowledged. */
  readonly answered: Set<string>;
  /** Effects that a person has decided on. */
  readonly decided: Set<string>;
  /** Types of the entries that a watcher has seen, from seq 1 on. */
  readonly watched: string[];
  /** Somebody has noticed its end. */
  noticed: boolean;
}

export interface PeopleOptions {
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly history: History;
  readonly world: World;
  readonly violations: Violations;
  readonly restraint: Restraint;
  readonly plant: Plant | undefined;
  /** Some process that answers, or none. */
  readonly reach: () => Process | undefined;
  readonly runs: number;
  /** Names of agents that may be taken away. */
  readonly agents: readonly string[];
  /** Hash of the definition of a specialist's runs, where there is one. */
  readonly specialist: string | undefined;
  /** Names of tools that a run may be granted. */
  readonly tools: readonly string[];
  /** The storm is over: nobody takes anything away any more. */
  readonly isCalm: () => boolean;
  /** Versions of which some processes know one only are at work. */
  readonly isDeploying: () => boolean;
}

const visitMsLongest = 1_200_000;

/**
 * The people around a simulation: they start runs, answer and approve late, twice, wrongly and for themselves, cancel, take
 * tools away and give them back, undo and redrive, and say what became of writes. They outlive every process, wait for
 * none, and ask again.
 */
export class People {
  readonly runs = new Map<string, KnownRun>();
  /** Letters that were dealt with, by run: whoever was first. */
  readonly letters = new Map<string, Set<"redriven" | "dismissed">>();
  readonly #options: PeopleOptions;
  readonly #silentAbout = new Set<string>();
  readonly #looked = new Set<string>();
  readonly #reach: Reach;
  readonly #approvers: Approvers;
  readonly #governors: Governors;
  #said = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
    const reach = new Reach(options);
    this.#reach = reach;
    this.#approvers = new Approvers({ ...options, reach, nameOf: (kind) => `${kind}-${this.#said++}` });
    this.#governors = new Governors({ ...options, reach });
  }

  get words(): ReadonlyMap<string, Word> {
    return this.#approvers.words;
  }

  /** True when nobody has anything left to do. */
  get done(): boolean {
    if (!this.#reach.isDone) return false;
    for (const { noticed } of this.runs.values()) if (!noticed) return false;
    return true;
  }

  begin(): void {
    for (let index = 0; index < this.#options.runs; index++) this.#start(index);
    this.#governors.govern();
  }

  /** Runs that nobody was told of, because their start came to nobody's ears, are attended to all the same. */
  adopt(): void {
    for (const { runId, tenant, compensates, redrives, delegated, principal } of this.#options.history.runs.values()) {
      if (!(compensates || redrives || delegated) || this.runs.has(runId)) continue;
      if (redrives) this.letters.set(runId, this.letters.get(runId) ?? new Set());
      this.#attend(runId, tenant, (delegated && principal) ?? operations);
    }
  }

  #start(index: number): void {
    const { seed, plant } = this.#options;
    const tenant = draw(seed, "tenant", index) < 0.7 ? tenants[0] : tenants[1];
    const principal = drawOne(starters, seed, "starter", index);
    const delayMs =
      draw(seed, "delayed", index) < 0.15 ? 1_000 + Math.floor(draw(seed, "delay", index) * 400_000) : undefined;
    const own = draw(seed, "own budget", index) < 0.08 ? { microUsd: 6_000 } : undefined;
    const grant = grantSpec(seed, `run ${index}`, this.#options.tools);
    let attempts = 0;
    this.#reach.insist(this.#options.random.below(1_000), async (supervisor) => {
      const input = { n: 1 + index, text: "go" } as never;
      attempts++;
      const again = plant === "dedupe-off" && attempts > 1 ? `again-${attempts}-` : "";
      const run = await supervisor.start(input, {
        tenant,
        principal,
        idempotencyKey: `${again}run-${index}`,
        ...(delayMs === undefined ? {} : { delayMs }),
        ...(own === undefined ? {} : { budget: own }),
        ...(grant === undefined || plant === "grant-lost" ? {} : { grant: grant as Grant }),
      });
      return () => this.#attend(run.id, tenant, principal, grant);
    });
  }

  #attend(id: string, tenant: string, principal: Principal, grant?: GrantSpec): void {
    const { scheduler, faults, random, history, specialist } = this.#options;
    if (this.runs.has(id)) return;
    const known: KnownRun = {
      id,
      tenant,
      principal,
      side: history.run(id).definition === specialist ? "specialist" : "team",
      grant,
      cancelledAt: undefined,
      cutOff: new Set(),
      answered: new Set(),
      decided: new Set(),
      watched: [],
      noticed: false,
    };
    this.runs.set(id, known);
    if (faults.strikes("watcher")) this.#watch(known);
    if (faults.strikes("cancel")) {
      const cancel = () => {
        if (known.cancelledAt !== undefined || history.run(known.id).end) return;
        scheduler.add({ kind: "person", delayMs: 1 + random.below(visitMsMax), act: cancel });
        this.#with(known, async (run) => {
          await run.cancel("enough", { principal });
          known.cancelledAt ??= history.run(known.id).lastSeq;
        });
      };
      scheduler.add({ kind: "person", delayMs: random.below(60_000), act: cancel });
    }
    if (faults.strikes("cancel-part")) {
      const cut = () => {
        if (history.run(known.id).end) return;
        const parts = [...history.run(known.id).instances];
        if (parts.length === 0) {
          scheduler.add({ kind: "person", delayMs: 1 + random.below(visitMsMax), act: cut });
          return;
        }
        const subtree = random.pick(parts);
        this.#with(
          known,
          async (run) => {
            await run.cancel("not this", { principal, subtree });
            known.cutOff.add(subtree);
          },
          ["run/subtree-unknown"],
        );
      };
      scheduler.add({ kind: "person", delayMs: random.below(60_000), act: cut });
    }
    let visits = 0;
    const visit = () => {
      if (history.run(known.id).end) {
        known.noticed = true;
        return this.#followUp(known);
      }
      // Where nothing comes of it for long, people come more seldom.
      const patience = Math.min(visitMsLongest, visitMsMax * 1.2 ** Math.max(0, ++visits - 8));
      scheduler.add({ kind: "person", delayMs: 1 + random.below(patience), act: visit });
      const { open, approvals, asked } = history.run(known.id);
      if (asked.size > 0) this.#approvers.answerTool(known.tenant);
      const states = [...open.values()];
      if (states.includes("question.open") || states.includes("write.uncertain")) {
        this.#with(known, (run) => this.#look(known, run));
      }
      if ([...approvals.keys()].some((effect) => !this.#approvers.isSilentAbout(`${known.id}/${effect}`)))
        this.#approvers.inbox(known.tenant);
    };
    scheduler.add({ kind: "person", delayMs: random.below(5_000), act: visit });
  }

  /** Somebody follows the run live, and goes on at another process, at the next seq, when one has fallen silent. */
  #watch(known: KnownRun): void {
    const { scheduler, random, history, violations } = this.#options;
    let watching = new AbortController();
    const follow = () => {
      watching.abort();
      if (known.watched.length >= history.run(known.id).lastSeq && history.run(known.id).end) return;
      scheduler.add({ kind: "person", delayMs: 1 + random.below(visitMsMax * 2), act: follow });
      const own = new AbortController();
      watching = own;
      this.#with(known, async (run) => {
        for await (const { seq, type } of run.events({ fromSeq: known.watched.length + 1, signal: own.signal })) {
          if (own.signal.aborted) return;
          if (seq > history.run(known.id).lastSeq)
            violations.add("R1", `a watcher was shown ${type} before it was durable`);
          if (seq !== known.watched.length + 1)
            violations.add("R1", `a watcher was shown seq ${seq} where ${known.watched.length + 1} comes next`);
          known.watched.push(type);
        }
      });
    };
    scheduler.add({ kind: "person", delayMs: random.below(2_000), act: follow });
  }

  async #look(known: KnownRun, run: Run): Promise<void> {
    const { faults, random, world, history } = this.#options;
    const { principal } = known;
    const status: RunStatus = await run.status();
    if (endOf(`run.${status}`) || (status === "running" && random.chance(0.7))) return;
    const [question] = await run.questions();
    if (question) {
      const { ask } = question;
      const about = `${known.id} ${ask}`;
      if (!this.#looked.has(about)) {
        this.#looked.add(about);
        if (faults.strikes("answer-never")) this.#silentAbout.add(about);
      }
      if (this.#silentAbout.has(about)) return;
      if (faults.strikes("answer-wrong")) {
        this.#with(known, async (again) => again.send(7, { ask, principal }), ["run/answer-invalid"]);
        this.#with(known, async (again) => again.send("to nobody", { ask: "no such question", principal }));
        return;
      }
      const key = `word-${this.#said++}`;
      const send = async (to: Run) => {
        const isOwn = history.run(known.id).open.has(ask);
        await to.send(`answer ${random.below(9)}`, { ask, key, principal });
        // What a specialist has asked is answered in its own run.
        if (isOwn) known.answered.add(key);
      };
      if (faults.strikes("answer-late")) {
        const act = () => this.#with(known, send);
        this.#options.scheduler.add({ kind: "person", delayMs: random.below(lateMs), act });
        return;
      }
      if (faults.strikes("answer-doubled")) this.#with(known, send);
      await send(run);
      return;
    }
    const [effect] = await run.uncertain();
    if (!effect || history.run(known.id).end) return;
    const happened = world.effectsOf(known.id, effect.effect) > 0 !== faults.strikes("settled-wrongly");
    known.decided.add(effect.effect);
    const output = { value: 1, ref: effect.effect };
    const outcome = happened ? "happened" : "never";
    await run.settle(effect.effect, { outcome, output, reason: "looked", principal });
  }

  /** What people do about a run that has ended. */
  #followUp({ id, tenant, principal, side }: KnownRun): void {
    const { faults, random, history } = this.#options;
    const { end, compensates } = history.run(id);
    if (!compensates && faults.strikes("compensate")) {
      this.#reach.insist(
        random.below(60_000),
        async (supervisor) => {
          const run = await supervisor.compensate(id, { tenant, principal: operations });
          return () => this.#attend(run.id, tenant, operations);
        },
        ["run/not-undoable"],
        [],
        side,
      );
    }
    // Whoever handed on what a specialist has failed at, does it again.
    if (end !== "failed" || compensates || side === "specialist") return;
    const redrive = !this.letters.has(id) && faults.strikes("redrive");
    const dismiss = faults.strikes("dismiss");
    const handled = (how: "redriven" | "dismissed") => {
      const words = this.letters.get(id) ?? new Set();
      this.letters.set(id, words.add(how));
      if (words.size > 1) this.#options.violations.add("R11", `the letter of ${id} was redriven and dismissed`);
    };
    const done = ["letter/unknown", "letter/has-effects"];
    if (redrive) {
      this.#reach.insist(
        random.below(90_000),
        async (supervisor) => {
          const as = await supervisor.deadLetters.redrive(tenant, id, { principal });
          return () => {
            handled("redriven");
            this.letters.set(as, this.letters.get(as) ?? new Set());
            this.#attend(as, tenant, principal);
          };
        },
        done,
      );
    }
    if (dismiss) {
      this.#reach.insist(
        random.below(90_000),
        async (supervisor) => {
          await supervisor.deadLetters.dismiss(tenant, id, { reason: "seen", principal });
          return () => handled("dismissed");
        },
        done,
      );
    }
  }

  #with(known: KnownRun, act: (run: Run) => Promise<void>, also: readonly string[] = []): void {
    const { id, tenant, side } = known;
    this.#reach.at(async (supervisor) => act((await supervisor.find(id, { tenant })) as Run), also, side);
  }
}
