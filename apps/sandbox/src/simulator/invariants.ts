import {
  canonicalJson,
  type Entry,
  type Journal,
  linesOf,
  localEngine,
  type Model,
  parseWith,
  runSupervisor,
  type SupervisorDefinition,
  silentLogger,
  verifyChain,
} from "@remit/core";
import { endOf } from "./history.ts";
import { type KnownRun, tenant } from "./people.ts";
import type { Store } from "./store.ts";
import { agentNamed } from "./team.ts";
import type { Violations } from "./violation.ts";
import type { World } from "./world.ts";

export interface Evidence {
  readonly store: Store;
  readonly world: World;
  readonly definition: SupervisorDefinition;
  readonly runs: readonly KnownRun[];
  readonly violations: Violations;
}

/** Holds the promises against the journal and the ledger, after everything has come to rest. Gives each run's hash. */
export async function assertPromises(evidence: Evidence): Promise<readonly string[]> {
  const { store, definition, violations } = evidence;
  const { journal } = store;
  // Replay is offline: this engine has no clock that moves and its model can only refuse.
  const clock = { now: () => 0, at: () => ({ cancel: () => {} }) };
  const engine = localEngine({ name: "audit", journal, clock, logger: silentLogger });
  const model: Model = {
    id: "none",
    cost: "zero",
    generate: () => {
      throw new Error("an audit asks no model");
    },
  };
  const supervisor = runSupervisor(definition, { engine, models: { m: model } } as never);
  await acknowledgedStands(store, violations);
  const hashes: string[] = [];
  const ids = new Set(evidence.runs.map(({ id }) => id));
  for (const id of await journal.listStreams(tenant, "run")) {
    if (!ids.has(id)) violations.add("R11", "one start made two runs");
  }
  for (const known of evidence.runs) {
    const report = await supervisor.replay(known.id, { tenant });
    if (!report.ok) {
      const promise = report.fault?.kind === "chain" ? "R1" : "R13";
      violations.add(promise, `seq ${report.fault?.seq}: ${report.fault?.reason}`);
    }
    hashes.push(`${known.id} ${report.journalHash}`);
    const record = await journal.findRun(tenant, known.id);
    if (record?.status !== report.status || record.lastSeq !== report.entries) {
      violations.add(
        "R1",
        `the index says ${record?.status} at ${record?.lastSeq}, the journal ${report.status} at ${report.entries}`,
      );
    }
    const run = await supervisor.find(known.id, { tenant });
    let entries: readonly Entry[];
    try {
      entries = await run.entries();
    } catch (thrown) {
      violations.add("R1", `the run cannot be read: ${String(thrown)}`);
      continue;
    }
    assertRun(entries, known, evidence);
  }
  return hashes;
}

/** R1: what somebody was told is durable is there, unchanged. */
async function acknowledgedStands({ journal, acknowledged }: Store, violations: Violations): Promise<void> {
  const lines = new Map<string, readonly string[]>();
  for (const { key, batch } of acknowledged) {
    const name = `${key.tenant}/${key.kind}/${key.id}`;
    let hashes = lines.get(name);
    if (!hashes) {
      hashes = await hashesOf(journal, key);
      lines.set(name, hashes);
    }
    if (hashes[batch.lastSeq - 1] !== batch.hash) {
      violations.add("R1", `entry ${batch.lastSeq} of a ${key.kind} stream was acknowledged and is not there`);
    }
  }
}

async function hashesOf(journal: Journal, key: Parameters<Journal["read"]>[0]): Promise<string[]> {
  const batches = await journal.read(key);
  verifyChain(batches);
  return batches.flatMap((batch) => linesOf(batch).map(({ hash }) => hash));
}

