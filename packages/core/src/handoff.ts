import { z } from "zod";
import type { AnyAgent, InputOf, OutputOf } from "./agent.ts";
import type { Audience } from "./audience.ts";
import type { Grant } from "./grant.ts";
import type { Json } from "./json.ts";
import { assertBound } from "./limits.ts";
import type { RemoteContract } from "./remote/contract.ts";
import { assertSynchronous } from "./schema.ts";
import type { ToolName } from "./tool.ts";
import { assertEach, assertKnown, assertOptions, made, object, text, type Wanted } from "./wanted.ts";

/**
 * Edges of a supervisor. An edge is data: where from, where to, a guard over the typed result (`when`) and a mapping
 * (`map`) that makes the payload, which is all that crosses (R5). Edges from one agent are tried in the order they are
 * listed, the first whose guard says yes is taken, and an edge that was taken `max` times is no longer there.
 * Guards and maps are pure functions of their arguments: replay runs them again and compares (R13).
 */

/** An earlier payload that a contract may read beside the sender's output. */
export interface SourceRef<Value = unknown, Optional extends boolean = boolean> {
  readonly agent: AnyAgent;
  readonly side: "input" | "output";
  readonly optional: Optional;
  /** Type only. */
  readonly value?: Value;
}

/** The last typed output of an agent in this run. Start refuses where a path exists on which the agent never ran. */
export function outputOf<Of extends AnyAgent>(agent: Of): SourceRef<OutputOf<Of>, false> {
  return { agent, side: "output", optional: false };
}

/** The last payload that an agent was handed in this run. */
export function inputOf<Of extends AnyAgent>(agent: Of): SourceRef<z.output<Of["input"]>, false> {
  return { agent, side: "input", optional: false };
}

/** The same source, `undefined` where the agent has not run yet. */
export function optional<Value>(source: SourceRef<Value>): SourceRef<Value | undefined, true> {
  return { agent: source.agent, side: source.side, optional: true };
}

type Sources = Readonly<Record<string, SourceRef>>;
/** Names of an agent's tools; those that its contract names for a specialist elsewhere; any text for a team. */
type GrantFor<To extends AnyAgent> = Grant<
  To extends { readonly remote: RemoteContract<infer Names> }
    ? Names
    : [ToolName<To>] extends [never]
      ? string
      : ToolName<To>
>;
/** What a contract reads beside the sender's output, by the names that `with` gave. */
export type Read<With> = { readonly [Key in keyof With]: With[Key] extends SourceRef<infer Value> ? Value : never };

interface EdgeBase {
  readonly name: string;
  readonly from: string;
  readonly max: number | undefined;
  readonly version: string;
  readonly sources: Sources;
  readonly when: ((output: never, sources: never) => boolean) | undefined;
}

/** From one agent to one other. */
export interface Handoff<From extends string = string, To extends string = string> extends EdgeBase {
  readonly kind: "handoff";
  readonly from: From;
  readonly to: To;
  readonly toAgent: AnyAgent;
  readonly fromAgent: AnyAgent;
  readonly grant: Grant | undefined;
  /** Milliseconds that the delivery waits, in the journal alone. */
  readonly afterMs: number | undefined;
  readonly map: (output: never, sources: never) => unknown;
}

/** One branch of a parallel delegation. */
export interface Branch {
  readonly key: string;
  readonly to: string;
  readonly toAgent: AnyAgent;
  readonly grant: Grant | undefined;
  readonly map: (output: never, sources: never) => unknown;
}

/** From one agent to several at once, and from all of them to one. */
export interface Parallel<From extends string = string, To extends string = string> extends EdgeBase {
  readonly kind: "parallel";
  readonly from: From;
  readonly fromAgent: AnyAgent;
  readonly branches: readonly Branch[];
  readonly join: {
    readonly to: To;
    readonly toAgent: AnyAgent;
    readonly grant: Grant | undefined;
    readonly map: (results: never, sources: never) => unknown;
  };
}

