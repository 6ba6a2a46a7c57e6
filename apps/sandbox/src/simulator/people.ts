import {
  type ApprovalCase,
  type ApprovalDecision,
  everyTenant,
  type Grant,
  type Json,
  OrchestrationError,
  type Principal,
  type RestrictionTarget,
  type Run,
  type RunStatus,
  reasonOf,
  type Supervisor,
  user,
} from "@remit/core";
import type { Faults } from "./fault.ts";
import { endOf, type History } from "./history.ts";
import type { Plant } from "./plant.ts";
import type { Process } from "./process.ts";
import { draw, drawOne, type Random } from "./random.ts";
import type { Restraint } from "./restraint.ts";
import type { Scheduler } from "./scheduler.ts";
import { type GrantSpec, grantSpec, toolNames } from "./specs.ts";
import type { Violations } from "./violation.ts";
import type { World } from "./world.ts";

export const tenants = ["acme", "globex"] as const;
const delegate = (id: string, onBehalfOf: string, roles: readonly string[]): Principal => ({
  ...user(id, roles),
  onBehalfOf,
});
/** Who starts runs, one of them through a delegate. */
const starters: readonly Principal[] = [
  user("u_1", ["lead"]),
  user("u_1", ["lead"]),
  delegate("u_1d", "u_1", ["lead"]),
];
/** Who may not approve what the starters asked for. */
const selves: readonly Principal[] = [
  user("u_1", ["lead"]),
  delegate("u_1e", "u_1", ["lead"]),
  delegate("u_1d", "u_1", ["lead"]),
];
const voters: readonly Principal[] = [
  user("ann", ["lead"]),
  user("bob", ["lead"]),
  user("cat"),
  user("fay", ["lead"]),
  delegate("dan", "ann", ["lead"]),
];
const operations = user("ops");

/** Errors that a caller of a system under faults has to live with. */
const expected: ReadonlySet<string> = new Set([
  "journal/conflict",
  "journal/unavailable",
  "engine/closed",
  "run/not-waiting",
  "run/already-ended",
  "run/unknown",
  "bus/mailbox-full",
  "policy/revoked",
]);
const aboutApprovals = [
  "approval/unknown",
  "approval/expired",
  "approval/self-approval",
  "approval/role-missing",
  "approval/already-decided",
  "approval/binding-mismatch",
];

const aboutQuestions = [
  "question/unknown",
  "question/expired",
  "question/already-answered",
  "approval/self-approval",
  "approval/role-missing",
  "approval/binding-mismatch",
];

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
  readonly tenant: string;
  readonly principal: Principal;
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

/** What a person said about one approval, and what they saw when they did. */
export interface Word {
  readonly run: string;
  readonly effect: string;
  readonly decision: "approve" | "reject" | "edit";
  readonly binding: string;
  readonly principal: Principal;
  /** The arguments that they saw. */
  readonly saw: Json;
  readonly input: Json | undefined;
  acknowledged: boolean;
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
  /** Names of tools that a run may be granted. */
  readonly tools: readonly string[];
  /** The storm is over: nobody takes anything away any more. */
  readonly isCalm: () => boolean;
  /** Versions of which some processes know one only are at work. */
  readonly isDeploying: () => boolean;
}

const visitMsMax = 20_000;
const visitMsLongest = 1_200_000;
const lateMs = 600_000;

/**
 * The people around a simulation: they start runs, answer and approve late, twice, wrongly and for themselves, cancel, take
 * tools away and give them back, undo and redrive, and say what became of writes. They outlive every process, wait for
 * none, and ask again.
 */
