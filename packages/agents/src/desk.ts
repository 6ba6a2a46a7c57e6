import {
  type AnswerRules,
  type AnyAgent,
  type ApprovalRule,
  defineDenial,
  defineEscalation,
  defineHandoff,
  defineQuestion,
  defineSupervisor,
  defineThreshold,
  type FlowRules,
  type InputOf,
  inputOf,
  type Limits,
  type OutputOf,
  optional,
  outputOf,
  type Policy,
  type SupervisorDefinition,
} from "@remit/core";
import { action as baseAction } from "./action.ts";
import { compliance as baseCompliance } from "./compliance.ts";
import { effectCompliance } from "./effect-compliance.ts";
import { effectReviewer } from "./effect-reviewer.ts";
import { retrieval as baseRetrieval } from "./retrieval.ts";
import { reviewer as baseReviewer } from "./reviewer.ts";
import { triage as baseTriage } from "./triage.ts";

/** A role that keeps its name and contract; tools, model, instructions and questions may differ. */
type Like<Role extends AnyAgent> = AnyAgent & Pick<Role, "name" | "input" | "output">;

/** The five roles of a desk. A role that is left out is the ready-made one. */
export interface DeskRoles {
  readonly triage?: Like<typeof baseTriage>;
  readonly retrieval?: Like<typeof baseRetrieval>;
  readonly action?: Like<typeof baseAction>;
  readonly compliance?: Like<typeof baseCompliance>;
  readonly reviewer?: Like<typeof baseReviewer>;
}

export interface DeskOptions extends DeskRoles {
  readonly name?: string;
  readonly version?: string;
  /** Answers of triage below this confidence go to a person; 0.6 when absent. */
  readonly confidenceAtLeast?: number;
  /** Rounds of looking up and acting in one run; 12 when absent. */
  readonly rounds?: number;
  readonly limits?: Partial<Limits>;
  /**
   * Who judges single writes before they are made: the ready-made judges when absent. Without a `compliance` every write
   * of medium risk waits for a person; `{}` is a desk without judges.
   */
  readonly judges?: { readonly compliance?: AnyAgent; readonly reviewer?: AnyAgent };
  /** Which writes wait for more than their risk asks for, for how many people of which roles, and how long. */
  readonly approvals?: readonly ApprovalRule[];
  /** What is asked on every edge, beside allowlists, contracts and grants: it takes away and never adds. */
  readonly policy?: Policy;
  /** What the desk makes of data that others may have written. */
  readonly flows?: FlowRules;
  /** Labels that count as its own people's word, such as `mcp:crm`. */
  readonly trusted?: readonly string[];
  /** What of sensitive classes a reply may hold. */
  readonly answers?: Pick<AnswerRules, "cleared">;
}

/**
 * A service desk: triage names the request, retrieval finds evidence, compliance rules on a change, action carries it
 * out, reviewer closes. Each write of more than low risk is judged once more, with its exact arguments, and those of high
 * risk wait for a person. Questions to the customer, escalation and refusal are edges of the machine, not of a prompt.
 */