/** From one agent to a person and, with the answer, to an agent. */
export interface Question<From extends string = string, To extends string = string> extends EdgeBase {
  readonly kind: "question";
  readonly from: From;
  readonly fromAgent: AnyAgent;
  readonly to: To;
  readonly toAgent: AnyAgent;
  readonly grant: Grant | undefined;
  readonly of: Audience;
  readonly answer: z.ZodType;
  readonly ask: (output: never, sources: never) => unknown;
  readonly map: (answer: never, output: never, sources: never) => unknown;
}

/** From one agent to an end of the run that is not success. */
export interface Ending<From extends string = string> extends EdgeBase {
  readonly kind: "ending";
  readonly from: From;
  readonly fromAgent: AnyAgent;
  readonly status: "escalated" | "denied";
  readonly reason: string;
  readonly packet: ((output: never, sources: never) => unknown) | undefined;
}

export type Edge = Handoff | Parallel | Question | Ending;

interface CommonEdgeOptions<From extends AnyAgent, With extends Sources> {
  readonly from: From;
  /** Name of the edge in the journal and in pictures; `from->to` when absent. */
  readonly name?: string;
  /** Earlier payloads of this run that the contract may read. */
  readonly with?: With;
  /** How often a run may take this edge; bounded by `limits.handoffs` in any case. */
  readonly max?: number;
  /** Raise it when `when` or `map` changes its behaviour (D4). */
  readonly version?: string;
}

type Guard<From extends AnyAgent, With> = (output: OutputOf<From>, sources: Read<With>) => boolean;
type NarrowingGuard<From extends AnyAgent, With, Narrowed extends OutputOf<From>> = (
  output: OutputOf<From>,
  sources: Read<With>,
) => output is Narrowed;

/**
 * Defines a contract between two agents. A `when` that narrows (`(o) => o.kind === "refund"`) narrows what `map`
 * receives; a field that the receiver needs and `map` does not give is a compile error, and refused again at run time
 * on both sides.
 * @throws OrchestrationError `limits/not-a-bound` for an `afterMs` that is none
 */
export function defineHandoff<
  const From extends AnyAgent,
  const To extends AnyAgent,
  Narrowed extends OutputOf<From>,
  const With extends Sources = Record<never, never>,
>(
  options: CommonEdgeOptions<From, With> & {
    readonly to: To;
    /** What the receiver may use for this delivery; its whole allowlist when absent (R6). */
    readonly grant?: GrantFor<To>;
    /** Milliseconds that the delivery waits; the run is parked meanwhile, also over restarts. */
    readonly afterMs?: number;
    readonly when: NarrowingGuard<From, With, Narrowed>;
    readonly map: (output: Narrowed, sources: Read<With>) => NoInfer<InputOf<To>>;
  },
): Handoff<From["name"], To["name"]>;
export function defineHandoff<
  const From extends AnyAgent,
  const To extends AnyAgent,
  const With extends Sources = Record<never, never>,
>(
  options: CommonEdgeOptions<From, With> & {
    readonly to: To;
    /** What the receiver may use for this delivery; its whole allowlist when absent (R6). */
    readonly grant?: GrantFor<To>;
    /** Milliseconds that the delivery waits; the run is parked meanwhile, also over restarts. */
    readonly afterMs?: number;
    readonly when?: Guard<From, With>;
    readonly map: (output: OutputOf<From>, sources: Read<With>) => NoInfer<InputOf<To>>;
  },
): Handoff<From["name"], To["name"]>;
export function defineHandoff(
  options: CommonEdgeOptions<AnyAgent, Sources> & {
    readonly to: AnyAgent;
    readonly grant?: Grant;
    readonly afterMs?: number;
    readonly when?: (output: never, sources: never) => boolean;
    readonly map: (output: never, sources: never) => unknown;
  },
): Handoff {
  assertOptions("defineHandoff", options, { from: agent, to: agent, map });
  const { afterMs } = options;
  if (afterMs !== undefined) assertBound(`afterMs of ${options.from.name}->${options.to.name}`, afterMs);
  return {
    kind: "handoff",
    ...base("handoff", options, `${options.from.name}->${options.to.name}`),
    fromAgent: options.from,
    to: options.to.name,
    toAgent: options.to,
    grant: options.grant,
    afterMs,
    map: options.map,
  };
}

