import { startActiveTimer } from "./active-time.ts";
import { callOrReserve, settleUnheard } from "./budget.ts";
import { type CoreWork, guarded } from "./core-work.ts";
import { closeCall } from "./ending.ts";
import { callLost } from "./outcome.ts";

/** Commands whose process is gone: models and reads are asked again, writes as their machine says (D7). */
export function resumeRun(work: CoreWork, lost: readonly string[]): void {
  // The time in which nobody drove the run was no work of it.
  const { state } = work;
  state.activeMs += Math.max(0, state.lastAt - state.activeSince);
  state.activeSince = work.at;
  if (!state.ending) startActiveTimer(work);
  const givenUp = state.resumes > work.limits.resumes;
  if (givenUp) work.exceed("resumes", "");
  for (const id of lost) {
    const command = state.outstanding.get(id);
    if (!command) continue;
    if (command.type === "delegate" || command.type === "recall") {
      // The specialist's run is named by this one: however often it is begun, it is one.
      work.commands.push(command);
      work.resent.add(id);
      continue;
    }
    if (command.type === "reserve" || command.type === "returnBudget") {
      // The tenant's stream knows them by their names, so they are the same however often they are asked for. It may
      // have heard of them, so they are waited for like any that is under way.
      work.commands.push(command);
      work.resent.add(id);
      if (command.type === "reserve" && command.sliceLeft) state.purse.asked.push(command.at);
      continue;
    }
    if (command.type === "callModel" && !givenUp && !state.ending) {
      if (!state.purse.reserved.has(id)) {
        work.commands.push(command);
        continue;
      }
      // Nobody knows what the lost call cost (D12); another one needs money of its own.
      state.outstanding.delete(id);
      settleUnheard(work, id, command.path);
      callOrReserve(work, command);
      continue;
    }
    state.outstanding.delete(id);
    if (command.type === "callModel") settleUnheard(work, id, command.path);
    const call = command.type === "callModel" ? undefined : state.calls.get(command.path);
    if (!call) continue;
    if (state.ending || givenUp || call.cancelled)
      closeCall(work, call, call.tool.effect === "write" ? "unknown" : "cancelled");
    else guarded(work, () => callLost(work, call));
  }
}