export class People {
  readonly runs = new Map<string, KnownRun>();
  readonly words = new Map<string, Word>();
  /** Letters that were dealt with, by run: whoever was first. */
  readonly letters = new Map<string, Set<"redriven" | "dismissed">>();
  readonly #options: PeopleOptions;
  readonly #silentAbout = new Set<string>();
  readonly #looked = new Set<string>();
  /** Every case that somebody has seen, for those who mix them up. */
  readonly #cases: ApprovalCase[] = [];
  #words = 0;
  /** Starts, undos and redrives that are not done yet. */
  #pending = 0;

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  /** True when nobody has anything left to do. */
  get done(): boolean {
    if (this.#pending > 0) return false;
    for (const { noticed } of this.runs.values()) if (!noticed) return false;
    return true;
  }

  begin(): void {
    for (let index = 0; index < this.#options.runs; index++) this.#start(index);
    this.#govern();
  }

  /** Runs that nobody was told of, because their start came to nobody's ears, are attended to all the same. */
  adopt(): void {
    for (const { runId, tenant, compensates, redrives } of this.#options.history.runs.values()) {
      if (!(compensates || redrives) || this.runs.has(runId)) continue;
      if (redrives) this.letters.set(runId, this.letters.get(runId) ?? new Set());
      this.#attend(runId, tenant, operations);
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
    this.#insist(this.#options.random.below(1_000), async (supervisor) => {
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

  /** Asks at one process after the other until somebody answers; what is in `final` is an answer too. */
  #insist(
    firstMs: number,
    act: (supervisor: Supervisor) => Promise<() => void>,
    final: readonly string[] = [],
    also: readonly string[] = [],
  ): void {
    const { scheduler, random, violations } = this.#options;
    let done = false;
    this.#pending++;
    const finish = (then: () => void) => {
      if (done) return;
      done = true;
      this.#pending--;
      then();
    };
    const attempt = () => {
      if (done) return;
      scheduler.add({ kind: "person", delayMs: 1 + random.below(visitMsMax), act: attempt });
      // Whoever starts something takes the newest version that is there.
      const supervisor = this.#options.reach()?.supervisors.at(-1);
      if (!supervisor) return;
      act(supervisor).then(finish, (thrown: unknown) => {
        if (OrchestrationError.is(thrown) && final.includes(thrown.code)) return finish(() => {});
        judge(violations, thrown, [...also, ...this.#amidDeploy()]);
      });
    };
    scheduler.add({ kind: "person", delayMs: firstMs, act: attempt });
  }

  #attend(id: string, tenant: string, principal: Principal, grant?: GrantSpec): void {
    const { scheduler, faults, random, history } = this.#options;
    if (this.runs.has(id)) return;
    const known: KnownRun = {
      id,
      tenant,
      principal,
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
      if (asked.size > 0) this.#answerTool(known);
      const states = [...open.values()];
      if (states.includes("question.open") || states.includes("write.uncertain")) {
        this.#with(known, (run) => this.#look(known, run));
      }
      if ([...approvals.keys()].some((effect) => !this.#silentAbout.has(`${known.id}/${effect}`))) this.#inbox(known);
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

  /** Somebody answers a tool that asks in the midst of its call. */
  #answerTool({ tenant }: KnownRun): void {
    const { faults, random } = this.#options;
    this.#at(async (supervisor) => {
      const cases = await supervisor.approvals.questions({ tenant });
      const open = cases.filter(({ binding }) => !this.#silentAbout.has(binding));
      if (open.length === 0) return;
      const { address, binding } = random.pick(open);
      if (!this.#looked.has(binding)) {
        this.#looked.add(binding);
        if (faults.strikes("answer-never")) {
          this.#silentAbout.add(binding);
          return;
        }
      }
      const principal = faults.strikes("approval-self") ? random.pick(selves) : random.pick(voters);
      const action = random.pick(["accept", "accept", "accept", "decline", "cancel"] as const);
      const given = { action, principal, key: `tool-${this.#words++}`, binding };
      if (faults.strikes("answer-doubled")) {
        this.#at(async (other) => void (await other.approvals.answer(tenant, address, given)), aboutQuestions);
      }
      await supervisor.approvals.answer(tenant, address, given);
    }, aboutQuestions);
  }

  /** Somebody looks into the inbox of a tenant, and says something about one case or about all. */
  #inbox({ tenant }: KnownRun): void {
    const { faults, random } = this.#options;
    this.#at(async (supervisor) => {
      const cases = await supervisor.approvals.list({ tenant });
      for (const one of cases) {
        if (!this.#cases.some(({ binding }) => binding === one.binding)) this.#cases.push(one);
        const { address, binding } = one;
        if (this.#looked.has(binding)) continue;
        this.#looked.add(binding);
        if (faults.strikes("approval-never")) this.#silentAbout.add(address);
      }
      const open = cases.filter(({ address }) => !this.#silentAbout.has(address));
      if (open.length === 0) return;
      if (open.length > 1 && faults.strikes("approval-batch")) {
        const said = open.map((one) => ({ one, given: this.#decisionOn(one) }));
        const outcomes = await supervisor.approvals.decideAll(
          tenant,
          said.map(({ one: { address }, given }) => ({ ...given, address })),
        );
        outcomes.forEach((outcome, index) => {
          if (outcome.ok) this.#heard(said[index]?.given.key);
          else if (![...aboutApprovals, "tool/input-invalid", ...this.#amidDeploy()].includes(outcome.error.code))
            judgeCode(this.#options.violations, outcome.error.code, outcome.error.message);
        });
        return;
      }
      this.#sayOn(random.pick(open));
    }, aboutApprovals);
  }

  /** One person's word on one case, at any process, now or late, once or twice. */
  #sayOn(one: ApprovalCase): void {
    const { faults, random, scheduler } = this.#options;
    if (faults.strikes("approval-self"))
      return this.#say(one, this.#plainly(one, "approve", { by: random.pick(selves) }));
    const given = this.#decisionOn(one);
    if (faults.strikes("approval-late")) {
      const untilMs = Math.max(0, one.expiresAt - scheduler.now);
      const act = () => this.#say(one, given);
      // Just before and just after it expires, where that is soon; else at some time.
      const delayMs = untilMs < 600_000 ? untilMs + random.between(-2_000, 4_000) : random.below(lateMs);
      scheduler.add({ kind: "person", delayMs: Math.max(0, delayMs), act });
      return;
    }
    if (faults.strikes("approval-doubled")) this.#say(one, given);
    this.#say(one, given);
    if (given.decision === "approve" && faults.strikes("approval-twice")) {
      this.#say(one, this.#plainly(one, "approve", { by: given.principal }));
    }
  }

  #say(one: ApprovalCase, given: Given): void {
    const also = [...aboutApprovals, "tool/input-invalid"];
    this.#at(async (supervisor) => {
      await supervisor.approvals.decide(one.tenant, one.address, given);
      this.#heard(given.key);
    }, also);
  }

  /** What a person says: mostly yes, and now and then about another case than they think. */
  #decisionOn(one: ApprovalCase): Given {
    const { faults, random } = this.#options;
    if (faults.strikes("approval-rejected")) return this.#plainly(one, "reject");
    if (faults.strikes("approval-edited")) {
      return this.#plainly(one, "edit", { input: { id: `e${random.below(12)}` } });
    }
    if (faults.strikes("approval-edited-invalid")) return this.#plainly(one, "edit", { input: { id: 7 } });
    if (faults.strikes("approval-stale")) {
      return this.#plainly(one, "approve", { saw: random.pick(this.#cases) });
    }
    return this.#plainly(one, "approve");
  }

  #plainly(
    one: ApprovalCase,
    decision: Word["decision"],
    { input, saw = one, by }: { readonly input?: Json; readonly saw?: ApprovalCase; readonly by?: Principal } = {},
  ): Given {
    const { random, faults } = this.#options;
    const principal = by ?? (faults.strikes("approval-of-others") ? random.pick(selves) : random.pick(voters));
    const key = `approval-${this.#words++}`;
    const { run, effect } = one;
    const { binding, input: shown } = saw;
    this.words.set(key, { run, effect, decision, binding, principal, saw: shown, input, acknowledged: false });
    const common = { reason: "seen", principal, key, binding };
    return decision === "edit" ? { ...common, decision, input: input ?? null } : { ...common, decision };
  }

  #heard(key: string | undefined): void {
    const word = key === undefined ? undefined : this.words.get(key);
    if (word) word.acknowledged = true;
  }

  /** What people do about a run that has ended. */
  #followUp({ id, tenant, principal }: KnownRun): void {
    const { faults, random, history } = this.#options;
    const { end, compensates } = history.run(id);
    if (!compensates && faults.strikes("compensate")) {
      this.#insist(
        random.below(60_000),
        async (supervisor) => {
          const run = await supervisor.compensate(id, { tenant, principal: operations });
          return () => this.#attend(run.id, tenant, operations);
        },
        ["run/not-undoable"],
      );
    }
    if (end !== "failed" || compensates) return;
    const redrive = !this.letters.has(id) && faults.strikes("redrive");
    const dismiss = faults.strikes("dismiss");
    const handled = (how: "redriven" | "dismissed") => {
      const words = this.letters.get(id) ?? new Set();
      this.letters.set(id, words.add(how));
      if (words.size > 1) this.#options.violations.add("R11", `the letter of ${id} was redriven and dismissed`);
    };
    const done = ["letter/unknown", "letter/has-effects"];
    if (redrive) {
      this.#insist(
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
      this.#insist(
        random.below(90_000),
        async (supervisor) => {
          await supervisor.deadLetters.dismiss(tenant, id, { reason: "seen", principal });
          return () => handled("dismissed");
        },
        done,
      );
    }
  }

  /** Somebody takes something away from time to time, and gives it back after a while. */
  #govern(): void {
    const { scheduler, random, faults, restraint, isCalm } = this.#options;
    const calm = isCalm();
    const delayMs = 1 + random.below(calm ? lateMs : 40_000);
    scheduler.add({ kind: "person", delayMs, act: () => this.#govern() });
    if (calm) return this.#giveBack();
    if (!faults.strikes("restrict")) return;
    const target = this.#target();
    const tenant = random.chance(0.7) ? random.pick(tenants) : undefined;
    const how = { tenant: tenant ?? everyTenant, reason: "no more", principal: operations } as const;
    this.#insist(0, async (supervisor) => {
      await supervisor.restrict(target, how);
      return () => {
        const one = { target, tenant, acknowledgedAt: scheduler.now, liftedAt: undefined as number | undefined };
        // Somebody else may lift the same meanwhile: then nothing is sure.
        if (!this.#lifting.has(sameOf(target, tenant))) restraint.list.push(one);
        this.#insist(5_000 + random.below(180_000), async (other) => {
          this.#lifting.add(sameOf(target, tenant));
          for (const standing of restraint.list) {
            if (sameOf(standing.target, standing.tenant) === sameOf(target, tenant))
              standing.liftedAt ??= scheduler.now;
          }
          await other.lift(target, how);
          return () => {};
        });
      };
    });
  }

