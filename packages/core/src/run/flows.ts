import { OrchestrationError } from "../errors.ts";
import type { LabelTable } from "../event.ts";
import type { Json } from "../json.ts";
import { answerSink, type FlowFacts, type FlowFinding, judgeFlow, leaksOf } from "../label/flow.ts";
import { extractedBy, isForeign, isSensitive } from "../label/label.ts";
import { type Mark, marksIn } from "../label/marks.ts";
import { faultOf, planSteps } from "../label/plan.ts";
import { readingBytesMax } from "../label/reading.ts";
import { unionOf } from "../label/union.ts";
import type { CallFlow } from "../policy/request.ts";
import { parseWith } from "../schema.ts";
import { findAgent } from "../supervisor/find-agent.ts";
import type { AnyTool } from "../tool.ts";
import type { Call, Invocation, Work } from "./state.ts";

/** A run's side of the flow rule: what it has read, what it has planned, and what becomes of a call (R9). */

/**
 * True where a run may have read what others wrote, or what is not for everybody: by the tools of its team, or in what it was
 * handed over.
 */
export function tracks({ root, rules, state }: Work): boolean {
  if (root.tracks || !rules.inputs) return root.tracks;
  return state.labels.some((label) => isForeign(label, root.trusted) || isSensitive(label));
}

/** Labels of all that a request of this instance carries, sorted. */
export function labelsOf(work: Work, { labels }: Pick<Invocation, "labels">): readonly string[] {
  return unionOf(work.state.labels, labels);
}

/** Keeps what was read, for where values come from. What goes beyond the bound is not kept (T1). */
export function keepReading(
  work: Work,
  source: string,
  path: string,
  value: Json,
  labels: LabelTable = {},
  trusts: readonly string[] = [],
): void {
  const { state, rules } = work;
  if (!rules.flows || !tracks(work)) return;
  const bytes = JSON.stringify(value).length;
  if (state.readingBytes + bytes > readingBytesMax) return;
  state.readingBytes += bytes;
  state.readings.push({ source, path, labels, trusts, value });
}

/** Keeps what a tool said. */
export function readFrom(work: Work, { tool, path }: Call, output: Json, labels: LabelTable = {}): void {
  keepReading(work, tool.name, path, output, labels, tool.trusts);
}

/** Labels of what an agent says: those of what it has read, unless it can only say narrow values of that. */
export function saidLabels(work: Work, { agent, labels, path }: Invocation, output: Json): readonly string[] {
  if (agent.extracts !== true) return labels;
  const { trusted } = work.root;
  const own = labels.filter((label) => !isForeign(label, trusted));
  if (own.length === labels.length) return labels;
  const said = [...new Set([...own, extractedBy(agent.name)])].sort();
  keepReading(work, agent.name, path, output, { "": said });
  return said;
}

/** A run's final answer: its marks, or why it may not be given. */
export function answerOf(
  work: Work,
  agent: string,
  output: Json,
  labels: readonly string[],
): { readonly marks: readonly Mark[]; readonly refusal?: OrchestrationError } {
  const { state, root, rules } = work;
  if (!rules.flows || !tracks(work)) return { marks: [] };
  const { trusted } = root;
  const marks = labels.some((label) => isForeign(label, trusted)) ? marksIn(output, state.readings, trusted) : [];
  const { cleared } = root;
  if (cleared === undefined) return { marks };
  const findings = leaksOf(
    factsOf(work, { tool: answerSink(cleared, root.agents.get(agent)?.outputSchema ?? {}), input: output, labels }),
  );
  const [leak] = findings;
  if (!leak) return { marks };
  const data = { supervisor: root.name, pointer: leak.argument ?? "", labels: labels.filter(isSensitive).join(", ") };
  return { marks, refusal: new OrchestrationError("policy/answer-not-cleared", data) };
}

