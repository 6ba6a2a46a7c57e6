import type { ErrorCode } from "../errors.ts";
import { OrchestrationError } from "../errors.ts";
import { stopActiveTimer } from "./active-time.ts";
import { returnOf, settleUnheard } from "./budget.ts";
import { type CoreWork, isUnsent } from "./core-work.ts";
import { leaveCall } from "./gated.ts";
import { dropCall } from "./leaving.ts";
import { isDoubted } from "./outcome.ts";
import { giveUp } from "./recall.ts";
import type { Call, PendingEnd, Work } from "./state.ts";
import { waitingForOf, waitsOf } from "./waits.ts";

/** How a run ends, or parks, once an input was applied: when nothing under way stands against it. */

/** After an input: end if nothing under way stands against it, else park if nothing is under way. */
export function conclude(work: CoreWork): void {
  const { state } = work;
  if (state.ending) {
    state.asks.clear(); // What it goes on to wait for is nobody's word.
    for (const call of [...state.calls.values()]) dropCall(work, call);
    recallAll(work, state.ending);
    for (const [id, command] of state.outstanding) {
      const unsent = isUnsent(work, command);
      if (command.type === "recall") continue;
      if (command.type === "delegate") {
        work.aborts.push(id);
        continue;
      }
      if (command.type === "returnBudget" || (command.type === "reserve" && !unsent)) continue;
      const call = command.type === "callModel" ? undefined : state.calls.get(command.path);
      // A write under way is waited for, within its timeout: its answer is worth it. A cancel gives it the signal.
      if (call?.tool.effect === "write" && !unsent) {
        if (state.ending.status === "cancelled") work.aborts.push(id);
        continue;
      }
      if (!unsent) work.aborts.push(id);
      state.outstanding.delete(id);
      if (command.type === "callModel") {
        // What was never sent has cost nothing; of what was, nobody knows what it cost (D12).
        if (unsent) state.purse.reserved.delete(id);
        else settleUnheard(work, id, command.path);
      }
      // The try that is not made any more says nothing of those that were (E4).
      if (call) closeCall(work, call, isDoubted(call) ? "unknown" : "cancelled");
    }
    work.commands = work.commands.filter((command) => state.outstanding.has(command.id));
    if (state.outstanding.size > 0) return;
    const owed = returnOf(work);
    if (owed) return work.emit(owed);
    finish(work, state.ending);
    return;
  }
  if (state.outstanding.size > 0 || work.timers.some(({ holds }) => holds)) return;
  if (waitsOf(state).length === 0) {
    // Nothing under way, nothing to wait for and no end: a defect, never a run that hangs (R11).
    const error = new OrchestrationError("run/internal", { reason: "the run came to a standstill" });
    state.ending = { status: "failed", body: { error: error.toRecord(), by: "remit" } };
    finish(work, state.ending);
    return;
  }
  work.parked = true;
  state.status = "parked";
  stopActiveTimer(work);
  work.note("run.parked", "", { waitingFor: waitingForOf(state) });
}

/** An ending run leaves nobody at work: specialists are told to stop, and their last word is waited for a while. */
function recallAll(work: CoreWork, { status, body }: PendingEnd): void {
  const { state } = work;
  for (const open of [...state.delegations.values()]) {
    const sent = [...state.outstanding.values()].find((one) => one.type === "delegate" && one.path === open.path);
    if (sent && isUnsent(work, sent)) {
      state.outstanding.delete(sent.id);
      if (open.attempts === 1) {
        // Nobody has heard of it.
        state.delegations.delete(open.path);
        state.purse.reserved.delete(open.id);
        continue;
      }
    }
    const reason = "reason" in body ? body.reason : `the run that waits for it ended ${status}`;
    giveUp(work, open, reason);
  }
}

function finish(work: CoreWork, end: PendingEnd): void {
  const { state } = work;
  state.status = end.status;
  if (end.status === "cancelled") {
    work.note("run.cancelled", "", { ...end.body, openEffects: [...state.uncertain] });
  } else work.note(`run.${end.status}`, "", end.body);
  for (const { id } of work.timers) work.aborts.push(id);
  work.timers = [];
  state.teams.clear();
  state.invocations.clear();
  state.calls.clear();
  state.asks.clear();
  state.approvals.clear();
  state.delayed.clear();
  state.delegations.clear();
  work.commands = [];
}

/** Waiting for people is no work of the run, also while calls of it are under way for that. */
export function rest(work: CoreWork): void {
  work.state.resting = true;
  stopActiveTimer(work);
}

type CallEnd = "done" | "refused" | "failed" | "cancelled" | "unknown";

/** What a call under way at the end came to; nothing follows from it (C3). */
export function closeCall(work: Work, call: Call, outcome: CallEnd): void {
  work.state.calls.delete(call.path);
  leaveCall(work, call);
  if (call.tool.effect !== "write" && outcome !== "cancelled") return;
  if (outcome === "unknown") {
    work.state.uncertain.add(call.path);
    work.note("effect.uncertain", call.path, { effect: call.path, tool: call.tool.name, next: "person" });
  } else work.note("effect.settled", call.path, { effect: call.path, outcome });
}

/** What an answer that came after the end says of its call. */
export function endOutcomeOf(code: ErrorCode, mayHaveExecuted: boolean): CallEnd {
  if (code === "tool/refused") return "refused";
  if (code === "tool/output-invalid") return "done";
  return mayHaveExecuted ? "unknown" : "failed";
}
