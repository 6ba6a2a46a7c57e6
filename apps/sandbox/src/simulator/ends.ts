import type { Entry } from "@remit/core";
import type { Audited, Evidence } from "./evidence.ts";
import { endOf } from "./history.ts";

const dispatches: ReadonlySet<string> = new Set([
  "effect.intended",
  "tool.called",
  "model.called",
  "effect.dispatched",
]);

/** R11: whatever was begun has one end, nothing is dispatched after a cancel, and nothing comes before its time. */
export function assertEnds(audited: Audited, { steady }: Evidence): void {
  assertProposals(audited);
  assertCancel(audited);
  assertParts(audited);
  // A clock that is put back between a timer and its entry dates the entry before the timer's time.
  if (steady) assertTimes(audited);
}

/** Every proposed write ends once. */
function assertProposals({ entries, fault }: Audited): void {
  const ends = new Map<string, string[]>();
  const end = (effect: string, as: string) => ends.get(effect)?.push(as);
  for (const entry of entries) {
    if (entry.type === "effect.proposed") {
      if (ends.has(entry.path)) fault("R11", `${entry.path} was proposed twice`);
      ends.set(entry.path, []);
    }
    if (entry.type === "effect.settled") end(entry.body.effect, `settled ${entry.body.outcome}`);
    if (entry.type === "tool.denied") end(entry.path, "denied");
    if (entry.type === "approval.edited") end(entry.body.effect, "edited");
  }
  const uncertain = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "effect.uncertain" && entry.body.next === "person") uncertain.add(entry.body.effect);
    if (entry.type === "effect.settled") uncertain.delete(entry.body.effect);
  }
  for (const [effect, as] of ends) {
    // A call that was taken away between two tries certainly failed, and is denied to its agent.
    const many = as.length === 2 && as[0] === "settled failed" && as[1] === "denied" ? 1 : as.length;
    const open = uncertain.has(effect) ? 1 : 0;
    if (many + open !== 1) fault("R11", `${effect} was proposed and has ${as.length} ends (${as.join(", ")})`);
  }
}

/** Nothing is dispatched after a cancel, and an acknowledged cancel is one. */
function assertCancel({ entries, known, fault }: Audited): void {
  const requested = entries.find((entry) => entry.type === "cancel.requested" && entry.body.subtree === undefined)?.seq;
  const from = requested ?? known.cancelledAt;
  if (from === undefined) return;
  const after = entries.find(({ seq, type }) => seq > from && dispatches.has(type));
  if (!after) return;
  const what = requested === undefined ? "an acknowledged cancel that is not in the journal" : "the cancel";
  fault("R11", `${after.type} at seq ${after.seq} comes after ${what}`);
}

/** The same for the part of a run: an instance and all that works for it. */
function assertParts({ entries, known, fault }: Audited): void {
  const cut = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type === "cancel.requested" && entry.body.subtree !== undefined) cut.set(entry.body.subtree, entry.seq);
    if (!dispatches.has(entry.type)) continue;
    for (const [path, seq] of cut) {
      if (entry.path !== path && !entry.path.startsWith(`${path}/`)) continue;
      fault("R11", `${entry.type} at seq ${entry.seq} comes after ${path} was cancelled at seq ${seq}`);
    }
  }
  for (const path of known.cutOff) {
    if (!cut.has(path)) fault("R11", `the cancel of ${path} was acknowledged and is not in the journal`);
  }
}

/** What waits for a time waits for it, and is done or ended after it. */
function assertTimes({ entries, fault }: Audited): void {
  let startAt = 0;
  const delayed = new Map<string, number>();
  const retried = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type === "run.started") startAt = entry.body.startAt ?? 0;
    if (entry.type === "model.called" && entry.at < startAt) fault("R11", `${entry.path} began before its time`);
    if (entry.type === "handoff.delayed") delayed.set(entry.body.edge, entry.body.dueAt);
    if (entry.type === "step.retried") retried.set(entry.body.step, entry.body.dueAt);
    if (isTry(entry)) {
      const dueAt = retried.get(entry.path);
      if (dueAt !== undefined && entry.at < dueAt) fault("R11", `${entry.path} was tried again before its time`);
      retried.delete(entry.path);
    }
    if (entry.type === "handoff.delivered") {
      const dueAt = delayed.get(entry.body.edge);
      if (dueAt !== undefined && entry.at < dueAt) fault("R11", `${entry.path} was delivered before its time`);
      delayed.delete(entry.body.edge);
    }
    // A run that ended as it should has done all that it put off.
    if (endOf(entry.type) === "completed" && delayed.size + retried.size > 0) {
      const left = [...delayed.keys(), ...retried.keys()];
      if (left.some((path) => !entries.some((one) => closes(one, path)))) {
        fault("R11", `${left.join(", ")} waited for a time and was never taken up`);
      }
    }
  }
}

function isTry(entry: Entry): boolean {
  return entry.type === "model.called" || entry.type === "tool.called";
}

function closes(entry: Entry, path: string): boolean {
  const ended = ["tool.denied", "effect.settled", "agent.failed", "handoff.returned"].includes(entry.type);
  return ended && (path === entry.path || path.startsWith(`${entry.path}/`));
}