type BranchOptions<From extends AnyAgent, With> = Readonly<
  Record<
    string,
    {
      readonly to: AnyAgent;
      readonly grant?: Grant;
      readonly map: (output: OutputOf<From>, sources: Read<With>) => unknown;
    }
  >
>;
type BranchResults<Agents extends Readonly<Record<string, AnyAgent>>> = {
  readonly [Key in keyof Agents]: OutputOf<Agents[Key]>;
};

/**
 * Defines a parallel delegation: all branches run at the same time, each with its own contract; when the last has
 * returned, `join.map` makes one payload from their typed results. A branch that fails ends the delegation.
 */
export function defineParallel<
  const From extends AnyAgent,
  const Agents extends Readonly<Record<string, AnyAgent>>,
  const Join extends AnyAgent,
  const With extends Sources = Record<never, never>,
>(
  options: CommonEdgeOptions<From, With> & {
    readonly when?: Guard<From, With>;
    readonly branches: {
      readonly [Key in keyof Agents]: {
        readonly to: Agents[Key];
        readonly grant?: GrantFor<Agents[Key]>;
        readonly map: (output: OutputOf<From>, sources: Read<With>) => NoInfer<InputOf<Agents[Key]>>;
      };
    };
    readonly join: {
      readonly to: Join;
      readonly grant?: GrantFor<Join>;
      readonly map: (results: BranchResults<Agents>, sources: Read<With>) => NoInfer<InputOf<Join>>;
    };
  },
): Parallel<From["name"], Agents[keyof Agents]["name"] | Join["name"]> {
  assertOptions("defineParallel", options, { from: agent, join: target, branches: object("an object of branches") });
  assertOptions("the join of defineParallel", options.join, { to: agent });
  assertEach("defineParallel", "branches", options.branches, target);
  for (const [key, branch] of Object.entries<{ readonly to: AnyAgent }>(options.branches))
    assertOptions(`the branch ${key} of defineParallel`, branch, { to: agent });
  for (const branch of [...Object.values<object>(options.branches), options.join]) {
    assertKnown(`a branch, or the join, of an edge from ${options.from.name}`, branch, knownInBranch);
  }
  const branches = Object.entries(options.branches as unknown as BranchOptions<AnyAgent, Sources>).map(
    ([key, { to, grant, map }]): Branch => ({ key, to: to.name, toAgent: to, grant, map: map as Branch["map"] }),
  );
  return {
    kind: "parallel",
    ...base(
      "parallel",
      options,
      `${options.from.name}->(${branches.map(({ key }) => key).join("|")})->${options.join.to.name}`,
    ),
    from: options.from.name,
    fromAgent: options.from,
    branches,
    join: {
      to: options.join.to.name,
      toAgent: options.join.to,
      grant: options.join.grant,
      map: options.join.map as never,
    },
  };
}

/**
 * Defines a question of the supervisor to a person: the run parks, and the answer goes on to `to` (D9).
 * `answer` is text unless a schema says otherwise.
 * @throws OrchestrationError `tool/schema-asynchronous`
 */
export function defineQuestion<
  const From extends AnyAgent,
  const To extends AnyAgent,
  const With extends Sources = Record<never, never>,
  Answer extends z.ZodType = z.ZodString,
