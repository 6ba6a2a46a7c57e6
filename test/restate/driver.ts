import { OrchestrationError } from "../../packages/core/src/errors.ts";
import type { EntryBodies, InputEvent, RunStatus } from "../../packages/core/src/event.ts";
import { isInputType } from "../../packages/core/src/event.ts";
import { type Draft, openBatch, sealBatch, verifyChain } from "../../packages/core/src/journal/chain.ts";
import type { RunSession } from "../../packages/core/src/port/engine.ts";
import { decide, inFlight, isEnded, newState, type State, type Step } from "./plan.ts";

/**
 * The loop of D1 over the port, with the toy core in it: load, then append, submit, next until nothing is in flight.
 * It awaits nothing but the session, and asks nobody else for time or randomness: an engine that runs this function
 * again from the start, with the same answers, gets the same batches byte for byte.
 *
 * @throws OrchestrationError `journal/conflict`, `journal/broken-chain`
 */
export async function drive(session: RunSession): Promise<void> {
  const { tenant, id: runId } = session.key;
  const batches = await session.journal.read(session.key);
  const { head: loaded, fault } = verifyChain(batches);
  if (fault !== undefined) throw new OrchestrationError("journal/broken-chain", { ...fault, stream: runId });

  let head = loaded;
  let state = newState;
  let startedAt = 0;
  for (const entry of batches.flatMap((batch) => openBatch(batch, runId))) {
    startedAt ||= entry.at;
    if (!isInputType(entry.type)) continue;
    state = decide(state, { ...entry, id: "" } as InputEvent, entry.at, runId)?.state ?? state;
  }

  const lost = inFlight(state).map(({ id }) => id);
  let event: InputEvent | undefined =
    lost.length > 0
      ? { id: `resumed/${head.seq}`, type: "run.resumed", path: "", body: { lost } }
      : await session.next();
  while (event !== undefined) {
    const at = session.now();
    const step = decide(state, event, at, runId);
    if (step !== undefined) {
      startedAt ||= at;
      const batch = sealBatch(head, draftsOf(event, step, at, head.seq), session.salt);
      const record = { tenant, runId, supervisor: "toy", definitionHash: "toy", startedAt, updatedAt: at };
      const durable = session.append(batch, head.seq, {
        ...record,
        status: statusOf(step.state),
        lastSeq: batch.lastSeq,
      });
      if (step.barrier) await durable;
      session.published(batch);
      head = { seq: batch.lastSeq, hash: batch.hash };
      state = step.state;
      for (const id of step.aborts) session.abort(id);
      for (const command of step.commands) session.submit(command);
    }
    event = await session.next();
  }
}

function draftsOf(event: InputEvent, step: Step, at: number, headSeq: number): Draft[] {
  const input: Draft = {
    type: event.type,
    at,
    path: event.path,
    cause: 0,
    body: event.body as EntryBodies[typeof event.type],
  };
  return [input, ...step.decisions.map((decision) => ({ ...decision, at, cause: headSeq + 1 }))];
}

function statusOf(state: State): RunStatus {
  if (state.phase === "parked") return "parked";
  return isEnded(state) ? (state.phase as RunStatus) : "running";
}
