import type { Entry, Json, Principal, Restrictions, Spend } from "@remit/core";
import { errorText, fault, machine, type Told } from "./beat.ts";
import { glance } from "./glance.ts";

/** What earlier entries said of an effect or a command. */
export interface Known {
  readonly tool: (command: string) => string;
  readonly agent: (command: string) => string;
  /** The agent that judges this effect by rule. */
  readonly judge: (effect: string) => string;
}

/** Who decides on writes that wait, as a story names them. */
export const approver = "approver";

/** Tells entries of what holds a run back: verdicts, approvals, budgets, restrictions, tries, delays. */
export function gateTold(entry: Entry, { tool, agent, judge }: Known): Told | undefined {
  switch (entry.type) {
    case "effect.proposed": {
      const { effect, input, risk, reversible, tier, edits } = entry.body;
      const waits = tier === "person" ? "waits for a person" : "waits for a verdict";
      return {
        kind: "effect",
        who: agent(effect),
        title: `wants to ${tool(effect)}${edits ? `, as ${edits.by} has it` : ""}`,
        detail: glance(input),
        payload: input,
        marks: [`risk ${risk}`, ...(reversible ? [] : ["cannot be undone"]), waits],
      };
    }
    case "effect.judged": {
      const { effect, verdict, ruleIds, reasons, conditions } = entry.body;
      return {
        kind: "answer",
        who: judge(effect),
        to: agent(effect),
        title: `${verdict === "none" ? "gives no verdict" : `says ${verdict}`} on ${tool(effect)}`,
        detail: [...reasons, ...conditions].join(" "),
        tone: verdict === "allow" ? "good" : "warn",
        marks: ruleIds.map((id) => `rule ${id}`),
      };
    }
    case "approval.requested": {
      const { effect, packet, risk, quorum, roles, expiresAt, input, labels } = entry.body;
      return {
        kind: "question",
        who: agent(effect),
        to: approver,
        title: `needs an approval for ${tool(effect)}`,
        detail: whatIn(packet) ?? glance(input),
        payload: (packet ?? input) as Json,
        marks: [
          `risk ${risk}`,
          ...(quorum > 1 ? [`${quorum} people`] : []),
          ...(roles.length > 0 ? [`of role ${roles.join(" or ")}`] : []),
          `until ${minute(expiresAt)}`,
        ],
        labels,
      };
    }
    case "approval.decided": {
      const { effect, decision, reason, principal, input } = entry.body;
      const does = { approve: "approves", reject: "rejects", edit: "changes" }[decision];
      return {
        kind: "answer",
        who: approver,
        to: agent(effect),
        title: `${does} ${tool(effect)}`,
        detail: reason,
        tone: decision === "approve" ? "good" : "warn",
        marks: [nameOf(principal)],
        ...(input === undefined ? {} : { payload: input }),
      };
    }
    case "approval.recorded": {
      const { effect, approvals, quorum } = entry.body;
      const title = `${tool(effect)} has ${approvals} of ${quorum} approvals`;
      return { kind: "pause", who: machine, title, main: quorum > 1 };
    }
    case "approval.granted": {
      const { effect, by, authenticated } = entry.body;
      const marks = authenticated ? [] : ["unauthenticated"];
      const title = `${tool(effect)} is approved, once, for these arguments`;
      return { kind: "pause", who: machine, title, detail: `by ${by.join(", ")}`, tone: "good", main: false, marks };
    }
    case "approval.rejected":
      return { kind: "pause", who: machine, title: `${tool(entry.body.effect)} is rejected`, main: false };
    case "approval.edited": {
      const { effect, next } = entry.body;
      const title = `this proposal of ${tool(effect)} is void`;
      return { kind: "pause", who: machine, title, detail: `${next} takes its place`, main: false };
    }
    case "approval.expired": {
      const title = `nobody has decided on ${tool(entry.body.effect)} in time`;
      return { kind: "pause", who: machine, title, tone: "warn" };
    }
    case "approval.refused": {
      const { effect, by, error } = entry.body;
      return { ...fault(approver, `decision on ${tool(effect)} does not count`, error), marks: [by], tone: "warn" };
    }
    case "question.opened": {
      const { effect, roles, expiresAt } = entry.body;
      const marks = [...(roles.length > 0 ? [`of role ${roles.join(" or ")}`] : []), `until ${minute(expiresAt)}`];
      return { kind: "question", who: agent(effect), to: approver, title: `${tool(effect)} asks a person`, marks };
    }
    case "question.asked": {
      const { effect, asks, labels } = entry.body;
      return {
        kind: "question",
        who: agent(effect),
        title: `${tool(effect)} has a question`,
        detail: asks.mode === "url" ? `${asks.message} ${asks.url}` : asks.message,
        payload: asks as unknown as Json,
        labels: labels[""] ?? [],
      };
    }
    case "question.answered": {
      const { answer, reason, principal } = entry.body;
      return {
        kind: "answer",
        who: approver,
        to: agent(entry.path),
        title: `answers ${tool(entry.path)}: ${answer.action}`,
        detail: reason,
        tone: answer.action === "accept" ? "good" : "warn",
        marks: [nameOf(principal)],
        payload: answer as unknown as Json,
      };
    }
    case "question.refused": {
      const { by, error } = entry.body;
      return { ...fault(approver, "an answer does not count", error), marks: [by], tone: "warn" };
    }
    case "question.closed": {
      const { outcome } = entry.body;
      const told = {
        answered: "is told the answer",
        recalled: "is told what was answered before",
        expired: "is told that nobody answered",
        withdrawn: "gets no answer any more",
      }[outcome];
      return { kind: "pause", who: machine, title: `${tool(entry.path)} ${told}`, main: outcome !== "answered" };
    }
    case "budget.reserved": {
      const { command, amount, slice } = entry.body;
      return {
        kind: "pause",
        who: agent(command),
        title: `sets aside ${spendText(amount)} for its model`,
        main: false,
        marks: slice ? [`takes ${spendText(slice.amount)} from its tenant`] : [],
      };
    }
    case "budget.refused":
      return { ...fault(agent(entry.body.command), "gets no money for its model", entry.body.error), tone: "warn" };
    case "budget.settled": {
      // Of what no answer will come; an answer says itself what its call has used.
      const { agent: who, amount, basis } = entry.body;
      return { kind: "pause", who, title: `has used ${spendText(amount)}`, main: false, marks: [basis] };
    }
    case "budget.exceeded": {
      const { agent: who, scope, error } = entry.body;
      return {
        ...fault(
          who,
          scope === "price" ? "cannot say what a call would cost" : `budget of its ${scope} is used up`,
          error,
        ),
      };
    }
    case "budget.returned":
      return {
        kind: "pause",
        who: machine,
        title: `used ${spendText(entry.body.spent)} of its tenant's budget`,
        main: false,
      };
    case "step.retried": {
      const { step, kind, attempt, dueAt, error } = entry.body;
      const what = kind === "model" ? "the model" : tool(step);
      return {
        kind: "fault",
        who: agent(step),
        title: `tries ${what} again in ${Math.max(0, dueAt - entry.at).toLocaleString("en")} ms`,
        detail: errorText(error),
        tone: "warn",
        marks: [`attempt ${attempt} failed`],
      };
    }
    case "restrictions.changed":
      return { kind: "pause", who: machine, title: restrictionText(entry.body.restrictions), tone: "warn" };
    case "handoff.delayed": {
      const { to, dueAt } = entry.body;
      return {
        kind: "pause",
        who: machine,
        title: `hands to ${to.replace(/#\d+$/, "")} later`,
        detail: `at ${minute(dueAt)}`,
      };
    }
    case "run.migrated": {
      const { from, to, principal } = entry.body;
      return {
        kind: "pause",
        who: machine,
        title: "goes on under another definition",
        detail: `${from.slice(0, 8)} → ${to.slice(0, 8)}`,
        tone: "warn",
        marks: [nameOf(principal)],
      };
    }
    default:
      return undefined;
  }
}

/** A person, and whether anybody has checked that it is they. */
export function nameOf({ id, authenticated }: Principal): string {
  return `${id}${authenticated ? "" : " (unauthenticated)"}`;
}

function whatIn(packet: Json | undefined): string | undefined {
  if (typeof packet !== "object" || packet === null || Array.isArray(packet)) return undefined;
  const { what } = packet as { readonly what?: Json };
  return typeof what === "string" ? what : undefined;
}

export function spendText({ microUsd, tokens }: Spend): string {
  return `${(microUsd / 1e6).toFixed(6)} USD, ${tokens.toLocaleString("en")} tokens`;
}

function restrictionText({ tools, agents, stopped }: Restrictions): string {
  if (stopped) return "everything of this tenant is stopped";
  const named = [...tools, ...agents];
  return named.length === 0 ? "nothing is restricted any more" : `may not use ${named.join(", ")} any more`;
}

function minute(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
