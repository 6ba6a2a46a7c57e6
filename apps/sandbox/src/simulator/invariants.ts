import {
  canonicalJson,
  completenessOf,
  type Entry,
  type Journal,
  localEngine,
  type Model,
  memoryJournal,
  parseWith,
  runSupervisor,
  type StreamKey,
  type Supervisor,
  type SupervisorDefinition,
  silentLogger,
} from "@remit/core";
import { assertApprovals } from "./approved.ts";
import { assertBounds } from "./bounds.ts";
import { assertBudgets, assertSpent } from "./budgets.ts";
import { assertEnds } from "./ends.ts";
import type { Audited, Evidence } from "./evidence.ts";
import { endOf } from "./history.ts";
import type { KnownRun } from "./people.ts";
import { tenants } from "./persons.ts";
import { assertProven } from "./proof.ts";
import { assertRules } from "./ruled.ts";
import { assertDelegations } from "./specialist.ts";
import { guardHolds, instructionsOf } from "./specs.ts";
import type { Store } from "./store.ts";
import { agentNamed, payload, sideKind } from "./team.ts";
import type { Violations } from "./violation.ts";
import type { World } from "./world.ts";

/** Holds the promises against the journal and the ledger, after everything has come to rest. Gives each run's hash. */
export async function assertPromises(evidence: Evidence): Promise<readonly string[]> {
  const { store, definitions, violations, people, history } = evidence;
  const journal = store.audited(({ kind }, { firstSeq }) =>
    violations.add(
      "R1",
      `whoever read entry ${firstSeq} of a ${kind} stream, or one behind it, has changed it for others`,
    ),
  );
  const { specialist } = evidence;
  /** A specialist's runs are held against what their owner has said, all others against the team's. */
  const besides: Evidence = specialist ? { ...evidence, definitions: [specialist] } : evidence;
  const evidenceOf = (known: KnownRun) => (known.side === "specialist" ? besides : evidence);
  const auditors = new Map(
    [...definitions, ...(specialist ? [specialist] : [])].map((one) => [one.hash, auditor(journal, one)]),
  );
  await acknowledgedStands(journal, store, violations);
  const hashes: string[] = [];
  const all: Audited[] = [];
  for (const { runId } of history.runs.values()) {
    if (!people.runs.has(runId)) violations.add("R11", "one start made two runs");
  }
  const settled = new Map<string, { microUsd: number; tokens: number }>();
  for (const known of people.runs.values()) {
    const { definition } = history.run(known.id);
    const supervisor = auditors.get(definition);
    const own = evidenceOf(known);
    if (!supervisor) {
      violations.add("R13", `a run is pinned to ${definition}, which nobody knows`);
      continue;
    }
    const report = await supervisor.replay(known.id, { tenant: known.tenant });
    if (!report.ok) {
      const promise = report.fault?.kind === "chain" ? "R1" : "R13";
      violations.add(promise, `seq ${report.fault?.seq}: ${report.fault?.reason}`);
    }
    hashes.push(`${known.id} ${report.journalHash}`);
    const record = await journal.findRun(known.tenant, known.id);
    if (record?.status !== report.status || record.lastSeq !== report.entries) {
      violations.add(
        "R1",
        `the index says ${record?.status} at ${record?.lastSeq}, the journal ${report.status} at ${report.entries}`,
      );
    }
    let entries: readonly Entry[];
    try {
      entries = await (await supervisor.find(known.id, { tenant: known.tenant })).entries();
    } catch (thrown) {
      violations.add("R1", `the run cannot be read: ${String(thrown)}`);
      continue;
    }
    const { journalHash: hash } = report;
    const audited = {
      entries,
      known,
      hash,
      fault: (promise: string, reason: string) => violations.add(promise, reason),
    };
    await replayBefore(audited, evidence, journal);
    assertRun(audited, own);
    assertVersion(audited, own);
    assertEffects(audited, evidence.world);
    assertEnds(audited, evidence);
    all.push(audited);
    assertApprovals(audited, evidence);
    assertRules(audited, own);
    await assertProven(audited, evidence, journal);
    const spent = assertSpent(audited, evidence, record?.microUsd);
    if (spent) settled.set(known.id, spent);
  }
  const byRun = new Map(all.map((audited) => [audited.known.id, audited]));
  for (const audited of all) {
    assertBounds(audited, evidenceOf(audited.known), byRun);
    assertDelegations(audited, evidence, byRun);
  }
  for (const tenant of tenants) await assertBudgets(tenant, settled, evidence, journal);
  // What is missing follows from what is broken, and says less of it: it is asked for last.
  if (violations.list.length === 0) for (const audited of all) assertComplete(audited);
  return hashes;
}

