import type { z } from "zod";
import type { AnyAgent, InputOf, OutputOf } from "../agent.ts";
import { checkJudge } from "../approval/case.ts";
import { describeRules, resolveRules } from "../approval/rule.ts";
import { OrchestrationError } from "../errors.ts";
import type { Edge } from "../handoff.ts";
import { hashJson, sha256 } from "../hash.ts";
import type { Json } from "../json.ts";
import { type FlowRules, readFlows } from "../label/flow-rules.ts";
import { isForeign, isSensitive } from "../label/label.ts";
import { type Limits, resolveLimits } from "../limits.ts";
import { isName } from "../name.ts";
import type { Policy } from "../policy/policy.ts";
import { assertSynchronous, jsonSchemaOf } from "../schema.ts";
import { compileSteps } from "../step.ts";
import type { Threshold } from "../threshold.ts";
import type { AnyTool } from "../tool.ts";
import { compensationAgent, undoToolsOf } from "../undo.ts";
import { checkAmounts, checkBudgeted, withInnerBudgets } from "./budgets.ts";
import { checkGraph, checkTwins } from "./check.ts";
import type { Judges, SupervisorDefinition } from "./compiled.ts";
import { compileMachine } from "./machine.ts";
import type { AgentMap, NameOf, SupervisorOptions } from "./options.ts";
import { policiesOf, ungoverned } from "./policies.ts";
import { assertTeam } from "./wanted.ts";

export type { Judges, SupervisorDefinition } from "./compiled.ts";

/** Names that a judge may not have: those of the agents, of the teams behind them, and of the other judge. */
function namesIn(agents: ReadonlyMap<string, AnyAgent>, judges: Judges, except: keyof Judges): Set<string> {
  const names = new Set<string>([compensationAgent]);
  for (const agent of agents.values()) {
    names.add(agent.name);
    if (agent.team) for (const name of namesIn(agent.team.agents, agent.team.judges, "compliance")) names.add(name);
  }
  const other = except === "compliance" ? judges.reviewer : judges.compliance;
  if (other) names.add(other.name);
  return names;
}

/** Of who works elsewhere none is needed here. */
type AliasOf<Agents extends AgentMap> = Agents[keyof Agents]["model"];
type StrongerOf<Thresholds extends readonly Threshold[]> = Extract<Thresholds[number]["stronger"], string>;

/**
 * Compiles a supervisor from its agents and edges.
 * @throws OrchestrationError `supervisor/*` for a graph that cannot work, `limits/*` for a bound that is none,
 *   `options/invalid` for what no compiler would take
 */
export function defineSupervisor<
  const Agents extends AgentMap,
  const Entry extends keyof Agents & string,
  const Exit extends keyof Agents & string,
  const Thresholds extends readonly Threshold<NameOf<Agents>>[] = readonly [],
