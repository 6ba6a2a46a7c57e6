import type { Effect } from "../effect/effect.ts";
import type { Attributes } from "../event/attributes.ts";
import type { Json } from "../json.ts";
import type { Principal } from "../principal.ts";
import type { Risk } from "../tool.ts";

/**
 * What a policy is asked: plain data, the same at the core, at the gate and in a replay. There is no clock in it and
 * nothing that can be called, so the same question has the same answer (R13).
 */

/** Everything that a policy is asked about. */
export type PolicyEdge =
  | "tool"
  | "handoff"
  | "message"
  | "memory.read"
  | "memory.write"
  | "source"
  | "model"
  | "egress";

/** In the order of their names in documents. */
export const policyEdges: readonly PolicyEdge[] = [
  "tool",
  "handoff",
  "message",
  "memory.read",
  "memory.write",
  "source",
  "model",
  "egress",
];

/** On whose behalf a run works, as far as a rule may know. */
export type PolicyPrincipal = Pick<Principal, "id" | "kind" | "roles" | "authenticated">;

/** What is known on every edge. */
export interface PolicyFacts {
  readonly tenant: string;
  readonly run: string;
  /** The outermost supervisor of the run. */
  readonly supervisor: string;
  readonly principal: PolicyPrincipal;
  /** Who wants it. */
  readonly agent: string;
  /** Where in the run, `action#1/tool#2`. */
  readonly path: string;
  /** Labels of all that was read before, sorted (R9). */
  readonly labels: readonly string[];
  readonly attributes: Attributes;
}

/** Where a call's arguments come from, as the flow of labels has it. */
export interface CallFlow {
  /** Protected arguments that untrusted data fills. */
  readonly untrusted: readonly string[];
  /** A plan from before anything foreign was read announced this call. */
  readonly planned: boolean;
  /** Nothing foreign was read before. */
  readonly clean: boolean;
}

/** A call of the run that has returned, whoever of its agents made it. */
export interface EarlierCall {
  readonly tool: string;
  readonly agent: string;
  readonly path: string;
  /** Like those of the call that is asked about; as a person changed them, where one did. */
  readonly arguments: Json;
  readonly output: Json;
}

export interface ToolRequest extends PolicyFacts {
  readonly edge: "tool";
  readonly tool: string;
  readonly effect: Effect;
  readonly risk: Risk;
  readonly reversible: boolean;
  /** As the tool's schema has read them, where that is JSON; else as they were asked for. */
  readonly arguments: Json;
  readonly flow?: CallFlow;
  /** Earlier calls that rules about this tool look at (`after`), oldest first; absent where none does. */
  readonly earlier?: readonly EarlierCall[];
}

export interface HandoffRequest extends PolicyFacts {
  readonly edge: "handoff";
  /** Name of the edge; `effect:compliance` and `effect:reviewer` for what is put before a judge. */
  readonly handoff: string;
  readonly to: string;
  readonly payload: Json;
  /** Earlier calls that rules on this edge look at; absent where none does. */
  readonly earlier?: readonly EarlierCall[];
}

/** A question that goes to a person while the run waits. */
export interface MessageRequest extends PolicyFacts {
  readonly edge: "message";
  readonly to: "customer" | "operator";
  readonly text: string;
}

export interface MemoryRequest extends PolicyFacts {
  readonly edge: "memory.read" | "memory.write";
  readonly scope: string;
  readonly key: string;
  /** What is to be kept; with `memory.write` only. */
  readonly value?: Json;
}

export interface SourceRequest extends PolicyFacts {
  readonly edge: "source";
  readonly source: string;
  readonly query: string;
}

export interface ModelPolicyRequest extends PolicyFacts {
  readonly edge: "model";
  /** The alias. */
  readonly model: string;
  readonly purpose: "turn" | "summary";
  /** Tools that it is offered. */
  readonly tools: readonly string[];
}

/** The final answer, before it leaves. */
export interface EgressRequest extends PolicyFacts {
  readonly edge: "egress";
  readonly output: Json;
  /** Earlier calls that rules on this edge look at; absent where none does. */
  readonly earlier?: readonly EarlierCall[];
}

export type PolicyRequest =
  | ToolRequest
  | HandoffRequest
  | MessageRequest
  | MemoryRequest
  | SourceRequest
  | ModelPolicyRequest
  | EgressRequest;

/** A request of one edge, or of one of several. */
export type RequestOn<Edge extends PolicyEdge> = Edge extends PolicyEdge
  ? Extract<
      PolicyRequest,
      { readonly edge: Edge extends "memory.read" | "memory.write" ? MemoryRequest["edge"] : Edge }
    >
  : never;

type Own<Request> = Request extends PolicyFacts ? Omit<Request, keyof PolicyFacts> : never;
/** What is particular to an edge. */
export type EdgeRequest = Own<PolicyRequest>;

/** What an edge leads to: a tool, an agent, a person, a model. */
export function targetOf(request: EdgeRequest): string {
  switch (request.edge) {
    case "tool":
      return request.tool;
    case "handoff":
    case "message":
      return request.to;
    case "memory.read":
    case "memory.write":
      return request.scope;
    case "source":
      return request.source;
    case "model":
      return request.model;
    case "egress":
      return "answer";
  }
}
