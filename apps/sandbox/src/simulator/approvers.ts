import type { ApprovalCase, ApprovalDecision, Json, Principal } from "@remit/core";
import type { Faults } from "./fault.ts";
import { judgeCode } from "./judging.ts";
import { selves, voters } from "./persons.ts";
import type { Random } from "./random.ts";
import type { Reach } from "./reach.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Violations } from "./violation.ts";

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

export interface ApproversOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly violations: Violations;
  readonly reach: Reach;
  /** What a word is called, once. */
  readonly nameOf: (kind: "approval" | "tool") => string;
}

export const lateMs = 600_000;

/** Who decides and answers in an inbox: late, twice, wrongly, for themselves, about another case than they think, or never. */
export class Approvers {
  readonly words = new Map<string, Word>();
  readonly #options: ApproversOptions;
  readonly #silentAbout = new Set<string>();
  readonly #looked = new Set<string>();
  /** Every case that somebody has seen, for those who mix them up. */
  readonly #cases: ApprovalCase[] = [];

  constructor(options: ApproversOptions) {
    this.#options = options;
  }

  /** Nobody says anything about this case, ever. */
  isSilentAbout(address: string): boolean {
    return this.#silentAbout.has(address);
  }

  /** Somebody answers a tool that asks in the midst of its call. */
  answerTool(tenant: string): void {
    const { faults, random } = this.#options;
    this.#options.reach.at(async (supervisor) => {
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
      const given = { action, principal, key: this.#options.nameOf("tool"), binding };
      if (faults.strikes("answer-doubled")) {
        this.#options.reach.at(
          async (other) => void (await other.approvals.answer(tenant, address, given)),
          aboutQuestions,
        );
      }
      await supervisor.approvals.answer(tenant, address, given);
    }, aboutQuestions);
  }

  /** Somebody looks into the inbox of a tenant, and says something about one case or about all. */
  inbox(tenant: string): void {
    const { faults, random } = this.#options;
    this.#options.reach.at(async (supervisor) => {
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
          else if (
            ![...aboutApprovals, "tool/input-invalid", ...this.#options.reach.amidDeploy()].includes(outcome.error.code)
          )
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
    this.#options.reach.at(async (supervisor) => {
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
    const key = this.#options.nameOf("approval");
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
}

type Given = ApprovalDecision & { readonly key: string; readonly principal: Principal };