>(
  options: SupervisorOptions<Agents, Entry, Exit, Thresholds>,
): SupervisorDefinition<InputOf<Agents[Entry]>, OutputOf<Agents[Exit]>, AliasOf<Agents> | StrongerOf<Thresholds>> {
  assertTeam(options);
  const name = options.name ?? "supervisor";
  if (!isName(name)) throw new OrchestrationError("supervisor/name-invalid", { supervisor: name });
  const agents = new Map<string, AnyAgent>();
  for (const [key, agent] of Object.entries(options.agents)) {
    if (agent.name === compensationAgent) throw new OrchestrationError("agent/name-invalid", { agent: agent.name });
    if (agent.name !== key) throw new OrchestrationError("supervisor/agent-mismatch", { key, agent: agent.name });
    agents.set(key, agent);
  }
  const exits = new Set<string>(typeof options.exit === "string" ? [options.exit] : options.exit);
  const edges = options.handoffs as readonly Edge[];
  const thresholds = new Map<string, Threshold>();
  for (const threshold of options.thresholds ?? []) {
    const { agent } = threshold;
    if (thresholds.has(agent)) throw new OrchestrationError("supervisor/duplicate-threshold", { agent });
    thresholds.set(agent, threshold as Threshold);
  }
  const limits = resolveLimits(options.limits);
  checkGraph({ name, agents, entry: options.entry, exits, edges, thresholds });

  const tools = new Map<string, AnyTool>();
  const aliases = new Set<string>();
  for (const agent of agents.values()) {
    for (const tool of agent.tools) tools.set(tool.name, tool);
    if (agent.team) {
      for (const [toolName, tool] of agent.team.tools) tools.set(toolName, tool);
      for (const alias of agent.team.aliases) aliases.add(alias);
    } else if (!agent.remote) {
      aliases.add(agent.model);
    }
  }
  for (const { stronger } of thresholds.values()) if (stronger !== undefined) aliases.add(stronger);
  const judges = options.judges ?? {};
  for (const kind of ["compliance", "reviewer"] as const) {
    const judge = judges[kind];
    if (!judge) continue;
    checkJudge(kind, judge, namesIn(agents, judges, kind));
    for (const tool of judge.tools) tools.set(tool.name, tool);
    aliases.add(judge.model);
  }
  checkTwins(agents, judges);
  for (const [toolName, tool] of undoToolsOf({ tools })) if (!tools.has(toolName)) tools.set(toolName, tool);
  const inner = [...agents.values()].flatMap(({ team }) => (team ? [team.approvals] : []));
  const approvals = resolveRules(options.approvals ?? [], tools, name, inner);
  const flows = readFlows(options.flows, tools, agents, name);
  const trusted = options.trusted ?? [];
  checkAmounts(name, options.budget);

  const onFailure = options.onFailure ?? "fail";
  const plan = { name, entry: options.entry, exits, agents: [...agents.keys()], edges, thresholds, onFailure };
  const machine = compileMachine(plan);
  const definition = {
    kind: "supervisor" as const,
    name,
    version: options.version ?? "0",
    agents,
    entry: options.entry,
    exits,
    edges,
    edgeByName: new Map(edges.map((edge) => [edge.name, edge])),
    thresholds,
    onFailure,
    limits,
    approvals,
    judges,
    flows: flows ?? {},
    cleared: options.answers?.cleared,
    trusted,
    // What a specialist elsewhere has read is known when it answers.
    tracks:
      hasRemote(agents) ||
      [...tools.values()].some(
        ({ labels, memory }) =>
          memory?.access === "read" || labels.some((one) => isForeign(one, trusted) || isSensitive(one)),
      ),
    budget: withInnerBudgets(options.budget as SupervisorDefinition["budget"], agents),
    aliases: [...aliases].sort(),
    tools,
    hash: hashJson(
      describe(
        {
          ...plan,
          version: options.version ?? "0",
          limits: options.limits ?? {},
          approvals: describeRules(options.approvals ?? []),
          judges,
          flows,
          cleared: options.answers?.cleared,
          trusted,
          budget: options.budget,
          policy: options.policy,
        },
        agents,
      ),
    ),
    functions: functionsOf(edges, thresholds, tools, options.policy),
    machine,
    steps: compileSteps(machine),
  };
  const policy = options.policy?.bind({ ...definition, policy: undefined, ...ungoverned() });
  const governed = policiesOf(policy === undefined ? [] : [policy], agents, judges, tools);
  checkBudgeted(options.budget, governed.policies);
  return { ...definition, policy, ...governed };
}

/** True where somebody in a tree of teams works elsewhere. */
function hasRemote(agents: ReadonlyMap<string, AnyAgent>): boolean {
  return [...agents.values()].some(({ remote, team }) => remote !== undefined || (team && hasRemote(team.agents)));
}

