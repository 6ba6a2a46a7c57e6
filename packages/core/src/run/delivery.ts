import type { ErrorRecord, OrchestrationError } from "../errors.ts";
import type { MessageType } from "../message.ts";
import { type Delivery, type Team, teamAddress, type Work } from "./state.ts";

/** How a payload sets out to an agent, or goes nowhere. */

/** What an instance of an agent is told. */
export const accepts: ReadonlySet<MessageType> = new Set<MessageType>([
  "handoff.delivered",
  "call.settled",
  "input.received",
]);

/** Opens a mailbox for a new instance of an agent and puts the payload into it. */
export function beginInvocation(work: Work, team: Team, path: string, delivery: Delivery): void {
  const from = teamAddress(team.path);
  work.bus.join(path, {
    accepts,
    receive: (envelope) => {
      if (envelope.type === "handoff.delivered") work.accept(team, path, envelope, delivery);
    },
  });
  const { edge, agent, payload, labels, branch, model } = delivery;
  work.send("handoff.delivered", from, path, `${path}:delivered`, {
    edge,
    agent,
    payload,
    labels,
    ...(branch === undefined ? {} : { branch }),
    ...(model === undefined ? {} : { model }),
  });
}

/** Records that a payload went nowhere, and tells the team. */
export function reject(
  work: Work,
  team: Team,
  edge: string,
  agent: string,
  side: "sender" | "receiver",
  error: OrchestrationError | ErrorRecord,
): void {
  const record = error instanceof Error ? error.toRecord() : error;
  work.note("handoff.rejected", team.path, {
    edge,
    from: team.definition.edgeByName.get(edge)?.from ?? team.definition.name,
    to: agent,
    side,
    error: record,
  });
  work.send(
    "handoff.rejected",
    teamAddress(team.path),
    teamAddress(team.path),
    `${team.path}rejected#${count(team, "rejected")}`,
    {
      edge,
      error: record,
    },
  );
}

/** The next local name of a kind, `triage#2`. */
export function count(team: Team, kind: string): string {
  const next = (team.counters.get(kind) ?? 0) + 1;
  team.counters.set(kind, next);
  return `${kind}#${next}`;
}