  /** What is still taken away when the storm is over, by a word that came late, is given back. */
  #giveBack(): void {
    for (const tenant of tenants) {
      this.#at(async (supervisor) => {
        for (const { target, tenant: scope } of await supervisor.restrictions(tenant)) {
          for (const one of this.#options.restraint.list) one.liftedAt ??= this.#options.scheduler.now;
          const where = scope === tenant ? tenant : everyTenant;
          await supervisor.lift(target, { tenant: where, reason: "over", principal: operations });
        }
      });
    }
  }

  /** Restrictions that somebody has begun to lift, once. */
  readonly #lifting = new Set<string>();

  #target(): RestrictionTarget {
    const { random, agents } = this.#options;
    const luck = random.unit();
    if (luck < 0.5) return { kind: "tool", name: random.pick(toolNames) };
    if (luck < 0.85) return { kind: "agent", name: random.pick(agents) };
    return { kind: "tenant" };
  }

  #with(known: KnownRun, act: (run: Run) => Promise<void>, also: readonly string[] = []): void {
    this.#at(async (supervisor) => act((await supervisor.find(known.id, { tenant: known.tenant })) as Run), also);
  }

  #amidDeploy(): readonly string[] {
    return this.#options.isDeploying() ? ["definition/unknown", "definition/waiting-runs"] : [];
  }

  /** An attempt at a process that dies meanwhile never ends; whoever made it does not wait for it. */
  #at(act: (supervisor: Supervisor) => Promise<void>, also: readonly string[] = []): void {
    const { reach, random, violations } = this.#options;
    const process = reach();
    if (!process) return;
    const supervisor = random.pick(process.supervisors);
    // A process that has not loaded the newest version can do nothing for its runs.
    act(supervisor).catch((thrown: unknown) => judge(violations, thrown, [...also, ...this.#amidDeploy()]));
  }
}

type Given = ApprovalDecision & { readonly key: string; readonly principal: Principal };

function sameOf(target: RestrictionTarget, tenant: string | undefined): string {
  return `${tenant ?? "all"} ${target.kind} ${target.kind === "tenant" ? "" : target.name}`;
}