/**
 * Makes a team usable as one agent of another supervisor. Its input is its entry's, its output its exit's; an end other
 * than `completed` ends the outer run the same way. The limits and the run's budget that hold are those of the outermost
 * supervisor, for the whole tree. Approval rules of all teams hold together, the stricter one for each tool; effects are
 * judged by the nearest team that has a judge.
 * @throws OrchestrationError `agent/name-invalid`, `tool/schema-not-representable`
 */
export function asAgent<
  const Name extends string,
  Input extends z.ZodType,
  Output extends z.ZodType,
  Alias extends string,
>(
  team: SupervisorDefinition<z.input<Input>, z.output<Output>, Alias>,
  options: { readonly name: Name; readonly description: string; readonly input: Input; readonly output: Output },
): import("../agent.ts").Agent<Name, Input, Output, readonly [], Alias> {
  if (!isName(options.name)) throw new OrchestrationError("agent/name-invalid", { agent: options.name });
  for (const side of ["input", "output"] as const) assertSynchronous(options[side], side, options.name);
  return {
    kind: "agent",
    name: options.name,
    description: options.description,
    model: "" as Alias,
    input: options.input,
    output: options.output,
    inputSchema: jsonSchemaOf(options.input, "input", options.name),
    outputSchema: jsonSchemaOf(options.output, "input", options.name, "output"),
    tools: [],
    effects: "write",
    asks: [],
    instructions: "",
    version: team.version,
    team: team as unknown as SupervisorDefinition,
  };
}

/** The canonical data that a definition's hash covers. Functions count by their versions. */
function describe(
  plan: {
    readonly name: string;
    readonly version: string;
    readonly entry: string;
    readonly exits: ReadonlySet<string>;
    readonly edges: readonly Edge[];
    readonly thresholds: ReadonlyMap<string, Threshold>;
    readonly onFailure: string;
    /** What was said of limits, not the defaults: a new release may bring new ones, and parked runs shall find their home. */
    readonly limits: Partial<Limits>;
    readonly approvals: Json | undefined;
    readonly judges: Judges;
    readonly flows: FlowRules | undefined;
    readonly cleared: readonly string[] | undefined;
    readonly trusted: readonly string[];
    readonly budget: unknown;
    readonly policy: Policy | undefined;
  },
  agents: ReadonlyMap<string, AnyAgent>,
): unknown {
  return {
    // What a definition does not use leaves no trace in its hash, so that it stays what it was.
    ...(plan.approvals === undefined ? {} : { approvals: plan.approvals }),
    ...(plan.flows === undefined ? {} : { flows: plan.flows }),
    ...(plan.cleared === undefined ? {} : { answers: { cleared: plan.cleared } }),
    ...(plan.trusted.length === 0 ? {} : { trusted: [...plan.trusted].sort() }),
    ...(plan.budget === undefined ? {} : { budget: plan.budget }),
    ...(plan.policy === undefined
      ? {}
      : { policy: { name: plan.policy.name, version: plan.policy.version, rules: plan.policy.data } }),
    ...(plan.judges.compliance || plan.judges.reviewer
      ? {
          judges: Object.entries(plan.judges).flatMap(([kind, agent]) =>
            agent ? [[kind, describeAgent(agent as AnyAgent)]] : [],
          ),
        }
      : {}),
    name: plan.name,
    version: plan.version,
    entry: plan.entry,
    exits: [...plan.exits].sort(),
    onFailure: plan.onFailure,
    limits: plan.limits,
    agents: [...agents.values()].map(describeAgent),
    edges: plan.edges.map((edge) => ({
      kind: edge.kind,
      name: edge.name,
      from: edge.from,
      max: edge.max,
      version: edge.version,
      guarded: edge.when !== undefined,
      sources: Object.entries(edge.sources).map(([key, { agent, side, optional }]) => [
        key,
        agent.name,
        side,
        optional,
      ]),
      ...describeEnds(edge),
    })),
    thresholds: [...plan.thresholds.values()].map(({ agent, atLeast, stronger, version }) => ({
      agent,
      atLeast,
      stronger,
      version,
    })),
  };
}