export function serviceDesk(
  options: DeskOptions = {},
): SupervisorDefinition<InputOf<typeof baseTriage>, OutputOf<typeof baseReviewer>, "fast" | "careful"> {
  const triage = (options.triage ?? baseTriage) as typeof baseTriage;
  const retrieval = (options.retrieval ?? baseRetrieval) as typeof baseRetrieval;
  const action = (options.action ?? baseAction) as typeof baseAction;
  const compliance = (options.compliance ?? baseCompliance) as typeof baseCompliance;
  const reviewer = (options.reviewer ?? baseReviewer) as typeof baseReviewer;
  const rounds = options.rounds ?? 12;
  const named = outputOf(triage);

  return defineSupervisor({
    name: options.name ?? "service-desk",
    version: options.version ?? "1",
    agents: { triage, retrieval, action, compliance, reviewer },
    entry: "triage",
    exit: "reviewer",
    onFailure: "escalate",
    thresholds: [
      defineThreshold({
        agent: triage,
        atLeast: options.confidenceAtLeast ?? 0.6,
        read: ({ confidence }) => confidence,
      }),
    ],
    judges: options.judges ?? { compliance: effectCompliance, reviewer: effectReviewer },
    approvals: options.approvals ?? [],
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    ...(options.flows === undefined ? {} : { flows: options.flows }),
    ...(options.trusted === undefined ? {} : { trusted: options.trusted }),
    ...(options.answers === undefined ? {} : { answers: options.answers }),
    limits: { steps: 120, handoffs: 60, turns: 40, ...options.limits },
    handoffs: [
      defineEscalation({
        from: triage,
        name: "critical",
        when: ({ severity }) => severity === "critical",
        reason: "critical",
        packet: ({ summary, intent, sensitivity }) => ({ what: summary, intent, sensitivity, risk: "critical" }),
      }),
      defineQuestion({
        from: triage,
        name: "unclear",
        with: { asked: inputOf(triage) },
        when: ({ kind }) => kind === "unclear",
        max: 3,
        of: "customer",
        ask: ({ question, summary }) => question || `Could you tell us more about this: ${summary}`,
        to: triage,
        map: (answer, { question }, { asked }) => ({
          text: answer,
          earlier: [
            ...asked.earlier,
            { by: "customer" as const, text: asked.text },
            { by: "desk" as const, text: question || "Could you tell us more?" },
          ].slice(-50),
        }),
      }),
      defineEscalation({
        from: triage,
        name: "stays unclear",
        when: ({ kind }) => kind === "unclear",
        reason: "unclear",
        packet: ({ summary }) => ({ what: summary }),
      }),
      defineHandoff({
        from: triage,
        to: retrieval,
        map: ({ summary, intent }) => ({ request: summary, intent }),
      }),
      defineHandoff({
        from: retrieval,
        to: compliance,
        name: "is a change",
        with: { named },
        when: (_, { named: { kind } }) => kind === "change",
        map: (found, { named: { summary, intent, severity, sensitivity } }) => ({
          request: summary,
          intent,
          severity,
          sensitivity,
          evidence: found,
        }),
      }),
      defineHandoff({
        from: retrieval,
        to: reviewer,
        name: "is a question",
        with: { named },
        map: (found, { named: { summary, language, severity } }) => ({
          request: summary,
          language,
          severity,
          evidence: found,
        }),
      }),
      defineHandoff({
        from: compliance,
        to: action,
        name: "allowed",
        with: { named, found: outputOf(retrieval) },
        when: ({ verdict }) => verdict === "allow",
        map: ({ conditions }, { named: { summary }, found }) => ({ request: summary, evidence: found, conditions }),
      }),
      defineHandoff({
        from: compliance,
        to: retrieval,
        name: "look again",
        with: { named },
        when: ({ verdict }) => verdict === "revise",
        max: 2,
        map: ({ conditions }, { named: { summary, intent } }) => ({
          request: summary,
          intent,
          wanted: conditions.join("; ").slice(0, 4_000),
        }),
      }),
      defineHandoff({
        from: compliance,
        to: reviewer,
        name: "needs a person",
        with: { named, found: outputOf(retrieval) },
        map: ({ ruleIds, reasons }, { named: { summary, language, severity }, found }) => ({
          request: summary,
          language,
          severity,
          evidence: found,
          handOver: { reason: `policy: ${ruleIds.join(", ")}`.slice(0, 200), details: reasons },
        }),
      }),
      defineHandoff({
        from: action,
        to: retrieval,
        name: "needs to know more",
        with: { named },
        when: ({ next }) => next === "lookup",
        max: rounds,
        map: ({ wanted }, { named: { summary, intent } }) => ({ request: summary, intent, wanted }),
      }),
      defineHandoff({
        from: action,
        to: reviewer,
        name: "finished",
        with: { named, found: outputOf(retrieval) },
        map: ({ done, notDone, handedOver }, { named: { summary, language, severity }, found }) => ({
          request: summary,
          language,
          severity,
          evidence: found,
          done,
          notDone,
          ...(handedOver ? { handOver: { reason: "action handed over", details: notDone.slice(0, 20) } } : {}),
        }),
      }),
      defineEscalation({
        from: reviewer,
        name: "to a person",
        with: { verdict: optional(outputOf(compliance)) },
        when: ({ disposition }) => disposition === "handed_over",
        reason: "handed_over",
        packet: ({ reply, packet }, { verdict }) => ({
          reply,
          packet: packet ?? null,
          ruleIds: verdict?.ruleIds ?? [],
        }),
      }),
      defineDenial({
        from: reviewer,
        name: "the desk says no",
        when: ({ disposition }) => disposition === "refused",
        reason: "refused",
        packet: ({ reply }) => ({ reply }),
      }),
    ],
  });
}
