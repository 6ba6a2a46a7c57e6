import type { Entry } from "../event.ts";
import { type HumanReason, reasonOfError, reasonOfWord } from "./reason.ts";

/**
 * Where people came in, from the entries of one run. Pure.
 *
 * H1 A human step is: an approval that was requested, a question to an operator, a question of a tool under way, a write whose
 *    outcome a person has to tell, an escalation; and that a specialist's run waits for one of the first two or the fourth.
 *    What the customer is asked is none: it is their own case.
 * H2 A step ends with the word of a person, in vain (`expired`), or because it was not needed any more (`withdrawn`). One that
 *    has not ended has no `endedAt`; an escalation has none ever: what follows is outside.
 * H3 Its reason is read from what the run says, in the order that `reasonOf…` below states; what says nothing is `unknown`.
 */
export interface HumanStep {
  readonly kind: "approval" | "question" | "tool-question" | "outcome" | "escalation" | "specialist";
  readonly seq: number;
  readonly path: string;
  readonly reason: HumanReason;
  /** Epoch ms. */
  readonly askedAt: number;
  readonly endedAt?: number;
  /** `elsewhere`: in the specialist's run, whose journal says how. */
  readonly outcome?: "decided" | "expired" | "withdrawn" | "elsewhere";
}

/** What is said of an escalation to whoever knows the team's own words. */
export interface EscalationSaid {
  /** The `reason` of the escalation. */
  readonly word: string;
  readonly by: string;
  readonly packet: unknown;
  /** Names of the edges that the run took, in order. */
  readonly edges: readonly string[];
}

/** The reasons that a team's own words stand for: by word, or by a function; nothing said is `unknown`. */
export type ReasonWords =
  | { readonly [word: string]: HumanReason }
  | ((said: EscalationSaid) => HumanReason | undefined);

export interface PeopleFacts {
  readonly steps: readonly HumanStep[];
  /** The word of the escalation, as the team has it. */
  readonly word?: string;
  /** Questions to the customer, and how long answers to them took together. */
  readonly customerQuestions: number;
  readonly customerMs: number;
  /** A body was erased that alone could say whether somebody of the house was asked, or that stands in a specialist's run. */
  readonly untold: boolean;
}

interface Open {
  readonly index: number;
  /** Of a question; "" where its body was erased. */
  readonly name: string;
}

