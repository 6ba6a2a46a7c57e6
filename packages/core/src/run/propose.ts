import { OrchestrationError } from "../errors.ts";
import { boundOn, covers } from "../grant.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import { planToolName } from "../label/plan.ts";
import { parseWith } from "../schema.ts";
import { judgeCall } from "./asked.ts";
import { beginCall } from "./begin-call.ts";
import { denyCall, giveResult, type ToolCallPart } from "./call-result.ts";
import { revokedError, ruledBy } from "./denial.ts";
import { flowOf, labelsOf, planned } from "./flows.ts";
import type { Edit, Invocation, Work } from "./state.ts";

/** A call's way in: what is asked of it before it is one, and how often it may be asked for. */

/** Denied repetitions of one pair after which a loop is stopped. */
const stubbornMax = 2;

/** Takes a model's wish. It ends in a denial with its reason, or in a call. */
export function proposeCall(
  work: Work,
  invocation: Invocation,
  path: string,
  part: ToolCallPart,
  index: number,
  edit?: Edit,
): void {
  if (work.state.ending) return;
  const { agent } = invocation;
  const tool = agent.tools.find(({ name }) => name === part.tool);
  const deny = (error: OrchestrationError, ruleId: string) =>
    denyCall(work, invocation, path, part, error.toRecord(), ruledBy(work, ruleId));
  if (!tool) {
    const root = work.state.teams.get("");
    const code = root?.definition.tools.has(part.tool) ? "policy/tool-not-allowed" : "policy/tool-unknown";
    return deny(new OrchestrationError(code, { agent: agent.name, tool: part.tool }), "allowlist");
  }
  if (index >= work.limits.callsPerTurn) {
    return deny(
      new OrchestrationError("limits/exceeded", { limit: "callsPerTurn", bound: work.limits.callsPerTurn }),
      "limit",
    );
  }
  if (!covers(invocation.grant, tool)) {
    return deny(new OrchestrationError("policy/not-granted", { agent: agent.name, tool: tool.name }), "grant");
  }
  if (work.state.restrictions.tools.includes(tool.name)) return deny(revokedError(work, tool.name), "restriction");
  const parsed = parseWith(tool.input, part.input);
  if (!parsed.ok) {
    const data = { tool: tool.name, issues: parsed.issues as unknown as Json };
    return deny(new OrchestrationError("tool/input-invalid", data), "input-schema");
  }
  const flow = flowOf(work, invocation, tool, part.input);
  if (flow.refusal) return deny(flow.refusal, "flow");
  const exact = canonicalJson(part.input);
  const inputHash = keyedHash(work.tenantKey, exact);
  // What the tool would get is what repeats: a member that its schema drops makes no other call.
  const plain = plainJson(parsed.value);
  const meant = plain.ok ? canonicalJson(plain.value) : exact;
  const args = plain.ok ? plain.value : part.input;
  const bounded = boundOn(invocation.grant, tool.name, args, work.at, !work.rules.empties);
  if (bounded !== undefined) {
    const data = { agent: agent.name, tool: tool.name, bound: bounded };
    return deny(new OrchestrationError("policy/not-granted", data), "grant");
  }
  const asking = { agent: agent.name, path, labels: labelsOf(work, invocation) };
  const judged = judgeCall(work, asking, tool, args, flow.facts);
  if (judged?.effect === "deny") return denyCall(work, invocation, path, part, judged.error, judged.decision);
  if (tool.name === planToolName) return takePlan(work, invocation, path, part, deny);
  const pair = `${tool.name} ${meant === exact ? inputHash : keyedHash(work.tenantKey, meant)}`;
  const seen = work.state.repeats.get(pair) ?? { granted: 0, denied: 0 };
  const bound = tool.effect === "write" ? work.limits.writeRepeats : work.limits.repeats;
  if (seen.granted >= bound) {
    work.state.repeats.set(pair, { ...seen, denied: seen.denied + 1 });
    const data = { agent: agent.name, tool: tool.name, bound };
    deny(new OrchestrationError("limits/repeated-call", data), "repeats");
    if (seen.denied + 1 > stubbornMax) {
      // It repeats itself although it was told so.
      const stuck = new OrchestrationError("limits/no-progress", { agent: agent.name, tool: tool.name });
      work.tellAgent(invocation, { type: "no-progress" }, { error: stuck.toRecord() });
    }
    return;
  }
  if (work.state.steps >= work.limits.steps) return work.exceed("steps", path);
  work.state.steps++;
  work.state.repeats.set(pair, { ...seen, granted: seen.granted + 1 });
  beginCall(work, {
    path,
    invocation: invocation.path,
    agent: agent.name,
    grant: invocation.grant,
    tool,
    callId: part.callId,
    input: part.input,
    inputHash,
    pair,
    requesters: edit?.requesters ?? work.state.requesters,
    edits: edit && { effect: edit.effect, by: edit.by },
    because: flow.because,
    planned: flow.planned,
    ...(judged === undefined ? {} : { judged }),
  });
}

/** Takes note of what an agent is going to write. */
function takePlan(
  work: Work,
  invocation: Invocation,
  path: string,
  { callId, tool, input }: ToolCallPart,
  deny: (error: OrchestrationError, ruleId: string) => void,
): void {
  const refusal = planned(work, invocation, path, input);
  if (refusal) return deny(refusal, "plan");
  giveResult(work, path, invocation.path, { callId, tool, status: "done", output: { steps: work.state.plan.length } });
}
