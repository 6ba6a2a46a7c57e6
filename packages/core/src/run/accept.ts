import { OrchestrationError } from "../errors.ts";
import { isBound } from "../grant.ts";
import { type Json, plainJson } from "../json.ts";
import type { Envelope } from "../message.ts";
import { parseWith } from "../schema.ts";
import { firstStep } from "../step.ts";
import { delegate } from "./delegations.ts";
import { reject } from "./delivery.ts";
import { joinInvocation, loopSteps } from "./invocation.ts";
import type { Delivery, Invocation, Judge, Team, Work } from "./state.ts";
import { beginTeam } from "./team.ts";

/** How an agent takes a payload, and who then does the work: its own loop, its team, or a specialist elsewhere. */

/** Receiver's side of the contract: the agent's own schema reads the payload again. */
export function accept(
  work: Work,
  team: Team,
  path: string,
  envelope: Envelope<"handoff.delivered">,
  { payloadHash, grant, judges, decision }: Pick<Delivery, "payloadHash" | "grant" | "judges" | "decision">,
): void {
  if (work.state.ending) return;
  // The team, or the effect that is to be judged, was taken away while the delivery was on its way.
  if (work.state.teams.get(team.path) !== team || (judges && !work.state.calls.has(judges.effect))) {
    return work.bus.leave(path);
  }
  const { edge, agent: name, payload, labels, branch, model } = envelope.payload;
  const agent = judges ? team.definition.judges[judges.as] : team.definition.agents.get(name);
  const parsed = agent && parseWith(agent.input, payload);
  const plain = parsed?.ok ? plainJson(parsed.value) : undefined;
  const refuse = (error: OrchestrationError) =>
    judges ? refuseToJudge(work, judges, path, name, error) : reject(work, team, edge, name, "receiver", error);
  if (!agent || !plain?.ok) {
    work.bus.leave(path);
    if (plain && !plain.ok) {
      // A schema that makes a date or a map of it: only JSON reaches an agent.
      const error = new OrchestrationError("contract/not-json", { contract: edge, ...plain.fault });
      return refuse(error);
    }
    const data = {
      contract: edge,
      from: team.definition.name,
      to: name,
      issues: (parsed && !parsed.ok ? parsed.issues : []) as unknown as Json,
    };
    return refuse(new OrchestrationError("contract/input-invalid", data));
  }
  const input = plain.value;
  work.note("handoff.delivered", path, {
    message: envelope.id,
    edge,
    from: envelope.from,
    to: path,
    agent: name,
    payload: input,
    payloadHash,
    labels,
    ...(model === undefined ? {} : { model }),
    ...(isBound(grant) ? { grant } : {}),
    ...(judges === undefined ? {} : { judges: judges.effect }),
    ...(decision === undefined ? {} : { decision }),
  });
  // A judge is no step on the way of the case: no contract reads what it was shown.
  if (!judges) {
    team.labels.set(name, { input: labels[""] ?? [], output: team.labels.get(name)?.output ?? [] });
    team.results.set(name, {
      input,
      ...(team.results.get(name)?.output === undefined ? {} : { output: team.results.get(name)?.output as Json }),
    });
  }
  const invocation: Invocation = {
    path,
    team: team.path,
    agent,
    alias: model ?? agent.model,
    reason: model === undefined ? "agent" : "threshold",
    branch,
    grant,
    message: envelope.id,
    input,
    snapshot: firstStep(loopSteps()),
    messages: [],
    labels: [...(labels[""] ?? [])],
    models: 0,
    calls: 0,
    asks: 0,
    turn: [],
    output: undefined,
    judges,
    tries: 0,
    rounds: 0,
    tried: [],
    summary: undefined,
    summaries: 0,
    trims: false,
  };
  work.state.invocations.set(path, invocation);
  joinInvocation(work, invocation);
  // The team's entry reads the payload by its own schema, so it gets what this schema has not yet made its own of.
  if (agent.team) return beginTeam(work, agent.team, `${path}/`, path, payload, grant, labels[""]);
  if (agent.remote) return delegate(work, invocation, agent.remote, payload);
  work.tellAgent(invocation, { type: "deliver", turns: work.limits.turns, repairs: work.limits.repairs });
}

/** A case that does not fit its judge reaches nobody, and the effect is told that nobody judged it. */
function refuseToJudge(
  work: Work,
  { effect, as }: { readonly effect: string; readonly as: Judge },
  path: string,
  to: string,
  refusal: OrchestrationError,
): void {
  const error = refusal.toRecord();
  work.note("handoff.rejected", effect, { edge: `effect:${as}`, from: effect, to, side: "receiver", error });
  work.send("effect.judged", path, effect, `${path}:rejected`, { judge: as, output: null, error });
}
