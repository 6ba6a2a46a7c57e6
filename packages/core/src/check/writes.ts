import { type ResolvedRule, tierOf } from "../approval/rule.ts";
import { defaultRetry } from "../effect/tries.ts";
import type { JsonSchema } from "../json.ts";
import type { FlowRules } from "../label/flow-rules.ts";
import { isForeign } from "../label/label.ts";
import type { AnyTool } from "../tool.ts";
import { type Ground, reachedFrom, type Team, toolsOf, wayTo } from "./ground.ts";
import type { Note, Rule } from "./rule.ts";

/** What writes, what has to pass before it, and what can be done about it afterwards. */
export const checkWrites: Rule = (ground, note, options) => {
  const { root } = ground;
  const holders = holdersOf(ground);
  for (const tool of root.tools.values()) {
    ground.visited.tools++;
    const path = holders.get(tool.name) ?? [root.name, tool.name];
    checkProtected(tool, path, note);
    if (tool.effect !== "write") continue;
    checkGate(tool, root.approvals.get(tool.name), path, note);
    checkKey(tool, path, note);
    const { undo } = tool;
    if (tool.reversible && !undo) note("check/undo-missing", path, { tool: tool.name });
    const isHarder = undo && waitsForPerson(undo.tool, root.approvals) && !waitsForPerson(tool, root.approvals);
    if (isHarder) note("check/undo-waits", path, { tool: tool.name, undo: undo.tool.name });
  }
  for (const team of ground.teams) {
    checkParallel(team, ground, note);
  }
  checkJudges(ground, holders, note);
  checkTrust(ground, note, [...ground.root.trusted, ...(options.trusted ?? [])]);
};

/** For each tool a way to somebody who has it. */
function holdersOf({ agents, root }: Ground): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { agent, path } of agents.values()) {
    for (const { name } of agent.tools) if (!found.has(name)) found.set(name, [...path, name]);
  }
  for (const judge of [root.judges.compliance, root.judges.reviewer]) {
    for (const { name } of judge?.tools ?? []) {
      if (judge && !found.has(name)) found.set(name, [root.name, judge.name, name]);
    }
  }
  return found;
}

const tiers = ["none", "compliance", "person"] as const;

function waitsForPerson(tool: AnyTool, approvals: ReadonlyMap<string, ResolvedRule>): boolean {
  return (approvals.get(tool.name)?.tier ?? tierOf(tool)) === "person";
}

function checkGate(tool: AnyTool, rule: ResolvedRule | undefined, path: readonly string[], note: Note): void {
  const { name, risk, reversible, idempotency, undo } = tool;
  const asked = tierOf(tool);
  const given = rule?.tier ?? "none";
  if (tiers.indexOf(given) < tiers.indexOf(asked)) {
    const tier = asked === "person" ? "a person" : "a verdict";
    note("check/approval-missing", path, { tool: name, risk, tier });
  } else if (given === "none" && idempotency === "none" && !reversible && !undo) {
    note("check/write-ungated", path, { tool: name });
  }
}

/** Where nobody judges by rule, what only needed a verdict goes to people. The nearest team that has a judge judges. */
function checkJudges(
  { agents, root, teams }: Ground,
  holders: ReadonlyMap<string, readonly string[]>,
  note: Note,
): void {
  const judged = new Set<string>();
  const judging = teams.filter(({ definition }) => definition.judges.compliance);
  for (const { agent, team } of agents.values()) {
    if (!judging.some(({ path }) => path.every((part, index) => team.path[index] === part))) continue;
    for (const { name } of agent.tools) judged.add(name);
  }
  for (const [name, path] of holders) {
    const tool = root.tools.get(name);
    if (tool?.risk !== "medium" || root.approvals.get(name)?.tier !== "compliance" || judged.has(name)) continue;
    note("check/judge-missing", path, { tool: name });
  }
}

function checkKey(tool: AnyTool, path: readonly string[], note: Note): void {
  const { name, idempotency, keyValidForMs, timeoutMs, retry } = tool;
  const { attempts, backoffMs, backoffMsMax } = retry ?? defaultRetry.tool;
  if (idempotency === "none" && retry && attempts > 1) note("check/retry-unsafe", path, { tool: name, attempts });
  if (idempotency !== "key" || keyValidForMs === undefined) return;
  let windowMs = attempts * timeoutMs;
  for (let attempt = 1; attempt < attempts && windowMs <= keyValidForMs; attempt++) {
    windowMs += Math.min(backoffMsMax, backoffMs * 2 ** (attempt - 1));
  }
  if (keyValidForMs <= timeoutMs) note("check/key-outlived", path, { tool: name, keyValidForMs, timeoutMs });
  else if (windowMs > keyValidForMs)
    note("check/key-too-short", path, { tool: name, keyValidForMs, attempts, windowMs });
}

function checkProtected({ name, protect, inputSchema }: AnyTool, path: readonly string[], note: Note): void {
  if (protect.length === 0) return;
  const known = argumentsOf(inputSchema);
  if (known === undefined) return;
  for (const argument of protect) {
    if (known.has(argument)) continue;
    note("check/protect-unknown", path, { tool: name, argument, known: [...known].join(", ") });
  }
}

