import { OrchestrationError, type Run, type RunStatus, reasonOf, user } from "@remit/core";
import type { Faults } from "./fault.ts";
import { endOf, type History } from "./history.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Violations } from "./violation.ts";
import type { World } from "./world.ts";

export const tenant = "acme";
const principal = user("u_1");

/** Errors that a caller of a system under faults has to live with. */
const expected: ReadonlySet<string> = new Set([
  "journal/conflict",
  "journal/unavailable",
  "engine/closed",
  "run/not-waiting",
  "run/already-ended",
  "run/unknown",
  "bus/mailbox-full",
]);

/** Files an error under the promise that it breaks, if it breaks one. */
export function judge(violations: Violations, error: unknown, also: readonly string[] = []): void {
  if (!OrchestrationError.is(error)) return violations.add("R11", `a throw that is not ours: ${reasonOf(error)}`);
  if (!also.includes(error.code)) judgeCode(violations, error.code, error.message);
}

/** The same for an error of which only its code and its sentence are known. */
export function judgeCode(violations: Violations, code: string, sentence: string): void {
  if (expected.has(code)) return;
  violations.add(
    code.startsWith("replay/") ? "R13" : code.startsWith("journal/") ? "R1" : "R11",
    `${code}: ${sentence}`,
  );
}

/** A run that people have been told of. */
export interface KnownRun {
  readonly id: string;
  /** Seq of the last durable entry when a cancel was acknowledged. */
  cancelledAt: number | undefined;
  /** Keys of answers that were acknowledged. */
  readonly answered: Set<string>;
  /** Effects that a person has decided on. */
  readonly decided: Set<string>;
  /** Types of the entries that a watcher has seen, from seq 1 on. */
  readonly watched: string[];
}

export interface PeopleOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly history: History;
  readonly world: World;
  readonly violations: Violations;
  /** Some process that answers, or none. */
  readonly reach: () => Process | undefined;
  readonly runs: number;
}

const visitMsMax = 20_000;
const lateMs = 600_000;

/**
 * The people around a simulation: they start runs, answer late, twice and wrongly, cancel, and say what became of
 * writes. They outlive every process, wait for none, and ask again.
 */
export class People {
  readonly runs = new Map<string, KnownRun>();
  readonly #options: PeopleOptions;
  readonly #silentAbout = new Set<string>();
  readonly #looked = new Set<string>();
  #words = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  begin(): void {
    for (let index = 0; index < this.#options.runs; index++) this.#start(index);
  }

  #start(index: number): void {
    const { scheduler, random, reach } = this.#options;
    let known: KnownRun | undefined;
    const attempt = () => {
      if (known) return;
      scheduler.add({ kind: "person", delayMs: 1 + random.below(visitMsMax), act: attempt });
      const process = reach();
      if (!process) return;
      this.#try(async () => {
        const input = { n: 1 + index, text: "go" } as never;
        const run = await process.supervisor.start(input, { tenant, principal, idempotencyKey: `run-${index}` });
        if (known) return;
        known = { id: run.id, cancelledAt: undefined, answered: new Set(), decided: new Set(), watched: [] };
        this.runs.set(run.id, known);
        this.#attend(known);
      });
    };
    scheduler.add({ kind: "person", delayMs: random.below(1_000), act: attempt });
  }

  #attend(known: KnownRun): void {
    const { scheduler, faults, random, history } = this.#options;
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
      scheduler.add({ kind: "person", delayMs: random.below(30_000), act: cancel });
    }
    const visit = () => {
      if (history.run(known.id).end) return;
      scheduler.add({ kind: "person", delayMs: 1 + random.below(visitMsMax), act: visit });
      this.#with(known, (run) => this.#look(known, run));
    };
    scheduler.add({ kind: "person", delayMs: random.below(5_000), act: visit });
  }

  /** Somebody follows the run live, and goes on at another process, at the next seq, when one has fallen silent. */
  #watch(known: KnownRun): void {
    const { scheduler, random, history, violations } = this.#options;
    let watch = 0;
    const follow = () => {
      if (known.watched.length >= history.run(known.id).lastSeq && history.run(known.id).end) return;
      scheduler.add({ kind: "person", delayMs: 1 + random.below(visitMsMax * 2), act: follow });
      const own = ++watch;
      this.#with(known, async (run) => {
        for await (const { seq, type } of run.events({ fromSeq: known.watched.length + 1 })) {
          if (own !== watch) return;
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
      const key = `word-${this.#words++}`;
      const send = async (to: Run) => {
        await to.send(`answer ${random.below(9)}`, { ask, key, principal });
        known.answered.add(key);
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

  #with(known: KnownRun, act: (run: Run) => Promise<void>, also: readonly string[] = []): void {
    const process = this.#options.reach();
    if (!process) return;
    this.#try(async () => act((await process.supervisor.find(known.id, { tenant })) as Run), also);
  }

  /** An attempt at a process that dies meanwhile never ends; whoever made it does not wait for it. */
  #try(act: () => Promise<void>, also: readonly string[] = []): void {
    act().catch((thrown: unknown) => judge(this.#options.violations, thrown, also));
  }
}