function describeAgent(agent: AnyAgent): object {
  return {
    name: agent.name,
    model: agent.model,
    description: agent.description,
    instructions: agent.instructions,
    input: agent.inputSchema,
    output: agent.outputSchema,
    asks: agent.asks,
    effects: agent.effects,
    version: agent.version,
    team: agent.team?.hash,
    ...(agent.remote === undefined ? {} : { remote: { specialist: agent.remote.specialist, hash: agent.remote.hash } }),
    ...(agent.extracts === undefined ? {} : { extracts: agent.extracts }),
    ...(agent.toolSearch === undefined ? {} : { toolSearch: agent.toolSearch }),
    tools: agent.tools.map(describeTool),
  };
}

function describeTool(tool: AnyTool): object {
  return {
    name: tool.name,
    description: tool.description,
    input: tool.inputSchema,
    output: tool.outputSchema,
    effect: tool.effect,
    risk: tool.risk,
    reversible: tool.reversible,
    idempotency: tool.idempotency,
    keyValidForMs: tool.keyValidForMs,
    timeoutMs: tool.timeoutMs,
    protect: tool.protect,
    labels: tool.labels,
    ...(tool.source === undefined ? {} : { source: tool.source }),
    ...(tool.memory === undefined ? {} : { memory: tool.memory }),
    ...(tool.trusts.length === 0 ? {} : { trusts: tool.trusts }),
    ...(tool.cleared === undefined ? {} : { cleared: tool.cleared }),
    version: tool.version,
    ...(tool.reveals.length === 0 ? {} : { reveals: [...tool.reveals].sort() }),
    ...(tool.retry === undefined ? {} : { retry: tool.retry }),
    ...(tool.settlesWithinMs === undefined ? {} : { settlesWithinMs: tool.settlesWithinMs }),
    ...(tool.undo === undefined ? {} : { undo: describeTool(tool.undo.tool) }),
  };
}

function describeEnds(edge: Edge): object {
  switch (edge.kind) {
    case "handoff":
      return { to: edge.to, grant: edge.grant, ...(edge.afterMs === undefined ? {} : { afterMs: edge.afterMs }) };
    case "parallel":
      return {
        branches: edge.branches.map(({ key, to, grant }) => (grant ? [key, to, grant] : [key, to])),
        join: edge.join.to,
        joinGrant: edge.join.grant,
      };
    case "question":
      return { to: edge.to, grant: edge.grant, of: edge.of, answer: jsonSchemaOf(edge.answer, "input", edge.name) };
    case "ending":
      return { status: edge.status, reason: edge.reason };
  }
}

function functionsOf(
  edges: readonly Edge[],
  thresholds: ReadonlyMap<string, Threshold>,
  tools: ReadonlyMap<string, AnyTool>,
  policy: Policy | undefined,
): Record<string, string> {
  const found: Record<string, string> = {};
  const note = (owner: string, version: string, ...functions: unknown[]) => {
    const text = functions
      .filter((fn) => typeof fn === "function")
      .map(String)
      .join("\n");
    if (text !== "") found[`${owner}@${version}`] = sha256(text);
  };
  for (const edge of edges) {
    const ends =
      edge.kind === "parallel"
        ? [...edge.branches.map(({ map }) => map), edge.join.map]
        : edge.kind === "question"
          ? [edge.ask, edge.map]
          : edge.kind === "ending"
            ? [edge.packet]
            : [edge.map];
    note(`edge ${edge.name}`, edge.version, edge.when, ...ends);
  }
  for (const { agent, read, version } of thresholds.values()) note(`threshold ${agent}`, version, read);
  for (const tool of tools.values())
    note(`tool ${tool.name}`, tool.version, tool.execute, tool.lookup, tool.undo?.input);
  if (policy) found[`policy ${policy.name}@${policy.version}`] = sha256(policy.text);
  return found;
}