function assertRun(entries: readonly Entry[], known: KnownRun, { world, definition, violations }: Evidence): void {
  const fault = (promise: string, reason: string) => violations.add(promise, reason);
  if (entries.some(({ seq }, index) => seq !== index + 1)) fault("R1", "entries are not counted from 1 without a gap");

  // R11: one end, the last entry; one result for each call.
  const ends = entries.filter(({ type }) => endOf(type));
  if (ends.length !== 1 || ends[0] !== entries.at(-1))
    fault("R11", `${ends.length} ends, the last entry is ${entries.at(-1)?.type}`);
  const called = new Set<string>();
  const results = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "tool.called") called.add(entry.body.command);
    if (entry.type !== "tool.returned" && entry.type !== "tool.failed") continue;
    const { command } = entry.body;
    if (!called.has(command)) fault("R11", `${command} has a result and was never called`);
    if (results.has(command)) fault("R11", `${command} has two results`);
    results.add(command);
    const output = entry.type === "tool.returned" ? entry.body.output : undefined;
    const ref = (output as { ref?: unknown } | undefined)?.ref;
    if (output !== undefined && ref !== entry.path)
      fault("R5", `the result of ${entry.path} is the answer to ${String(ref)}`);
  }

  // R4: what reached the world was in its agent's allowlist, and asked for by that agent.
  const callers = new Map<string, string>();
  for (const entry of entries) if (entry.type === "tool.called") callers.set(entry.path, entry.body.agent);
  for (const { run, path, agent, tool } of world.calls) {
    if (run !== known.id) continue;
    const caller = callers.get(path) ?? agent;
    if (caller !== agent) fault("R4", `${path} was asked for by ${caller} and made as ${agent}`);
    if (!agentNamed(definition, agent)?.tools.some(({ name }) => name === tool)) fault("R4", `${agent} called ${tool}`);
  }

  // R5: what was delivered fits the receiver's contract, and is all that its model was shown.
  const payloads = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type !== "handoff.delivered") continue;
    payloads.set(entry.path, canonicalJson(entry.body.payload));
    const agent = agentNamed(definition, entry.body.agent);
    if (!agent || !parseWith(agent.input, entry.body.payload).ok) {
      fault("R5", `${entry.body.agent} was given what its contract has not`);
    }
  }
  for (const { run, path, input } of world.asked) {
    if (run === known.id && payloads.get(path) !== input)
      fault("R5", `a model was shown at ${path} what was not delivered there`);
  }

  // R11: the team's bounds.
  const steps = entries.filter(
    (entry) => entry.type === "model.called" || (entry.type === "tool.called" && entry.body.attempt === 1),
  ).length;
  if (steps > definition.limits.steps)
    fault("R11", `${steps} steps, more than the limit of ${definition.limits.steps}`);
  if (known.watched.some((type, index) => type !== entries[index]?.type)) {
    fault("R1", "a watcher was shown something else than the journal holds");
  }
  assertEffects(entries, known, world, fault);
  assertCancel(entries, known, fault);
  const keys = entries.flatMap((entry) => (entry.type === "input.received" ? [entry.body.key] : []));
  const answers = new Set(keys);
  if (answers.size !== keys.length) fault("R11", "one answer was taken twice");
  for (const key of known.answered)
    if (!answers.has(key)) fault("R1", "an answer was acknowledged and is not in the journal");
}

/** R7: one effect per intent; what the journal says of each is what the ledger says. */
function assertEffects(
  entries: readonly Entry[],
  known: KnownRun,
  world: World,
  fault: (promise: string, reason: string) => void,
): void {
  const outcomes = new Map<string, string>();
  const tools = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type === "effect.intended") tools.set(entry.body.effect, entry.body.tool);
    if (entry.type === "effect.settled") {
      if (outcomes.get(entry.body.effect)?.startsWith("settled")) fault("R7", `${entry.body.effect} was settled twice`);
      outcomes.set(entry.body.effect, `settled as ${entry.body.outcome}`);
    }
    if (entry.type === "effect.uncertain" && entry.body.next === "person") outcomes.set(entry.body.effect, "uncertain");
  }
  const attempts = new Set<string>();
  for (const { run, path, kind, attempt } of world.calls) {
    if (run !== known.id || kind === "read") continue;
    if (!tools.has(path)) fault("R7", `${path} was called and its intent is not in the journal`);
    if (attempts.has(`${path} ${attempt}`)) fault("R7", `attempt ${attempt} of ${path} was made twice`);
    attempts.add(`${path} ${attempt}`);
  }
  for (const [effect, tool] of tools) {
    const times = world.effectsOf(known.id, effect);
    const outcome = outcomes.get(effect);
    if (times > 1) fault("R7", `${effect} (${tool}) took effect ${times} times`);
    if (!outcome) fault("R7", `${effect} (${tool}) has no outcome`);
    if (known.decided.has(effect)) continue; // A person may be wrong; the framework may not.
    if (outcome === "settled as done" && times === 0)
      fault("R7", `${effect} (${tool}) is settled as done and never happened`);
    if (outcome?.startsWith("settled") && outcome !== "settled as done" && times > 0) {
      fault("R7", `${effect} (${tool}) is ${outcome} and happened`);
    }
  }
}

const dispatches: ReadonlySet<string> = new Set([
  "effect.intended",
  "tool.called",
  "model.called",
  "effect.dispatched",
]);

/** R11: nothing is dispatched after a cancel, and an acknowledged cancel is one. */
function assertCancel(
  entries: readonly Entry[],
  known: KnownRun,
  fault: (promise: string, reason: string) => void,
): void {
  const requested = entries.find(({ type }) => type === "cancel.requested")?.seq;
  const from = requested ?? known.cancelledAt;
  if (from === undefined) return;
  const after = entries.find(({ seq, type }) => seq > from && dispatches.has(type));
  if (!after) return;
  const what = requested === undefined ? "an acknowledged cancel that is not in the journal" : "the cancel";
  fault("R11", `${after.type} at seq ${after.seq} comes after ${what}`);
}
