import { effectReviewer } from "@remit/agents";
import {
  type AnyTool,
  defineEscalation,
  defineHandoff,
  defineSupervisor,
  defineThreshold,
  inputOf,
  optional,
  outputOf,
} from "@remit/core";
import { pick } from "../../src/pack.ts";
import {
  type Asked,
  correspondent as correspondentWith,
  inbox as inboxWith,
  interpreter as interpreterWith,
  type Plan,
  planner as plannerWith,
  procurement as procurementWith,
} from "./agents.ts";
import type { Catalogue } from "./catalogue.ts";
import { type Basis, planFaults, statedFaults } from "./guard.ts";
import { supplyPolicy } from "./policy.ts";
import { handOverReasons } from "./reasons.ts";
import { approvers, orderTools, terms, tiers } from "./tiers.ts";

export interface TeamOptions {
  readonly tools: ReadonlyMap<string, AnyTool>;
  readonly catalogue: Catalogue;
}

/**
 * The supply desk: the interpreter states a forecast, the inbox what vendors say, the planner what the formula makes of it. Guards
 * look whether the forecast is called what it is, and do the formula again; then a draft is written where one is due, and procurement orders, once what its tier asks for is there.
 */
export function supplyTeam({ tools, catalogue }: TeamOptions) {
  const interpreter = interpreterWith(tools);
  const inbox = inboxWith(tools);
  const planner = plannerWith(tools);
  const correspondent = correspondentWith(tools);
  const procurement = procurementWith(tools);
  const policy = supplyPolicy(catalogue);
  // What the guard says follows from the price lists as well.
  const { version } = policy;
  const expiresMs = terms.approvalHours * 3_600_000;
  // The decision that was asked for, not one that an agent names.
  const asked = inputOf(interpreter);
  const planned = { asked, stated: outputOf(interpreter), heard: outputOf(inbox) };
  const faultsOf = (plan: Plan, { asked: { itemId }, ...basis }: Omit<Basis, "itemId"> & { readonly asked: Asked }) =>
    planFaults(catalogue, plan, { itemId, ...basis });

  return defineSupervisor({
    name: "supply-desk",
    version: "1",
    agents: { interpreter, inbox, planner, correspondent, procurement },
    entry: "interpreter",
    exit: "procurement",
    onFailure: "escalate",
    thresholds: [defineThreshold({ agent: interpreter, atLeast: 0.6, read: ({ confidence }) => confidence })],
    judges: { reviewer: effectReviewer },
    approvals: [
      ...tiers.flatMap((tier) => {
        const { roles, quorum } = approvers[tier];
        const rule = { by: "human" as const, roles: [...roles], quorum, expiresMs };
        return quorum === 0 ? [] : pick(tools, [orderTools[tier]]).map((tool) => ({ tool, ...rule }));
      }),
      ...pick(tools, ["send_message"]).map((tool) => ({
        ...{ tool, by: "human" as const, roles: [...approvers.buyer.roles], expiresMs },
      })),
    ],
    policy,
    // The company's own systems; what people write beside forecasts and what vendors write is nobody's word.
    trusted: ["mcp:supply-desk"],
    flows: { untrusted: "deny", control: "deny" },
    limits: { steps: 80, handoffs: 16, turns: 24, repeats: 4, writeRepeats: 1 },
    handoffs: [
      defineHandoff({
        from: interpreter,
        to: procurement,
        name: "made before",
        with: { asked },
        when: ({ state }) => state === "made",
        map: (_, { asked: { decisionId, itemId } }) => ({
          ...{ decisionId, itemId, task: "close" as const, outcome: "made_before" as const },
        }),
      }),
      defineHandoff({
        from: interpreter,
        to: interpreter,
        name: "read again",
        version,
        with: { asked },
        max: 1,
        when: (stated, { asked: { itemId } }) => statedFaults(catalogue, stated, itemId).length > 0,
        map: (stated, { asked: { decisionId, itemId } }) => ({
          ...{ decisionId, itemId, faults: [...statedFaults(catalogue, stated, itemId)] },
        }),
      }),
      defineEscalation({
        from: interpreter,
        name: "misread",
        version,
        with: { asked },
        when: (stated, { asked: { itemId } }) => statedFaults(catalogue, stated, itemId).length > 0,
        reason: "misread",
        packet: (stated, { asked: { decisionId, itemId } }) => ({
          what: `A forecast for ${decisionId} that is not called what it is.`,
          faults: [...statedFaults(catalogue, stated, itemId)],
        }),
      }),
      defineHandoff({
        from: interpreter,
        to: inbox,
        name: "hear the vendor",
        with: { asked },
        map: (_, { asked: { decisionId, itemId } }) => ({ decisionId, itemId }),
      }),
      defineHandoff({
        from: inbox,
        to: planner,
        name: "recommend",
        with: { asked, stated: outputOf(interpreter) },
        map: (
          { signals },
          { asked: { decisionId, itemId }, stated: { comments: _, confidence: __, state: ___, ...stated } },
        ) => ({ decisionId, itemId, ...stated, signals }),
      }),
      defineHandoff({
        from: planner,
        to: correspondent,
        name: "tell the vendor",
        version,
        with: planned,
        when: (plan, basis) =>
          (plan.action === "order" || plan.action === "ask") &&
          plan.letter !== "none" &&
          faultsOf(plan, basis).length === 0,
        map: ({ vendorId = "", letter, quantity, dueOn }, { asked: { decisionId, itemId } }) => ({
          ...{ decisionId, itemId, vendorId, purpose: letter === "none" ? "order" : letter, quantity, dueOn },
        }),
      }),
      defineHandoff({
        from: planner,
        to: procurement,
        name: "by the formula",
        version,
        with: planned,
        when: (plan, basis) => faultsOf(plan, basis).length === 0,
        map: (plan, { asked: { decisionId, itemId }, stated: { band } }) => {
          const { action, reason, vendorId, quantity, amountCents, nextReviewOn, because } = plan;
          const about = { decisionId, itemId, band, reason, quantity, amountCents, nextReviewOn, because };
          return {
            ...about,
            ...(vendorId === undefined ? {} : { vendorId }),
            task: action === "order" ? ("order" as const) : ("close" as const),
            ...(action === "none" ? { outcome: "not_needed" as const } : {}),
            ...(action === "route" ? { outcome: "handed_over" as const } : {}),
          };
        },
      }),
      defineHandoff({
        from: planner,
        to: planner,
        name: "look again",
        version,
        with: planned,
        max: 1,
        map: (plan, basis) => {
          const { comments: _, confidence: __, state: ___, ...figures } = basis.stated;
          const { decisionId, itemId } = basis.asked;
          return { decisionId, itemId, ...figures, ...basis.heard, faults: [...faultsOf(plan, basis)] };
        },
      }),
      defineEscalation({
        from: planner,
        name: "not the formula",
        version,
        with: planned,
        reason: "not_the_formula",
        packet: (plan, basis) => ({
          what: `A plan for ${basis.asked.decisionId} that is not the formula's.`,
          faults: [...faultsOf(plan, basis)],
        }),
      }),
      defineHandoff({
        from: correspondent,
        to: procurement,
        name: "drafted",
        with: { ...planned, plan: outputOf(planner) },
        map: ({ draft }, { asked: { decisionId, itemId }, stated: { band }, plan }) => {
          const { action, vendorId, quantity, amountCents, because } = plan;
          return {
            ...{ decisionId, itemId, band, quantity, amountCents, because },
            ...(vendorId === undefined ? {} : { vendorId }),
            task: action === "ask" ? ("enquire" as const) : ("order" as const),
            ...(draft === undefined ? {} : { draft }),
          };
        },
      }),
      ...handOverReasons.map((reason) =>
        defineEscalation({
          from: procurement,
          name: reason.replaceAll("_", " "),
          with: { plan: optional(outputOf(planner)) },
          when: (said) => said.outcome === "handed_over" && said.reason === reason,
          reason,
          packet: ({ reply }, { plan }) => ({ reply, because: plan?.because ?? "" }),
        }),
      ),
      defineEscalation({
        from: procurement,
        name: "says something else than it was asked for",
        with: { handed: inputOf(procurement) },
        when: ({ outcome }, { handed: { task, outcome: asked } }) =>
          outcome !== (task === "order" ? "ordered" : task === "enquire" ? "enquired" : asked),
        reason: "contradiction",
        packet: ({ reply, outcome }) => ({ reply, outcome }),
      }),
    ],
  });
}
