import type { ApprovalDecision } from "../approval/approvals.ts";
import type { ApprovalCase } from "../approval/open-cases.ts";
import type { Audience } from "../audience.ts";
import type { Entry } from "../event.ts";
import type { Json } from "../json.ts";
import { operator, type Principal } from "../principal.ts";
import type { AnyTool, ToolInput } from "../tool.ts";

/**
 * What simulated people say to a run. They keep no place of their own: whose turn it is follows from the journal, so
 * that a scenario can be taken up again in another process.
 */

/** What a simulated person says the next time that somebody of their kind is asked. */
export interface Reply {
  readonly of: Audience;
  readonly answer: Json;
}

/** A reply of a simulated person. Replies of one audience are used in order. */
export function replies(of: Audience, answer: Json): Reply {
  return { of, answer };
}

/** What a simulated person does the next time that a call of this tool waits for an approval. */
export interface PersonDecision {
  readonly of: "approver";
  readonly tool: string;
  /** `expire`: nobody says anything until it is too late. */
  readonly decision: "approve" | "reject" | "edit" | "expire";
  readonly reason: string;
  /** The arguments as they shall be; with `edit` only. */
  readonly input?: Json;
  /** Who it is; another member of staff each time, of a role that may, when absent. */
  readonly by?: Principal;
}

/** What somebody outside says: an answer to a question, or a decision on a call. */
export type External = Reply | PersonDecision;

export function isReply(external: External): external is Reply {
  return external.of !== "approver";
}

export function isDecision(external: External): external is PersonDecision {
  return external.of === "approver";
}

interface By {
  readonly by?: Principal;
}

/** A tool, or the name of one that belongs to a server. */
type ToolRef = AnyTool | string;
type InputFor<Ref extends ToolRef> = Ref extends AnyTool ? ToolInput<Ref> : Json;

/** Somebody approves the next call of this tool that waits. Decisions of one tool are used in order. */
export function grant(
  tool: ToolRef,
  { reason = "approved", by }: By & { readonly reason?: string } = {},
): PersonDecision {
  return decided(tool, { decision: "approve", reason }, by);
}

/** Somebody says no to it. */
export function reject(tool: ToolRef, reason: string, { by }: By = {}): PersonDecision {
  return decided(tool, { decision: "reject", reason }, by);
}

/** Somebody changes its arguments. What comes of that is a call of its own, and may wait for somebody else. */
export function edit<const Ref extends ToolRef>(
  tool: Ref,
  input: InputFor<Ref>,
  reason: string,
  { by }: By = {},
): PersonDecision {
  return decided(tool, { decision: "edit", reason, input: input as Json }, by);
}

/** Nobody says anything until the approval has expired. */
export function letExpire(tool: ToolRef): PersonDecision {
  return decided(tool, { decision: "expire", reason: "nobody has decided" }, undefined);
}

function decided(
  tool: ToolRef,
  said: Pick<PersonDecision, "decision" | "reason" | "input">,
  by: Principal | undefined,
): PersonDecision {
  return { of: "approver", tool: nameOf(tool), ...said, ...(by === undefined ? {} : { by }) };
}

function nameOf(tool: ToolRef): string {
  return typeof tool === "string" ? tool : tool.name;
}

/** The reply that is next for this audience, by what it has answered before. */
export function replyFor(external: readonly External[], entries: readonly Entry[], of: Audience): Reply | undefined {
  return external.filter(isReply).filter((one) => one.of === of)[answeredOf(entries, of)];
}

/** The decision that is next for this case's tool, by what was decided on calls of it before. */
export function decisionFor(
  external: readonly External[],
  entries: readonly Entry[],
  { tool }: Pick<ApprovalCase, "tool">,
): PersonDecision | undefined {
  const before = approvalsIn(entries).filter((one) => one.tool === tool).length;
  return external.filter(isDecision).filter((one) => one.tool === tool)[before];
}

/** The decision as the inbox takes it. Each without a name of its own is another person's, so that a quorum is one. */
export function asSaid(
  { decision, reason, input, by }: PersonDecision,
  open: ApprovalCase,
  entries: readonly Entry[],
): ApprovalDecision {
  const before = entries.filter(({ type }) => type === "approval.decided").length;
  const principal = by ?? operator(`approver-${before + 1}`, open.roles);
  const common = { reason, principal, key: `${open.address}:${before + 1}`, binding: open.binding };
  if (decision === "edit") return { ...common, decision, input: input ?? null };
  return { ...common, decision: decision === "reject" ? "reject" : "approve" };
}

/** What one person decided on a call that waited, or that nobody did in time. */
export interface ApprovalTold {
  readonly tool: string;
  readonly decision: PersonDecision["decision"];
  /** Id of the person; empty where nobody decided. */
  readonly by: string;
}

/** What people decided on calls of a run, and what nobody did in time, in order. What did not count is left out. */
export function approvalsIn(entries: readonly Entry[]): readonly ApprovalTold[] {
  const tools = new Map<string, string>();
  const refused = new Set(entries.flatMap((entry) => (entry.type === "approval.refused" ? [entry.cause] : [])));
  const told: ApprovalTold[] = [];
  for (const entry of entries) {
    if (entry.type === "approval.requested") tools.set(entry.body.effect, entry.body.tool);
    if (entry.type === "approval.expired") {
      told.push({ tool: tools.get(entry.body.effect) ?? "", decision: "expire", by: "" });
    }
    if (entry.type !== "approval.decided" || refused.has(entry.seq)) continue;
    const { effect, decision, principal } = entry.body;
    const tool = tools.get(effect);
    // A word on nothing that waits came too late.
    if (tool !== undefined) told.push({ tool, decision, by: principal.id });
  }
  return told;
}

/** What people of a scenario would have said and were not asked for, by what a run has heard. */
export function leftUnsaid(external: readonly External[], entries: readonly Entry[]): readonly External[] {
  const heard = new Map<string, number>();
  for (const who of ["customer", "operator"] as const) heard.set(who, answeredOf(entries, who));
  for (const { tool } of approvalsIn(entries)) heard.set(`on ${tool}`, (heard.get(`on ${tool}`) ?? 0) + 1);
  return external.filter((one) => {
    const who = isDecision(one) ? `on ${one.tool}` : one.of;
    const left = heard.get(who) ?? 0;
    heard.set(who, left - 1);
    return left <= 0;
  });
}

function answeredOf(entries: readonly Entry[], of: Audience): number {
  const asked = new Map<string, Audience>();
  let count = 0;
  for (const entry of entries) {
    if (entry.type === "input.requested") asked.set(entry.body.ask, entry.body.of);
    if (entry.type === "input.received" && asked.get(entry.body.ask) === of) count++;
  }
  return count;
}