/** The arguments that a schema names; undefined where it says nothing of them, so that any name may be one. */
function argumentsOf(schema: JsonSchema): ReadonlySet<string> | undefined {
  const { properties, anyOf, oneOf, allOf, additionalProperties } = schema as {
    readonly [member: string]: unknown;
  };
  const parts = [anyOf, oneOf, allOf].flatMap((part) => (Array.isArray(part) ? (part as JsonSchema[]) : []));
  const named = typeof properties === "object" && properties !== null ? Object.keys(properties) : undefined;
  if (named === undefined && parts.length === 0) return undefined;
  if (additionalProperties !== undefined && additionalProperties !== false) return undefined;
  const found = new Set(named ?? []);
  for (const part of parts) {
    const inner = argumentsOf(part);
    if (inner === undefined) return undefined;
    for (const argument of inner) found.add(argument);
  }
  return found;
}

function checkParallel({ live, path }: Team, { visited }: Ground, note: Note): void {
  for (const edge of [...live.values()].flat()) {
    if (edge.kind !== "parallel") continue;
    const writers = new Map<string, string[]>();
    for (const { key, toAgent } of edge.branches) {
      for (const { name, effect } of toolsOf(toAgent)) {
        visited.tools++;
        if (effect !== "write") continue;
        const known = writers.get(name);
        if (known) known.push(key);
        else writers.set(name, [key]);
      }
    }
    for (const [tool, branches] of writers) {
      if (branches.length < 2) continue;
      note("check/parallel-write", [...path, edge.from, edge.name, tool], { edge: edge.name, tool, branches });
    }
  }
}

/** True when a rule lets texts of a form into an argument, whoever says them and whether planned or not. */
function takesAnyText({ accept = [] }: FlowRules, tool: string, argument: string): boolean {
  return accept.some(
    (rule) =>
      rule.tool === tool &&
      rule.argument === argument &&
      rule.type === "string" &&
      rule.from === undefined &&
      rule.planned !== true,
  );
}

/** True when a rule takes values into an argument without a plan: by their bounds, or from who is on the way or a tool. */
function isTaken({ accept = [] }: FlowRules, tool: string, argument: string, way: readonly string[]): boolean {
  return accept.some(
    (rule) =>
      rule.tool === tool &&
      rule.argument === argument &&
      rule.planned !== true &&
      (rule.type !== "string" || rule.from?.some((source) => way.includes(source)) === true),
  );
}

/** Ways from what somebody else wrote to what is done. */
function checkTrust(ground: Ground, note: Note, trusted: readonly string[]): void {
  const { agents, root } = ground;
  const sources = sourcesIn(ground, trusted, ({ effect, labels }) => (effect === "read" ? labels : []));
  const tainted = reachedFrom(ground, sources.keys());
  // What asks nobody has to hold for whatever may say something foreign, and not only for what is there to be read.
  const origins = sourcesIn(ground, trusted, ({ labels, memory }) =>
    memory?.access === "read" ? [...labels, `memory:${memory.name}`] : labels,
  );
  for (const { agent } of agents.values())
    if (agent.remote) origins.set(agent.name, { source: agent.name, labels: "a specialist's own" });
  const open = reachedFrom(ground, origins.keys());
  for (const { agent, path } of agents.values()) {
    for (const tool of agent.tools) {
      ground.visited.tools++;
      if (tool.effect !== "write" || root.approvals.has(tool.name)) continue;
      const here = sources.get(agent.name);
      if (tool.protect.length === 0) {
        if (here) note("check/untrusted-write", [...path, tool.name], { agent: agent.name, tool: tool.name, ...here });
        continue;
      }
      const ungated = tool.protect.filter((argument) => takesAnyText(root.flows, tool.name, argument));
      const [reached, starts] = ungated.length > 0 && !tainted.has(agent.name) ? [open, origins] : [tainted, sources];
      if (!reached.has(agent.name)) continue;
      const way = wayTo(reached, agent.name);
      const from = starts.get(way[0] as string);
      if (!from) continue;
      // What a rule takes, such as what an extraction has read out, asks nobody.
      const asking = tool.protect.filter((argument) => !isTaken(root.flows, tool.name, argument, way));
      const shut = root.flows.untrusted === "deny" ? "check/protect-denies" : "check/protect-asks";
      const code = ungated.length > 0 ? "check/protect-ungated" : shut;
      if (ungated.length === 0 && asking.length === 0) continue;
      const protect = (ungated.length > 0 ? ungated : asking).join(", ");
      note(code, [from.source, ...way, tool.name], { tool: tool.name, protect, ...from });
    }
  }
}

interface TextSource {
  readonly source: string;
  readonly labels: string;
}

/** Agents with a tool whose answers are foreign, by its labels, and the first such tool of each. */
function sourcesIn(
  { agents }: Ground,
  trusted: readonly string[],
  labelsOf: (tool: AnyTool) => readonly string[],
): Map<string, TextSource> {
  const found = new Map<string, TextSource>();
  for (const { agent } of agents.values()) {
    for (const tool of agent.tools) {
      const foreign = labelsOf(tool).filter((label) => isForeign(label, trusted));
      if (foreign.length === 0 || found.has(agent.name)) continue;
      found.set(agent.name, { source: tool.name, labels: foreign.join(", ") });
    }
  }
  return found;
}