export function peopleTally(words: ReasonWords | undefined) {
  const steps: HumanStep[] = [];
  const open: Open[] = [];
  const customer: { readonly ask: string; readonly at: number }[] = [];
  const tiers = new Map<string, string>();
  /** Codes of the errors of judges, by effect. */
  const judgeErrors = new Map<string, string>();
  const edges: string[] = [];
  let word: string | undefined;
  let customerQuestions = 0;
  let customerMs = 0;
  let untold = false;

  const begin = (entry: Entry, kind: HumanStep["kind"], reason: HumanReason, name = "") => {
    steps.push({ kind, seq: entry.seq, path: entry.path, reason, askedAt: entry.at });
    if (kind !== "escalation") open.push({ index: steps.length - 1, name });
  };
  const find = (fits: (step: HumanStep, name: string) => boolean) =>
    open.findIndex(({ index, name }) => {
      const step = steps[index];
      return step !== undefined && fits(step, name);
    });
  const end = (place: number, at: number, outcome: NonNullable<HumanStep["outcome"]>) => {
    const [closed] = place < 0 ? [] : open.splice(place, 1);
    const step = closed && steps[closed.index];
    if (closed && step) steps[closed.index] = { ...step, endedAt: at, outcome };
  };
  const endAt = (entry: Entry, kind: HumanStep["kind"], outcome: NonNullable<HumanStep["outcome"]>) =>
    end(
      find((step) => step.kind === kind && step.path === entry.path),
      entry.at,
      outcome,
    );
  /** By its name; the oldest of its kind where the answer's body was erased, or the question's. */
  const endNamed = (
    entry: Entry,
    kind: HumanStep["kind"],
    name: string | undefined,
    outcome: NonNullable<HumanStep["outcome"]>,
  ) => {
    const own = find((step, known) => step.kind === kind && known !== "" && known === name);
    const either = find((step, known) => step.kind === kind && (known === "" || name === undefined));
    end(own >= 0 ? own : either, entry.at, outcome);
  };

  const withdrawUnder = ({ path, at }: Entry) => {
    const isUnder = (step: HumanStep) =>
      step.kind === "question" && (step.path === path || step.path.startsWith(`${path}/`));
    for (let place = find(isUnder); place >= 0; place = find(isUnder)) end(place, at, "withdrawn");
  };

  const take = (entry: Entry): void => {
    switch (entry.type) {
      case "edge.chosen":
        if (entry.body.edge !== undefined) edges.push(entry.body.edge);
        return;
      case "effect.proposed":
        if (entry.body.tier !== undefined) tiers.set(entry.path, entry.body.tier);
        return;
      case "agent.failed":
      case "handoff.rejected": {
        const effect = entry.path.replace(/\/(?:compliance|reviewer)#\d+$/, "");
        const code = entry.body.error?.code;
        if (code !== undefined && tiers.has(effect)) judgeErrors.set(effect, code);
        // An agent that was stopped asks nothing any more, nor does who works for it.
        if (entry.type === "agent.failed") withdrawUnder(entry);
        return;
      }
      case "approval.requested":
        // After a migration the same is asked once more.
        if (find(({ kind, path }) => kind === "approval" && path === entry.path) >= 0) return;
        return begin(entry, "approval", reasonOfApproval(entry, tiers.get(entry.path), judgeErrors.get(entry.path)));
      case "approval.granted":
      case "approval.rejected":
      case "approval.edited":
        return endAt(entry, "approval", "decided");
      case "approval.expired":
        return endAt(entry, "approval", "expired");
      case "tool.denied":
        return endAt(entry, "approval", "withdrawn");
      case "effect.uncertain":
        if (entry.body.next !== "person") return;
        return begin(entry, "outcome", "outcome-unknown");
      case "effect.decided":
        return endAt(entry, "outcome", "decided");
      case "effect.settled":
        endAt(entry, "approval", "withdrawn");
        return endAt(entry, "outcome", "withdrawn");
      case "question.opened":
        return begin(entry, "tool-question", "missing-data", entry.body.question);
      case "question.closed": {
        const { outcome, question } = entry.body;
        const came = outcome === "expired" ? "expired" : outcome === "answered" ? "decided" : "withdrawn";
        return endNamed(entry, "tool-question", question, came);
      }
      case "input.requested": {
        const { of, ask } = entry.body;
        if (of === "operator") return begin(entry, "question", "missing-data", ask);
        if (of === "customer") {
          customerQuestions++;
          customer.push({ ask, at: entry.at });
        } else untold = true;
        return;
      }
      case "input.received": {
        const { ask } = entry.body;
        const place = customer.findIndex((one) => one.ask === ask);
        if (place < 0) return endNamed(entry, "question", ask, "decided");
        const [asked] = customer.splice(place, 1);
        if (asked) customerMs += entry.at - asked.at;
        return;
      }
      case "delegation.accepted": {
        const { waits = [] } = entry.body;
        // Who is asked stands in the run of the specialist: the customer, or somebody of the house.
        if (waits.includes("question") || Object.keys(entry.body).length === 0) untold = true;
        const isOpen = find(({ kind, path }) => kind === "specialist" && path === entry.path) >= 0;
        const isWaiting = waits.includes("approval") || waits.includes("effect");
        if (isOpen && !isWaiting) return endAt(entry, "specialist", "elsewhere");
        if (isOpen || !isWaiting) return;
        return begin(entry, "specialist", waits.includes("effect") ? "outcome-unknown" : "unknown");
      }
      case "delegation.ended":
      case "delegation.recalled":
        return endAt(entry, "specialist", "elsewhere");
      case "run.escalated":
        word = typeof entry.body.reason === "string" ? entry.body.reason : undefined;
        return begin(entry, "escalation", reasonOfEscalation(entry, edges, words));
      default:
    }
  };
  return {
    take,
    close: (endedAt: number | undefined): PeopleFacts => {
      // Nobody is asked any more when the run is over; of a write whose outcome is unknown somebody still has to tell.
      if (endedAt !== undefined) {
        for (const { index } of open) {
          const step = steps[index];
          if (step && step.kind !== "outcome") steps[index] = { ...step, endedAt, outcome: "withdrawn" };
        }
      }
      return { steps, ...(word === undefined ? {} : { word }), customerQuestions, customerMs, untold };
    },
  };
}

/**
 * Of an approval: `untrusted-data` where the flow rule asks; `policy-conflict` where the verdict is to escalate;
 * `approval-required` where the tool's risk, the team or a policy's rule wants a person in any case; else, where nobody gave a
 * verdict, why they did not.
 */
function reasonOfApproval(
  { body }: Entry<"approval.requested">,
  tier: string | undefined,
  judgeError: string | undefined,
): HumanReason {
  if ((body.because ?? []).length > 0) return "untrusted-data";
  if (body.verdict?.verdict === "escalate") return "policy-conflict";
  if (tier === "person" || body.risk === "high" || body.policy !== undefined) return "approval-required";
  return reasonOfError(judgeError) ?? "unknown";
}

/**
 * Of an escalation: what the caller says of its word; else the word itself where it is a reason; else the error that its
 * packet holds, where the supervisor escalates what fails.
 */
function reasonOfEscalation(
  { body: { reason, by, packet } }: Entry<"run.escalated">,
  edges: readonly string[],
  words: ReasonWords | undefined,
): HumanReason {
  if (typeof reason !== "string") return "unknown";
  const said =
    typeof words === "function"
      ? words({ word: reason, by, packet, edges })
      : words && Object.hasOwn(words, reason)
        ? words[reason]
        : undefined;
  return said ?? reasonOfWord(reason) ?? reasonOfError(failureOf(reason, packet)) ?? "unknown";
}

/** Words of the supervisor's own, for what failed: their packet is the error. */
const failed: ReadonlySet<string> = new Set(["agent_failed", "no_edge", "contract_rejected"]);

/** The code of the error that a run was escalated for, where it was for one. */
export function failureOf(word: unknown, packet: unknown): string | undefined {
  if (typeof word !== "string" || !failed.has(word)) return undefined;
  const { error } = (packet ?? {}) as { readonly error?: { readonly code?: unknown } };
  return typeof error?.code === "string" ? error.code : undefined;
}
