import { wholeAmount } from "../budget/spend.ts";
import type { DelegateCommand, DelegationStart, RecallCommand } from "../command.ts";
import { OrchestrationError, ownError, reasonOf } from "../errors.ts";
import type { Cost, DelegationEnd, Entry, InputEvent, Spend } from "../event.ts";
import { openBatch, verifyChain } from "../journal/chain.ts";
import { canonicalJson } from "../json.ts";
import { policyVersion } from "../policy-version.ts";
import type { Engine, RunKey } from "../port/engine.ts";
import type { RunRecord } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import type { Signer } from "../port/signer.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import { regularly } from "../regularly.ts";
import { openBlobs } from "../run/blob.ts";
import { costsOf } from "../run/costs.ts";
import { isEnd } from "../run/empty.ts";
import { lookTimer } from "../run/timers.ts";
import type { Sealing } from "../seal/sealing.ts";
import { type DelegatedStart, delegationText } from "./delegation.ts";
import { type Directory, directory } from "./directory.ts";
import { sealedEvent } from "./sealed.ts";

/**
 * Carries out a run's delegations: begins the specialist's run, sees how it stands, stops it. What came of it is read from
 * its journal, chain and all, and from nobody's word; who says that there is something to see only makes it sooner.
 *
 * S1 Each is the same however often it is carried out: the run has one name, and its journal one end.
 * S2 A refusal says that nothing was done. What may have begun is looked for, until it is there or nobody waits.
 */
export interface DelegationSender {
  readonly delegate: (key: RunKey, command: DelegateCommand, signal: StopSignal) => Promise<InputEvent>;
  readonly recall: (key: RunKey, command: RecallCommand, signal: StopSignal) => Promise<InputEvent>;
}

export interface DelegationSenderOptions {
  readonly engine: Engine;
  /** `supervisor@definitionHash` of whose runs these are. */
  readonly definition: string;
  readonly logger: Logger;
  readonly salt: () => string;
  /** Signs what is delegated; without it specialists that know their callers take nothing. */
  readonly signer?: Signer;
  /** Values are handed over in the clear, and sealed there by the rules of whoever works with them. */
  readonly sealing?: Sealing;
}

/** How long a run that has just begun is watched before its caller parks. */
const restWithinMs = 2_000;
/** How long the last word of a run is waited for that was told to stop. */
const endWithinMs = 10_000;
const retryMsFirst = 100;
const retryMsMax = 5_000;
const hourMs = 3_600_000;