function factsOf(work: Work, call: Pick<FlowFacts, "tool" | "input" | "labels">): FlowFacts {
  const { state, root } = work;
  return {
    ...call,
    readings: state.readings,
    plan: state.plan,
    rules: root.flows,
    trusted: root.trusted,
    ...(work.rules.words ? {} : { parts: true }),
    ...(work.rules.forgets ? {} : { forgets: true }),
    ...(work.rules.empties ? {} : { empties: true }),
    schemaOf: (source) => root.tools.get(source)?.outputSchema ?? findAgent(root, source)?.outputSchema,
  };
}

export interface Judged {
  /** Why a person has to be asked; empty: nobody has to. */
  readonly because: readonly FlowFinding[];
  readonly planned: number | undefined;
  readonly refusal?: OrchestrationError;
  /** For policies; absent where nothing foreign can be read. */
  readonly facts?: CallFlow;
}

const free: Judged = { because: [], planned: undefined };

/** What the flow rule says of a call (F1-F4). Nobody can be asked about a read, so it is refused where a write would wait. */
export function flowOf(work: Work, { agent, labels }: Invocation, tool: AnyTool, input: Json): Judged {
  const { root, rules } = work;
  if (!rules.flows || !tracks(work)) return free;
  const { findings, planned } = judgeFlow(factsOf(work, { tool, input, labels }));
  const refused = findings.find(({ why }) => {
    const asked = root.flows[why] ?? (why === "egress" ? "deny" : "approve");
    return asked === "deny" || tool.effect === "read";
  });
  const facts: CallFlow = {
    untrusted: findings.flatMap(({ why, argument }) => (why === "untrusted" ? (argument ?? []) : [])),
    planned: planned !== undefined,
    clean: !labels.some((label) => isForeign(label, root.trusted)),
  };
  if (!refused) return { because: findings, planned, facts };
  return { because: findings, planned, facts, refusal: refusalOf(agent.name, tool, labels, refused) };
}

function refusalOf(
  agent: string,
  tool: AnyTool,
  labels: readonly string[],
  { why, argument = "", from }: FlowFinding,
): OrchestrationError {
  const data = { agent, tool: tool.name, sources: [...new Set(from.map(({ source }) => source))].join(", ") };
  switch (why) {
    case "untrusted":
      return new OrchestrationError("policy/untrusted-argument", { ...data, argument });
    case "control":
      return new OrchestrationError("policy/unplanned-write", data);
    case "egress":
      return new OrchestrationError("policy/egress-not-cleared", { ...data, argument, labels: labels.join(", ") });
  }
}

/** Takes an agent's plan into the run's; what is returned is why not (P1). */
export function planned(
  work: Work,
  { agent, labels }: Invocation,
  path: string,
  input: Json,
): OrchestrationError | undefined {
  const { state, root } = work;
  if (labels.some((label) => isForeign(label, root.trusted))) {
    return new OrchestrationError("policy/plan-too-late", { agent: agent.name, labels: labels.join(", ") });
  }
  const parsed = parseWith(planSteps.input, input);
  const writes = new Set(agent.tools.flatMap(({ name, effect }) => (effect === "write" ? [name] : [])));
  const reason = parsed.ok ? faultOf(parsed.value.steps, (tool) => writes.has(tool)) : "of another form";
  if (!parsed.ok || reason !== undefined) {
    return new OrchestrationError("policy/plan-invalid", { agent: agent.name, reason: reason ?? "" });
  }
  const { steps } = parsed.value;
  if (state.plan.length + steps.length > planMax) {
    return new OrchestrationError("limits/exceeded", { limit: "plan", bound: planMax });
  }
  work.note("plan.made", path, { agent: agent.name, first: state.plan.length, steps });
  for (const { tool, arguments: given, times } of steps) {
    state.plan.push({ tool, arguments: given, times: times ?? 1, by: agent.name, used: 0 });
  }
  return undefined;
}

/** Entries that the plan of a run may have. */
const planMax = 100;
