import { type Entry, type EntryBodies, endStatusOf, endTypes } from "../event.ts";
import type { Json } from "../json.ts";
import { becauseText } from "../label/because.ts";
import type { FlowFinding } from "../label/flow.ts";
import type { RunRecord } from "../port/journal.ts";
import type { Risk } from "../tool.ts";
import { type ApprovalPacket, approvalPacket } from "./case.ts";
import { type Change, diffOf } from "./diff.ts";

/** Approvals that wait, as they follow from a run's journal. There is no list of them that could say something else. */

/** One write that waits for a person: all that they need to decide. */
export interface ApprovalCase {
  /** `run/effect`: what decisions are sent to. */
  readonly address: string;
  readonly tenant: string;
  readonly run: string;
  readonly supervisor: string;
  /** Epoch ms at which the run started; lists go by it. */
  readonly startedAt: number;
  readonly effect: string;
  readonly agent: string;
  readonly tool: string;
  readonly input: Json;
  readonly risk: Risk;
  readonly reversible: boolean;
  /** Why it came to a person: the packet's word, else the policy's, else compliance's reasons, else its risk. */
  readonly why: string;
  readonly verdict?: EntryBodies["effect.judged"];
  /** What the reviewer made of it, where one did. */
  readonly packet?: ApprovalPacket;
  /** The rule of the policy that wants a person, and its reason. */
  readonly policy?: NonNullable<EntryBodies["approval.requested"]["policy"]>;
  readonly evidence: readonly string[];
  /** What a person's edit changed in the arguments; empty for a proposal as its agent made it. */
  readonly diff: readonly Change[];
  readonly quorum: number;
  /** Who approved so far. */
  readonly approvals: readonly string[];
  readonly roles: readonly string[];
  readonly requesters: readonly string[];
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly labels: readonly string[];
  /** Why the flow rule asks, and where the values may have come from; empty: it does not. */
  readonly because: readonly FlowFinding[];
  readonly binding: string;
}

/** The address of one effect of one run. Run ids hold no slash; paths of effects do. */
export function addressOf(run: string, effect: string): string {
  return `${run}/${effect}`;
}

/** The two halves of an address, or nothing for a text that is none. */
export function parseAddress(address: string): { readonly run: string; readonly effect: string } | undefined {
  const slash = address.indexOf("/");
  if (slash < 1 || slash === address.length - 1) return undefined;
  return { run: address.slice(0, slash), effect: address.slice(slash + 1) };
}

/** Types of the entries that approvals follow from. */
export const caseTypes: ReadonlySet<string> = new Set([
  "effect.proposed",
  "approval.requested",
  "approval.recorded",
  "approval.granted",
  "approval.rejected",
  "approval.edited",
  "approval.expired",
  "effect.settled",
  "tool.denied",
  ...endTypes,
]);

/** The approvals that are open at the end of these entries, in the order in which they were asked for. */
export function openCasesOf(
  entries: readonly Entry[],
  record: Pick<RunRecord, "tenant" | "runId" | "supervisor" | "startedAt">,
): ApprovalCase[] {
  const proposals = new Map<string, EntryBodies["effect.proposed"]>();
  const open = new Map<string, ApprovalCase>();
  for (const entry of entries) {
    switch (entry.type) {
      case "effect.proposed":
        proposals.set(entry.body.effect, entry.body);
        break;
      case "approval.requested": {
        const edited = proposals.get(entry.body.effect)?.edits?.effect;
        const before = edited === undefined ? undefined : proposals.get(edited)?.input;
        open.delete(entry.body.effect); // Asked for again, it stands where it is asked for now.
        open.set(entry.body.effect, caseOf(entry, before, record));
        break;
      }
      case "approval.recorded": {
        const { effect, by } = entry.body;
        const found = open.get(effect);
        if (found) open.set(effect, { ...found, approvals: [...found.approvals, by] });
        break;
      }
      case "approval.granted":
      case "approval.rejected":
      case "approval.edited":
      case "approval.expired":
      case "effect.settled":
        open.delete(entry.body.effect);
        break;
      case "tool.denied":
        open.delete(entry.path);
        break;
      default:
        if (endStatusOf(entry.type)) open.clear();
    }
  }
  return [...open.values()];
}

/** How a case ended that is not open, in words; that nobody was asked where there was none. */
export function whyNotOpen(entries: readonly Entry[], effect: string): string {
  let asked = false;
  let why = nobodyAsked;
  /** The input with which its agent was taken away: where the run ended by it, that is why. */
  let dropped: number | undefined;
  for (const entry of entries) {
    if (entry.type === "approval.requested" && entry.body.effect === effect) asked = true;
    const isEnd = endStatusOf(entry.type) !== undefined && entry.cause === dropped;
    const ended = asked || isEnd ? endOf(entry, effect) : undefined;
    if (ended === undefined) continue;
    why = ended;
    asked = false;
    dropped = entry.type === "effect.settled" ? entry.cause : undefined;
  }
  return why;
}

const nobodyAsked = "nobody was asked about it";

function endOf(entry: Entry, effect: string): string | undefined {
  const { effect: said = entry.path } = entry.body as { readonly effect?: string };
  const status = endStatusOf(entry.type);
  if (status) return `the run ended as ${status} before`;
  if (said !== effect) return undefined;
  switch (entry.type) {
    case "approval.granted":
      return `it was granted by ${entry.body.by.join(", ")}`;
    case "approval.rejected":
      return `it was rejected by ${entry.body.by}`;
    case "approval.edited":
      return `${entry.body.by} edited it, and ${entry.body.next} took its place`;
    case "approval.expired":
      return "nobody decided in time";
    case "effect.settled":
      return "its agent does not wait for it any more";
    case "tool.denied":
      return entry.body.error.message;
    default:
      return undefined;
  }
}

function caseOf(
  { at, body }: Entry<"approval.requested">,
  before: Json | undefined,
  { tenant, runId, supervisor, startedAt }: Pick<RunRecord, "tenant" | "runId" | "supervisor" | "startedAt">,
): ApprovalCase {
  const { effect, agent, tool, input, risk, reversible, verdict } = body;
  // It was checked when it was made; a packet of another release is left out rather than shown half.
  const packet = approvalPacket.safeParse(body.packet).data;
  const { quorum, roles, requesters, expiresAt, labels, binding, because = [] } = body;
  return {
    address: addressOf(runId, effect),
    tenant,
    run: runId,
    supervisor,
    startedAt,
    effect,
    agent,
    tool,
    input,
    risk,
    reversible,
    why:
      packet?.why ||
      body.policy?.because ||
      verdict?.reasons.join("; ") ||
      because.map(becauseText).join("; ") ||
      `a change of ${risk} risk waits for a person`,
    ...(verdict === undefined ? {} : { verdict }),
    ...(packet === undefined ? {} : { packet }),
    ...(body.policy === undefined ? {} : { policy: body.policy }),
    evidence: packet?.evidence ?? [],
    diff: before === undefined ? [] : diffOf(before, input),
    quorum,
    approvals: [],
    roles,
    requesters,
    requestedAt: at,
    expiresAt,
    labels,
    because,
    binding,
  };
}