export function delegationSender(options: DelegationSenderOptions): DelegationSender {
  const { engine, definition: own, logger, salt, signer, sealing } = options;
  const { journal, clock } = engine;
  const served: Directory = directory({ journal, now: () => clock.now(), salt });

  const wait = (ms: number, signal: StopSignal) =>
    new Promise<void>((resolve) => {
      const done = () => {
        timer.cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = clock.at(clock.now() + ms, done);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
    });

  /** What is away for a moment is asked again, until it is there or nobody waits any more: nothing then. */
  const persist = async <Answer>(signal: StopSignal, act: () => Promise<Answer>): Promise<Answer | undefined> => {
    for (let ms = retryMsFirst; !signal.aborted; ms = Math.min(ms * 2, retryMsMax)) {
      try {
        return await act();
      } catch (thrown) {
        if (!isPassing(thrown)) throw thrown;
        logger.warn({ reason: reasonOf(thrown) }, "a specialist could not be reached; it is tried again");
        await wait(ms, signal);
      }
    }
    return undefined;
  };

  /** Puts an event into a specialist's run, wherever that is driven. */
  const deliver = async (specialist: string, to: RunKey, definition: string, event: InputEvent): Promise<void> => {
    if (engine.routes || engine.isRegistered(definition)) return engine.deliver(to, definition, event);
    if (!engine.shared) throw new OrchestrationError("specialist/not-served", { specialist });
    // What is left is stored, so nothing of it may be in the clear (R12).
    await served.leave(specialist, to, definition, sealing ? await sealedEvent(sealing, to, event) : event);
  };

  /** Waits until a run rests or has ended, at most so long. */
  const watched = async (
    to: RunKey,
    ms: number,
    signal: StopSignal,
    fits: (record: RunRecord) => boolean,
  ): Promise<void> => {
    const over = new AbortController();
    const stop = () => over.abort();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const look = () => {
      journal.findRun(to.tenant, to.runId).then(
        (record) => {
          if (record && fits(record)) stop();
        },
        () => {}, // The time is bounded; whoever looks next says why.
      );
    };
    const unwatch = engine.watch(to, { batch: look, stopped: look });
    const looking = engine.shared ? regularly(clock, look) : undefined;
    look();
    try {
      await wait(ms, over.signal);
    } finally {
      looking?.cancel();
      unwatch();
      signal.removeEventListener("abort", stop);
    }
  };

  const startOf = async (
    key: RunKey,
    command: DelegateCommand,
    given: DelegationStart,
    definition: string,
  ): Promise<InputEvent<"run.started">> => {
    const { specialist, contract, path, run } = command;
    const { labels, grant, principal, conversationId, budget, tenantBudget, deadlineAt, depth } = given;
    const said = { input: given.input, attributes: given.attributes };
    const { input, attributes } = sealing ? await sealing.handOver(key, said, run) : said;
    const isNear = engine.routes || engine.isRegistered(definition);
    if (!isNear && canonicalJson({ input, attributes }) !== canonicalJson(said)) {
      throw new OrchestrationError("specialist/values-sealed", { specialist });
    }
    const [supervisor = "", definitionHash = ""] = definition.split("@");
    const unsigned: DelegatedStart = {
      supervisor,
      definitionHash,
      input,
      principal,
      labels: { "": labels },
      ...(conversationId === undefined ? {} : { conversationId }),
      ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
      delegation: {
        parent: { run: key.runId, path, definition: own },
        specialist,
        contract,
        grant,
        deadlineAt,
        ...(budget === undefined ? {} : { budget: wholeAmount(budget) }),
        ...(tenantBudget === undefined ? {} : { tenantBudget }),
        depth,
      },
      policyVersion,
      format: 1,
    };
    const body = signer ? await signed(unsigned, key.tenant, command, signer) : unsigned;
    return { id: "start", type: "run.started", path: "", body };
  };

  /** How a specialist's run stands, as its journal says. */
  const standing = async (key: RunKey, command: DelegateCommand | RecallCommand, record: RunRecord) => {
    const definition = `${record.supervisor}@${record.definitionHash}`;
    const { id, path, run } = command;
    if (!isEnd(record.status)) {
      const attempt = command.type === "delegate" ? command.attempt : 1;
      // Where it cannot say so itself, its end is looked for more often. Whoever was told of much in a short time, each of
      // which is an attempt as well, waits no longer for what a process that was killed could not tell any more.
      const tells = engine.routes || engine.isRegistered(definition);
      const sinceMs = Math.max(0, clock.now() - record.startedAt);
      const lookAfterMs = tells
        ? Math.min(1_000 * 8 ** (attempt - 1), Math.max(1_000, 7 * sinceMs), 6 * hourMs)
        : Math.min(500 * 2 ** (attempt - 1), Math.max(500, sinceMs), hourMs);
      const waits = record.status === "parked" ? peopleIn(record) : [];
      const body = { command: id, run, definition, lookAfterMs, ...(waits.length === 0 ? {} : { waits }) };
      return { id: `${id}:accepted`, type: "delegation.accepted", path, body } as const;
    }
    const { entries, head, fault } = await readRun(key.tenant, run);
    const handed = async <Value>(value: Value): Promise<Value> =>
      sealing ? sealing.handOver({ tenant: key.tenant, runId: run }, value, key.runId) : value;
    const [first] = entries;
    const started = first?.type === "run.started" ? first.body : undefined;
    const refused = started?.delegation?.refused;
    if (refused) return refusedBy(command, await handed(refused));
    const { parent } = started?.delegation ?? {};
    const isOurs = parent?.run === key.runId && parent.path === path;
    let end = endOf(entries.at(-1));
    if (fault || !end) {
      const reason = fault ? fault.reason : "it has no end";
      const data = { stream: run, seq: fault?.seq ?? head.seq, reason };
      end = { status: "failed", error: new OrchestrationError("journal/broken-chain", data).toRecord() };
    } else if (!isOurs) {
      const { agent: specialist } = command;
      const error = new OrchestrationError("specialist/misdirected", { run, specialist });
      end = { status: "failed", error: error.toRecord() };
    }
    const last = entries.at(-1);
    const carried = last?.type === "run.completed" ? last.body.labels : undefined;
    return {
      id: `${id}:ended`,
      type: "delegation.ended",
      path,
      body: {
        command: id,
        run,
        definition,
        end: await handed(end),
        labels: carried ?? started?.labels[""] ?? [],
        ...spentOf(run, entries),
        seq: head.seq,
        hash: head.hash,
      },
    } as const;
  };

  /** A run's entries, and whether its chain holds. What cannot be read for good is a fault of it. */
  const readRun = async (tenant: string, run: string) => {
    const stream = { tenant, kind: "run", id: run } as const;
    const batches = await journal.read(stream);
    const { head, fault } = verifyChain(batches);
    const entries: Entry[] = [];
    try {
      for (const batch of batches) entries.push(...(await openBlobs(openBatch(batch, run), journal, stream)));
    } catch (thrown) {
      if (!OrchestrationError.is(thrown) || thrown.retryable) throw thrown;
      return { entries, head, fault: { seq: head.seq, reason: thrown.message } };
    }
    return { entries, head, fault };
  };

  const begin = async (key: RunKey, command: DelegateCommand, start: DelegationStart, signal: StopSignal) => {
    const { specialist, contract, run } = command;
    const to = { tenant: key.tenant, runId: run };
    const found = await served.find(specialist);
    if (!found) throw new OrchestrationError("specialist/not-served", { specialist });
    if (found.contract !== contract) {
      const data = { specialist, expected: contract, served: found.contract };
      throw new OrchestrationError("specialist/contract-mismatch", data);
    }
    try {
      await deliver(specialist, to, found.definition, await startOf(key, command, start, found.definition));
    } catch (thrown) {
      if (OrchestrationError.is(thrown, "definition/unknown")) {
        throw new OrchestrationError("specialist/not-served", { specialist }, { cause: thrown });
      }
      // Somebody else has begun it at the same moment, or it is the one that is there.
      if (!OrchestrationError.is(thrown, "journal/conflict")) throw thrown;
    }
    await watched(to, restWithinMs, signal, ({ status }) => status !== "running");
    return found.definition;
  };

  return {
    delegate: async (key, command, signal) => {
      const { id, path, run, start, attempt } = command;
      const find = () => journal.findRun(key.tenant, run);
      /** What can be said where nobody waits for more: that it may have begun. Its owner may be away for long. */
      const unknown = (definition = ""): InputEvent => ({
        id: `${id}:accepted`,
        type: "delegation.accepted",
        path,
        body: { command: id, run, definition, lookAfterMs: Math.min(1_000 * 2 ** (attempt - 1), hourMs) },
      });
      try {
        const said = await persist(signal, async () => {
          const known = await find();
          if (known) return standing(key, command, known);
          if (!start) return unknown();
          const definition = await begin(key, command, start, signal);
          const record = await find();
          return record ? standing(key, command, record) : unknown(definition);
        });
        return said ?? unknown();
      } catch (thrown) {
        return refusedBy(command, recordOf(thrown));
      }
    },
    recall: async (key, command, signal) => {
      const { id, path, run, specialist, reason } = command;
      const to = { tenant: key.tenant, runId: run };
      const over = new AbortController();
      const stop = () => over.abort();
      signal.addEventListener("abort", stop, { once: true });
      const timer = clock.at(clock.now() + 3 * endWithinMs, stop);
      try {
        const said = await persist(over.signal, async () => {
          const record = await journal.findRun(to.tenant, run);
          if (record && isEnd(record.status)) return standing(key, command, record);
          const definition = record && `${record.supervisor}@${record.definitionHash}`;
          const at = definition ?? (await served.find(specialist))?.definition;
          const nothing = () =>
            refusedBy(command, new OrchestrationError("agent/cancelled", { agent: command.agent, reason }));
          if (at === undefined) return nothing();
          const principal = { id: own, kind: "service", roles: [], authenticated: false } as const;
          const event = { id, type: "cancel.requested", path: "", body: { reason, principal } } as const;
          await deliver(specialist, to, at, event);
          // Where events are acknowledged in the order in which they came, a start before this one has begun it by now (S2).
          if (!record && engine.routes && !(await journal.findRun(to.tenant, run))) return nothing();
          await watched(to, endWithinMs, over.signal, ({ status }) => isEnd(status));
          const now = await journal.findRun(to.tenant, run);
          return now && isEnd(now.status) ? standing(key, command, now) : undefined;
        });
        if (said) return said;
      } catch (thrown) {
        logger.error({ runId: run, reason: reasonOf(thrown) }, "a specialist's run could not be stopped");
      } finally {
        timer.cancel();
        signal.removeEventListener("abort", stop);
      }
      return { id: `${id}:recalled`, type: "delegation.recalled", path, body: { command: id, run } };
    },
  };
}

/** What a run waits for of people. */
function peopleIn({ waits = [] }: RunRecord) {
  return waits.filter((wait) => wait !== "timer");
}

/**
 * Tells whoever waits for a specialist's run that it has ended, or waits for people. It only makes sooner what a look would
 * find, so nobody waits for it, and what keeps it from being said is no failure.
 */
export function standingTeller(engine: Engine, logger: Logger): (run: RunKey) => Promise<void> {
  return async ({ tenant, runId }) => {
    try {
      const record = await engine.journal.findRun(tenant, runId);
      // That it waits for people, who waits for it should know too: it shows so in its own record.
      if (!record || !(isEnd(record.status) || (record.status === "parked" && peopleIn(record).length > 0))) return;
      const [batch] = await engine.journal.read({ tenant, kind: "run", id: runId }, 1, 1);
      const stream = { tenant, kind: "run", id: runId } as const;
      const [first] = batch ? await openBlobs(openBatch(batch, runId), engine.journal, stream) : [];
      const parent = first?.type === "run.started" ? first.body.delegation?.parent : undefined;
      if (!parent || parent.run === "") return;
      if (!engine.routes && !engine.isRegistered(parent.definition)) return;
      const timer = lookTimer(parent.path);
      const event = {
        id: `${runId}:${record.lastSeq}`,
        type: "timer.fired",
        path: parent.path,
        body: { timer },
      } as const;
      await engine.deliver({ tenant, runId: parent.run }, parent.definition, event);
    } catch (thrown) {
      logger.info({ runId, reason: reasonOf(thrown) }, "who waits for a specialist's run was not told how it stands");
    }
  };
}

async function signed(
  body: DelegatedStart,
  tenant: string,
  { run, specialist }: DelegateCommand,
  signer: Signer,
): Promise<DelegatedStart> {
  try {
    const value = await signer.sign(delegationText({ tenant, run }, body));
    return { ...body, delegation: { ...body.delegation, signature: { keyId: signer.keyId, value } } };
  } catch (thrown) {
    const data = { specialist, reason: reasonOf(thrown) };
    throw new OrchestrationError("specialist/not-signed", data, { cause: thrown });
  }
}

function refusedBy(
  { id, path }: DelegateCommand | RecallCommand,
  error: OrchestrationError | ReturnType<OrchestrationError["toRecord"]>,
): InputEvent<"delegation.refused"> {
  const record = error instanceof Error ? error.toRecord() : error;
  return { id: `${id}:refused`, type: "delegation.refused", path, body: { command: id, error: record } };
}

function recordOf(thrown: unknown) {
  return ownError(thrown).toRecord();
}

/**
 * True for what is away now and may be there in a moment. After all but a definite no a start may have been taken, so that is
 * sent again until it is known (S2).
 */
function isPassing(thrown: unknown): boolean {
  return !OrchestrationError.is(thrown) || !/^(specialist|definition|contract|policy|engine\/closed)/.test(thrown.code);
}

function endOf(last: Entry | undefined): DelegationEnd | undefined {
  switch (last?.type) {
    case "run.completed":
      return { status: "completed", output: last.body.output };
    case "run.denied":
    case "run.escalated": {
      const { reason, packet } = last.body;
      return { status: last.type === "run.denied" ? "denied" : "escalated", reason, packet };
    }
    case "run.failed":
      return { status: "failed", error: last.body.error };
    case "run.cancelled":
      return { status: "cancelled", reason: last.body.reason };
    default:
      return undefined;
  }
}

/** What the run's calls have cost, as well as that is known. */
function spentOf(run: string, entries: readonly Entry[]): { readonly spent: Spend; readonly basis: Cost["basis"] } {
  const { microUsd, tokens, byBasis } = costsOf(run, entries).total;
  const basis = byBasis.reserved > 0 ? "reserved" : byBasis.estimated > 0 ? "estimated" : "reported";
  return { spent: { microUsd, tokens }, basis };
}