/** Audit: each entry that a run must have is there (M1–M5 of completeness). */
function assertComplete({ entries, fault }: Audited): void {
  const [first] = completenessOf(entries).missing;
  if (first) fault("M1–M5", `entry ${first.seq} at ${first.path || "the root"} misses ${first.wants}`);
}

/** Replay is offline: this engine has no clock that moves and its model can only refuse. */
function auditor(journal: Journal, definition: SupervisorDefinition): Supervisor {
  const clock = { now: () => 0, at: () => ({ cancel: () => {} }) };
  const engine = localEngine({ name: "audit", journal, clock, logger: silentLogger });
  const model: Model = {
    id: "none",
    cost: "zero",
    generate: () => {
      throw new Error("an audit asks no model");
    },
  };
  const principals = { current: () => ({ id: "audit", kind: "service", roles: [], authenticated: false }) as const };
  return runSupervisor(definition, { engine, models: { m: model }, principals, check: "done" } as never) as Supervisor;
}

/** What a run was before it was migrated, its first definition decided; that one replays it. */
async function replayBefore(
  { entries, known, fault }: Audited,
  { definitions }: Evidence,
  journal: Journal,
): Promise<void> {
  const migrated = entries.find(({ type }) => type === "run.migrated");
  const [first] = entries;
  if (!migrated || first?.type !== "run.started") return;
  const definition = definitions.find(({ hash }) => hash === first.body.definitionHash);
  const key: StreamKey = { tenant: known.tenant, kind: "run", id: known.id };
  const tenantKey = await journal.tenantKey(known.tenant);
  const before = memoryJournal({ newKey: () => tenantKey });
  for (const batch of await journal.read(key)) {
    if (batch.lastSeq >= migrated.seq) break;
    await before.append(key, batch, batch.firstSeq - 1, {
      tenant: known.tenant,
      runId: known.id,
      supervisor: first.body.supervisor,
      definitionHash: first.body.definitionHash,
      status: "running",
      startedAt: first.at,
      updatedAt: first.at,
      lastSeq: batch.lastSeq,
    });
  }
  const { getBlob } = journal;
  const report = definition && (await auditor({ ...before, getBlob }, definition).replay(known.id, known));
  if (!report?.ok) fault("R13", `before its migration, seq ${report?.fault?.seq}: ${report?.fault?.reason}`);
}

/** D4: a run goes by the definition in its journal: what its models are told, and which edges its guards choose. */
function assertVersion({ entries, known, fault }: Audited, { seed, definitions, world }: Evidence): void {
  const versionOf = (hash: string) => definitions.findIndex((one) => one.hash === hash);
  for (const { run, path, definitions: own, instructions } of world.asked) {
    if (run === known.id && !own.some((hash) => instructions === instructionsOf(versionOf(hash)))) {
      fault("D4", `${path} was told "${instructions}", which is not in its definition`);
    }
  }
  let version = 0;
  const last = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type === "run.started") version = versionOf(entry.body.definitionHash);
    if (entry.type === "run.migrated") version = versionOf(entry.body.to);
    if (entry.type === "handoff.returned") last.set(entry.body.agent, Number((entry.body.output as { n?: number }).n));
    if (entry.type !== "edge.chosen") continue;
    const { from, edge } = entry.body;
    const [, team = "", index = ""] = /^(.*)_(\d+)$/.exec(from) ?? [];
    const kind = sideKind(seed, team, Number(index));
    const n = last.get(from);
    if (n === undefined || kind === "bad-guard" || kind === "none") continue;
    const holds = guardHolds(version, Number(index), n);
    if (edge === `${from}-first` && !holds)
      fault("D4", `${edge} was taken with ${n}, against the guard of its version`);
    if (edge === `${from}-on` && holds && (kind === "guard" || kind === "later")) {
      fault("D4", `${edge} was taken with ${n}, though the guard of its version held`);
    }
  }
}