>(
  options: CommonEdgeOptions<From, With> & {
    readonly of: Audience;
    readonly to: To;
    readonly grant?: GrantFor<To>;
    readonly when?: Guard<From, With>;
    readonly ask: (output: OutputOf<From>, sources: Read<With>) => string;
    readonly answer?: Answer;
    readonly map: (answer: z.output<Answer>, output: OutputOf<From>, sources: Read<With>) => NoInfer<InputOf<To>>;
  },
): Question<From["name"], To["name"]> {
  assertOptions("defineQuestion", options, { from: agent, to: agent, map, ask: map });
  const common = base("question", options, `${options.from.name}->${options.of}->${options.to.name}`);
  if (options.answer) assertSynchronous(options.answer, "answer", common.name);
  return {
    kind: "question",
    ...common,
    from: options.from.name,
    fromAgent: options.from,
    to: options.to.name,
    toAgent: options.to,
    grant: options.grant,
    of: options.of,
    answer: options.answer ?? z.string().min(1),
    ask: options.ask as Question["ask"],
    map: options.map as Question["map"],
  };
}

interface EndingOptions<From extends AnyAgent, With extends Sources> extends CommonEdgeOptions<From, With> {
  readonly when?: Guard<From, With>;
  /** A word from your own closed set (`low_confidence`, `policy_conflict`); reports count by it. */
  readonly reason: string;
  /** What the person who takes over gets to see; the agent's output when absent. */
  readonly packet?: (output: OutputOf<From>, sources: Read<With>) => Json | object;
}

/** Ends the run as `escalated`: a person takes over, with a packet. */
export function defineEscalation<const From extends AnyAgent, const With extends Sources = Record<never, never>>(
  options: EndingOptions<From, With>,
): Ending<From["name"]> {
  return ending("escalated", options);
}

/** Ends the run as `denied`: the request is refused, with a reason. */
export function defineDenial<const From extends AnyAgent, const With extends Sources = Record<never, never>>(
  options: EndingOptions<From, With>,
): Ending<From["name"]> {
  return ending("denied", options);
}

function ending<From extends AnyAgent, With extends Sources>(
  status: Ending["status"],
  options: EndingOptions<From, With>,
): Ending<From["name"]> {
  assertOptions(`an edge to ${status}`, options, { from: agent, reason: text });
  return {
    kind: "ending",
    ...base("ending", options, `${options.from.name}->${status}:${options.reason}`),
    from: options.from.name,
    fromAgent: options.from,
    status,
    reason: options.reason,
    packet: options.packet as Ending["packet"],
  };
}

/** Modules that import each other have agents that are not there yet. */
const agent: Wanted = made("an agent, as `defineAgent` makes it", "agent");
const map: Wanted = { wants: "a function", is: (value) => typeof value === "function" };
const target: Wanted = object("an object with `to` and a function `map`", "map");

/** Of every edge; each kind has more. */
const common = { from: true, name: true, with: true, max: true, version: true, when: true } as const;
const delivered = { ...common, to: true, grant: true, map: true } as const;
const known = {
  handoff: { ...delivered, afterMs: true },
  parallel: { ...common, branches: true, join: true },
  question: { ...delivered, of: true, ask: true, answer: true },
  ending: { ...common, reason: true, packet: true },
} as const satisfies Readonly<Record<Edge["kind"], object>>;

/** A misspelt grant would narrow nothing. */
const knownInBranch = { to: true, grant: true, map: true } as const;

/** @throws OrchestrationError `options/unknown`: a misspelt guard would let everything pass */
function base(
  kind: Edge["kind"],
  options: CommonEdgeOptions<AnyAgent, Sources> & { readonly when?: (...parts: never[]) => boolean },
  name: string,
): EdgeBase {
  assertKnown(`the edge ${options.name ?? name}`, options, known[kind]);
  return {
    name: options.name ?? name,
    from: options.from.name,
    max: options.max,
    version: options.version ?? "0",
    sources: options.with ?? {},
    when: options.when as EdgeBase["when"],
  };
}