/** R1: what somebody was told is durable is there, unchanged. */
async function acknowledgedStands(journal: Journal, { acknowledged }: Store, violations: Violations): Promise<void> {
  const hashes = new Map<string, ReadonlyMap<number, string>>();
  // A process may still be at what it notes for itself while the audit reads.
  for (const { key, batch } of [...acknowledged]) {
    const name = `${key.tenant}/${key.kind}/${key.id}`;
    let ofStream = hashes.get(name);
    if (!ofStream) {
      ofStream = new Map((await journal.read(key)).map(({ lastSeq, hash }) => [lastSeq, hash]));
      hashes.set(name, ofStream);
    }
    if (ofStream.get(batch.lastSeq) !== batch.hash) {
      violations.add("R1", `entry ${batch.lastSeq} of a ${key.kind} stream was acknowledged and is not there`);
    }
  }
}

function assertRun({ entries, known, fault }: Audited, { world, definitions }: Evidence): void {
  const [definition] = definitions as readonly [SupervisorDefinition];
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
    const allowed = agent === "compensation" ? tool === "undo_it" : isHeld(definition, agent, tool);
    if (!allowed) fault("R4", `${agent} called ${tool}`);
  }

  // R5: what was delivered fits the receiver's contract, and is all that its model was shown.
  const payloads = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type !== "handoff.delivered") continue;
    payloads.set(entry.path, canonicalJson(entry.body.payload));
    const { judges } = entry.body;
    const contract = judges === undefined ? payload : agentNamed(definition, entry.body.agent)?.input;
    if (!contract || !parseWith(contract, entry.body.payload).ok) {
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
  assertLabels(entries, fault);
  assertQuestions(entries, fault);
  const keys = entries.flatMap((entry) => (entry.type === "input.received" ? [entry.body.key] : []));
  const answers = new Set(keys);
  if (answers.size !== keys.length) fault("R11", "one answer was taken twice");
  for (const key of known.answered)
    if (!answers.has(key)) fault("R1", "an answer was acknowledged and is not in the journal");
}

/** R9: an answer carries the label of its tool, and what waits for a person shows what its run has read. */
function assertLabels(entries: readonly Entry[], fault: Audited["fault"]): void {
  const tools = new Map<string, string>();
  const read = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "run.started") for (const label of entry.body.labels[""] ?? []) read.add(label);
    if (entry.type === "tool.called") tools.set(entry.body.command, entry.body.tool);
    if (entry.type === "tool.returned") {
      const label = `tool:${tools.get(entry.body.command)}`;
      if (!entry.body.labels[""]?.includes(label))
        fault("R9", `the answer of ${entry.body.command} has lost its label`);
    }
    if (entry.type === "handoff.delivered") {
      for (const label of entry.body.labels[""] ?? []) read.add(label);
    }
    if (entry.type !== "approval.requested") continue;
    for (const label of read) {
      if (!entry.body.labels.includes(label)) fault("R9", `${entry.body.effect} waits without the label ${label}`);
    }
  }
}

function isHeld(definition: SupervisorDefinition, agent: string, tool: string): boolean {
  return agentNamed(definition, agent)?.tools.some(({ name }) => name === tool) ?? false;
}

/** R11: each question of a tool is closed once, and one answer of a person is given to no other question. */
function assertQuestions(entries: readonly Entry[], fault: Audited["fault"]): void {
  const open = new Set<string>();
  const hashes = new Map<string, string>();
  const answered = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type === "question.asked") {
      const { command, question, hash } = entry.body;
      open.add(`${command} ${question}`);
      hashes.set(question, hash);
    }
    if (entry.type !== "question.closed") continue;
    const { command, question, outcome } = entry.body;
    if (!open.delete(`${command} ${question}`)) fault("R11", `${question} was closed and not open`);
    const hash = hashes.get(question) ?? "";
    if (outcome === "answered") answered.set(question, hash);
    if (outcome === "recalled" && answered.get(question) !== hash) {
      fault("R8", `${question} was told what nobody had answered`);
    }
  }
  for (const question of open) fault("R11", `${question} was asked and never closed`);
}

/** R7: one effect per intent; what the journal says of each is what the ledger says. */
function assertEffects({ entries, known, fault }: Audited, world: World): void {
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
