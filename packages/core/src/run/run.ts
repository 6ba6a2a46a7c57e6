import type { z } from "zod";
import type { Audience } from "../agent.ts";
import type { AnswerDelta, AnswerRetracted, Deltas } from "../answer/deltas.ts";
import { spoken } from "../answer/spoken.ts";
import { type ApprovalCase, openCasesOf } from "../approval/open-cases.ts";
import type { ErrorRecord } from "../errors.ts";
import { OrchestrationError } from "../errors.ts";
import { type EndStatus, type Entry, endStatusOf, type InputEvent, type RunStatus } from "../event.ts";
import type { IdSource } from "../ids.ts";
import { openBatch } from "../journal/chain.ts";
import { searchable, UnsealedBatch } from "../journal/unsealed.ts";
import { canonicalJson, type Json, plainJson } from "../json.ts";
import type { Mark } from "../label/marks.ts";
import type { AssertOperator } from "../policy/operators.ts";
import type { Engine, RunKey } from "../port/engine.ts";
import type { Batch, RunRecord, StreamKey } from "../port/journal.ts";
import { type Principal, type PrincipalSource, plainPrincipal } from "../principal.ts";
import { regularly } from "../regularly.ts";
import { type Issue, parseWith } from "../schema.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import type { AnyTool } from "../tool.ts";
import { openBlobs } from "./blob.ts";
import { costTypes, microUsdOf } from "./costs.ts";
import { type EffectRecord, effectsOf } from "./effects.ts";
import { type PlacedQuestion, questionsElsewhere } from "./elsewhere.ts";

interface CommonResult {
  readonly runId: string;
  /** What the run's model calls cost, in millionths of a US dollar. */
  readonly cost: { readonly microUsd: number };
  /** Seq and hash of the last entry: they stand for the whole journal before it. */
  readonly seq: number;
  readonly journalHash: string;
}

/** How a run ended. Exactly one of five (R11). */
export type RunResult<Output = unknown> = CommonResult &
  (
    | {
        readonly status: "completed";
        readonly output: Output;
        /** Values of the output that rest on foreign text alone, or on nobody's word; absent: there are none. */
        readonly marks?: readonly Mark[];
      }
    | { readonly status: "denied" | "escalated"; readonly reason: string; readonly by: string; readonly packet: Json }
    | {
        readonly status: "failed";
        readonly error: ErrorRecord;
        readonly by: string;
        /** What was done before, and what of it can be undone (`supervisor.compensate`). */
        readonly effects: readonly EffectRecord[];
      }
    | {
        readonly status: "cancelled";
        readonly reason: string;
        readonly openEffects: readonly string[];
        readonly effects: readonly EffectRecord[];
      }
  );

/** A question that a parked run has put to somebody, or that a specialist elsewhere has which works for it. */
export interface OpenQuestion {
  /** Under the path of whoever was asked, where that is a specialist. */
  readonly ask: string;
  readonly of: Audience;
  /** The agent that asked. */
  readonly by: string;
  readonly question: string;
}

/** A write whose outcome nobody knows. */
export interface UncertainEffect {
  readonly effect: string;
  readonly tool: string;
}

export interface EventsOptions {
  readonly fromSeq?: number;
  readonly signal?: AbortSignal;
}

/** With `deltas`, what agents say comes between the entries: words of runs that this process drives as they come (D9). */
export interface RunEvents {
  (options?: EventsOptions & { readonly deltas?: false }): AsyncIterable<Entry>;
  (options: EventsOptions & { readonly deltas: true }): AsyncIterable<Entry | AnswerDelta | AnswerRetracted>;
}

/** One run, held by its key. Holding it costs nothing and keeps nothing alive. */
export interface Run<Output = unknown> {
  readonly id: string;
  readonly tenant: string;
  /**
   * Resolves at the end, also when another process drives the run to it. Rejects when driving stops here with an error
   * that is not a lost race; the run can be resumed then.
   */
  readonly result: () => Promise<RunResult<Output>>;
  readonly status: () => Promise<RunStatus>;
  /**
   * Durable entries from `fromSeq` (1 when absent) on, then live ones, each exactly once and in order; ends after the
   * run's end. Breaking off and asking again with the next seq resumes.
   */
  readonly events: RunEvents;
  /** Durable entries as they stand. */
  readonly entries: () => Promise<readonly Entry[]>;
  readonly questions: () => Promise<readonly OpenQuestion[]>;
  /** Writes of this run that wait for a person's approval; they are decided on through `supervisor.approvals`. */
  readonly approvals: () => Promise<readonly ApprovalCase[]>;
  /** Every write that the run proposed or made, what became of it, and how it can be undone. */
  readonly effects: () => Promise<readonly EffectRecord[]>;
  /** Resolves when the run has ended or waits for a person; what waits for a time alone goes on by itself. */
  readonly settled: () => Promise<RunStatus>;
  /**
   * Answers the question `ask`, or the oldest open one. Resolves when the answer is durable. The same `key` twice is one
   * answer.
   * @throws OrchestrationError `run/not-waiting`, `run/answer-invalid`, `run/already-ended`
   */
  readonly send: (
    answer: Json,
    options?: { readonly key?: string; readonly ask?: string; readonly principal?: Principal },
  ) => Promise<void>;
  /**
   * Stops what follows: nothing is dispatched after it; writes under way get the signal and are settled, or said to be
   * unknown. A second one changes nothing. With `subtree`, the path of one agent instance, only that and what works for
   * it is stopped; its supervisor goes on as after any failure.
   * @throws OrchestrationError `run/already-ended`, `run/subtree-unknown`
   */
  readonly cancel: (
    reason: string,
    options?: { readonly principal?: Principal; readonly subtree?: string },
  ) => Promise<void>;
  readonly uncertain: () => Promise<readonly UncertainEffect[]>;
  /**
   * Says what became of an uncertain write; the agent gets `output` as its result.
   * @throws OrchestrationError `run/not-waiting`, `run/already-ended`, `tool/output-invalid`
   */
  readonly settle: (
    effect: string,
    decision: {
      readonly outcome: "happened" | "never";
      readonly output?: Json;
      readonly reason: string;
      readonly principal?: Principal;
    },
  ) => Promise<void>;
}

/** What a handle's functions work with. They stand beside it, because a handle is in memory as long as somebody waits. */
interface Held {
  readonly key: RunKey;
  readonly stream: StreamKey;
  readonly engine: Engine;
  readonly principals: PrincipalSource;
  readonly sealing: Sealing | undefined;
  /** Puts an event into the run, or into one of a specialist that works for it. */
  readonly deliver: (record: RunRecord, event: InputEvent) => Promise<void>;
}

export function runHandle<Output>(options: {
  readonly key: RunKey;
  readonly engine: Engine;
  readonly definition: SupervisorDefinition;
  readonly definitionId: string;
  readonly deliver: Held["deliver"];
  readonly principals: PrincipalSource;
  /** Refuses whoever may not do something with runs. */
  readonly may: AssertOperator;
  readonly ids: IdSource;
  readonly deltas: Deltas;
  readonly sealing?: Sealing | undefined;
  /** The run is a specialist's: of its definition nothing is known here. */
  readonly isElsewhere?: true;
}): Run<Output> {
  const { key, engine, definition, principals, may, ids, deltas, sealing } = options;
  const stream = { tenant: key.tenant, kind: "run", id: key.runId } as const;
  const held: Held = { key, stream, engine, principals, sealing, deliver: options.deliver };

  return {
    id: key.runId,
    tenant: key.tenant,
    status: async () => (await record(held)).status,
    settled: async () => {
      const isSettled = ({ status, waits }: RunRecord) =>
        isEnd(status) || (status === "parked" && waits?.join() !== "timer");
      return (await until(held, isSettled)).known.status;
    },
    entries: () => entries(held),
    events: ((eventOptions: EventsOptions & { readonly deltas?: boolean } = {}) => {
      if (!eventOptions.deltas) return durable(held, eventOptions);
      const { signal } = eventOptions;
      return spoken(
        (broken) => durable(held, { ...eventOptions, signal: signal ? AbortSignal.any([signal, broken]) : broken }),
        (hear) => deltas.listen(key, hear),
        deltas.redact,
      );
    }) as RunEvents,
    result: async () => {
      const { known, seen } = await until(held, ({ status }) => isEnd(status));
      // Where the index knows what it has cost, the end alone is read, if it was not seen here.
      const { status, microUsd, lastSeq } = known;
      if (microUsd !== undefined && status !== "failed" && status !== "cancelled") {
        const [last] = seen ? [seen] : await engine.journal.read(stream, lastSeq);
        return revealed(
          held,
          resultOf<Output>(key.runId, last ? await open(held, last) : [], last, definition.tools, microUsd),
        );
      }
      const batches = await engine.journal.read(stream);
      const last = batches.at(-1);
      // Of a long run only the end is read, and what cost something; of one that broke off, what it has done as well.
      const brokeOff = last !== undefined && /"type":"run\.(failed|cancelled)"/.test(searchable(last));
      const only = (batch: Batch) => (brokeOff || batch === last ? undefined : costTypes);
      const all = (await Promise.all(batches.map((batch) => open(held, batch, only(batch))))).flat();
      return revealed(held, resultOf<Output>(key.runId, all, last, definition.tools));
    },
    questions: async () =>
      (await ownQuestions(held, await entries(held))).map(({ ask, of, by, question }) => ({ ask, of, by, question })),
    approvals: async () => openCasesOf(await entries(held), await record(held)),
    effects: async () => effectsOf(await entries(held), definition.tools),
    send: async (answer, { key: sendKey, ask, principal } = {}) => {
      const all = await entries(held);
      if (all.length === 0) await record(held);
      if (sendKey !== undefined && all.some((entry) => entry.type === "input.received" && entry.body.key === sendKey))
        return;
      assertNotEnded(held, all);
      const waiting = await ownQuestions(held, all);
      const question = ask === undefined ? waiting[0] : waiting.find((one) => one.ask === ask);
      if (!question)
        throw new OrchestrationError("run/not-waiting", { run: key.runId, ...(ask === undefined ? {} : { ask }) });
      if (question.run !== key.runId) {
        // It is the specialist's run that waits: the answer is said there.
        const there = runHandle({ ...options, isElsewhere: true, key: { tenant: key.tenant, runId: question.run } });
        const who = principal === undefined ? {} : { principal };
        return there.send(answer, { ask: question.own, ...(sendKey === undefined ? {} : { key: sendKey }), ...who });
      }
      const plain = readAnswer(definition, options.isElsewhere ? [] : all, question, answer);
      const who = plainPrincipal(principal ?? principals.current());
      const answerKey = sendKey ?? ids.id("answer");
      await deliver(held, {
        id: `answer:${answerKey}`,
        type: "input.received",
        path: "",
        body: {
          ask: question.ask,
          answer: plain,
          principal: who,
          labels: { "": [who.kind] },
          key: answerKey,
        },
      });
      // Somebody else may have answered, or ended the run, between our look and our word.
      const taken = (await entries(held)).some(
        (entry) => entry.type === "input.received" && entry.body.key === answerKey,
      );
      if (!taken) throw new OrchestrationError("run/not-waiting", { run: key.runId, ask: question.ask });
    },
    cancel: async (reason, { principal, subtree } = {}) => {
      may("operate", principal);
      const { status } = await record(held);
      if (isEnd(status)) {
        if (status === "cancelled") return;
        throw new OrchestrationError("run/already-ended", { run: key.runId, status });
      }
      await deliver(held, {
        id: `cancel:${ids.id("cancel")}`,
        type: "cancel.requested",
        path: "",
        body: {
          reason,
          principal: plainPrincipal(principal ?? principals.current()),
          ...(subtree === undefined ? {} : { subtree }),
        },
      });
      if (subtree === undefined) return;
      const taken = (await entries(held)).some(
        (entry) => entry.type === "cancel.requested" && entry.body.subtree === subtree,
      );
      if (!taken) throw new OrchestrationError("run/subtree-unknown", { run: key.runId, path: subtree });
    },
    uncertain: async () => uncertainOf(await entries(held)),
    settle: async (effect, { outcome, output, reason, principal }) => {
      may("operate", principal);
      const all = await entries(held);
      assertNotEnded(held, all);
      const waiting = uncertainOf(all).find((one) => one.effect === effect);
      if (!waiting) throw new OrchestrationError("run/not-waiting", { run: key.runId, effect });
      const read = output === undefined ? undefined : readOutput(definition, waiting.tool, output);
      // Sealed here already, so that what is found in the journal can be known again.
      const told = read === undefined || !sealing ? read : await sealing.json(key, read, waiting.tool, "output");
      const body = {
        effect,
        outcome,
        reason: sealing ? await sealing.json(key, reason) : reason,
        principal: plainPrincipal(principal ?? principals.current()),
        ...(told === undefined ? {} : { output: told }),
      };
      await deliver(held, { id: `decision:${ids.id("decision")}`, type: "effect.decided", path: effect, body });
      // Somebody else may have decided between our look and our word.
      const last = (await entries(held)).findLast(
        (entry) => entry.type === "effect.decided" && entry.body.effect === effect,
      );
      if (canonicalJson(last?.body ?? null) !== canonicalJson(body)) {
        throw new OrchestrationError("run/not-waiting", { run: key.runId, effect });
      }
    },
  };
}

async function record({ key, engine }: Held): Promise<RunRecord> {
  const found = await engine.journal.findRun(key.tenant, key.runId);
  if (!found) throw new OrchestrationError("run/unknown", { run: key.runId, tenant: key.tenant });
  return found;
}

/** A run keeps the definition it began with, whichever handle speaks to it. */
async function deliver(held: Held, event: InputEvent): Promise<void> {
  return held.deliver(await record(held), event);
}

function open({ key, engine, stream }: Held, batch: Batch, only?: ReadonlySet<string>): Entry[] | Promise<Entry[]> {
  return openBlobs(openBatch(batch, key.runId, only), engine.journal, stream);
}

async function entries(held: Held): Promise<Entry[]> {
  const all: Entry[] = [];
  for (const batch of await held.engine.journal.read(held.stream)) all.push(...(await open(held, batch)));
  return all;
}

function questionsOf(all: readonly Entry[]): OpenQuestion[] {
  const waiting = new Map<string, OpenQuestion>();
  for (const entry of all) {
    if (entry.type === "input.requested") waiting.set(entry.body.ask, entry.body);
    if (entry.type === "input.received") waiting.delete(entry.body.ask);
    if (endStatusOf(entry.type)) waiting.clear();
  }
  return [...waiting.values()];
}

/** Questions of the run itself, then those of specialists that work for it elsewhere. */
async function ownQuestions({ key, engine }: Held, all: readonly Entry[]): Promise<readonly PlacedQuestion[]> {
  return [
    ...questionsOf(all).map((question) => ({ ...question, run: key.runId, own: question.ask })),
    ...(await questionsElsewhere(engine.journal, key.tenant, all, questionsOf)),
  ];
}

function assertNotEnded({ key }: Held, all: readonly Entry[]): void {
  const status = endStatusOf(all.at(-1)?.type ?? "");
  if (status) throw new OrchestrationError("run/already-ended", { run: key.runId, status });
}

async function* durable(held: Held, { fromSeq = 1, signal }: EventsOptions = {}): AsyncGenerator<Entry> {
  const { key, engine, stream } = held;
  const queue: Batch[] = [];
  let failure: OrchestrationError | undefined;
  let wake: (() => void) | undefined;
  let looking: { readonly cancel: () => void } | undefined;
  const poke = () => {
    wake?.();
    wake = undefined;
  };
  const unwatch = engine.watch(key, {
    batch: (batch) => {
      queue.push(batch);
      poke();
    },
    stopped: (error) => {
      failure = error;
      poke();
    },
  });
  signal?.addEventListener("abort", poke, { once: true });
  try {
    let next = fromSeq;
    // Asked for in this order, an end that the index knows is among what is read.
    try {
      const { status } = await record(held);
      const known = await engine.journal.read(stream, fromSeq);
      if (known.length === 0 && isEnd(status)) return;
      queue.unshift(...known);
    } catch (thrown) {
      throw failure ?? thrown;
    }
    while (!signal?.aborted) {
      const batch = queue.shift();
      if (batch) {
        if (batch.lastSeq < next) continue;
        if (batch.firstSeq > next) {
          // Somebody else drove the run meanwhile; what they wrote is durable, or this batch could not be.
          const missed = (await engine.journal.read(stream, next)).filter(({ firstSeq }) => firstSeq < batch.firstSeq);
          if (missed.length === 0) {
            throw new OrchestrationError("journal/broken-chain", {
              seq: next,
              stream: key.runId,
              reason: "it is missing",
            });
          }
          queue.unshift(...missed, batch);
          continue;
        }
        for (const entry of await open(held, batch)) {
          if (entry.seq < next) continue;
          next = entry.seq + 1;
          yield entry;
          if (endStatusOf(entry.type)) return;
        }
        continue;
      }
      if (failure && !isElsewhere(held, failure)) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (!engine.shared) return;
        looking ??= regularly(engine.clock, async () => {
          // Somebody else may drive the run: what they write tells nobody here.
          const missed = await engine.journal.read(stream, next).catch(() => []);
          if (missed.length === 0 || queue.length > 0) return;
          queue.push(...missed);
          poke();
        });
      });
    }
  } finally {
    looking?.cancel();
    unwatch();
    signal?.removeEventListener("abort", poke);
  }
}

/** Driving stopped here because somebody else drives the run, and who waits for it can see what comes of that. */
function isElsewhere({ engine }: Held, error: OrchestrationError): boolean {
  return engine.shared && OrchestrationError.is(error, "journal/conflict");
}

/** What somebody waited for. */
interface Awaited {
  readonly known: RunRecord;
  /** The batch that the record speaks of, where it was written while somebody waited here. */
  readonly seen: Batch | undefined;
}

/**
 * Waits until the index says what fits; reads nothing but the index while it waits. What is driven here tells at once;
 * what another process drives is looked for now and then.
 */
async function until(held: Held, fits: (record: RunRecord) => boolean): Promise<Awaited> {
  const { key, engine } = held;
  let stop: (() => void) | undefined;
  let looking: { readonly cancel: () => void } | undefined;
  try {
    return await new Promise<Awaited>((resolve, reject) => {
      let rest: Batch | undefined;
      let looked = false;
      let failure: OrchestrationError | undefined;
      const look = () => {
        record(held).then(
          (known) => {
            looked = true;
            if (fits(known)) resolve({ known, seen: rest?.lastSeq === known.lastSeq ? rest : undefined });
            else if (failure) reject(failure);
          },
          (thrown: unknown) => {
            // An index that is away for a moment is asked again; whoever closes the engine says so.
            if (!looked) reject(failure ?? thrown);
          },
        );
      };
      stop = engine.watch(key, {
        batch: (batch) => {
          // Only these entries change what the index says.
          if (!isRest(batch)) return;
          rest = batch;
          look();
        },
        stopped: (error) => {
          // Who lost a race to another process has not lost the run: it goes on there.
          if (isElsewhere(held, error)) return;
          // Before the first look this may be old news: the run may have come to where it fits in another process.
          failure = error;
          if (looked) reject(error);
        },
      });
      look();
      if (engine.shared) looking = regularly(engine.clock, look);
    });
  } finally {
    looking?.cancel();
    stop?.();
  }
}

function isEnd(status: RunStatus): status is EndStatus {
  return status !== "running" && status !== "parked";
}

/**
 * What was done on the way, and what went wrong, stays sealed: the answer is what somebody asked for.
 * @param result made just now, for this caller alone: it is changed in place, for a copy would ask for its hash
 */
async function revealed<Output>(held: Held, result: RunResult<Output>): Promise<RunResult<Output>> {
  const { key, principals, sealing } = held;
  if (!sealing) return result;
  const to = { kind: "caller", name: principals.current().id, path: "" } as const;
  const reveal = <Value>(value: Value) => sealing.reveal(key, value, sealing.rules.answers, to);
  if (result.status === "completed") return Object.assign(result, { output: await reveal(result.output) });
  if (!("packet" in result)) return result;
  return Object.assign(result, await reveal({ reason: result.reason, packet: result.packet }));
}

/** @throws OrchestrationError `run/answer-invalid` */
function readAnswer(
  definition: SupervisorDefinition,
  all: readonly Entry[],
  question: OpenQuestion,
  answer: Json,
): Json {
  const fault = (issues: readonly Issue[]) =>
    new OrchestrationError("run/answer-invalid", { ask: question.ask, issues: issues as unknown as Json });
  const plain = plainJson(answer);
  if (!plain.ok) throw fault([{ pointer: plain.fault.pointer, message: `not JSON: ${plain.fault.reason}` }]);
  const bytes = Buffer.byteLength(JSON.stringify(plain.value));
  const { payloadBytes } = definition.limits;
  if (bytes > payloadBytes)
    throw fault([{ pointer: "", message: `${bytes} bytes, more than the limit of ${payloadBytes}` }]);
  // A supervisor's question names its edge just before it; an agent's own question takes any JSON.
  const index = all.findIndex((entry) => entry.type === "input.requested" && entry.body.ask === question.ask);
  const before = all[index - 1];
  const edge =
    before?.type === "edge.chosen" ? teamAt(definition, before.path)?.edgeByName.get(before.body.edge) : undefined;
  const parsed = edge?.kind === "question" ? parseWith(edge.answer, plain.value) : undefined;
  if (parsed && !parsed.ok) throw fault(parsed.issues);
  return plain.value;
}

/** The team that works under a path: `office#1/desk#2/` is the team behind `desk` in the team behind `office`. */
function teamAt(definition: SupervisorDefinition, path: string): SupervisorDefinition | undefined {
  let team: SupervisorDefinition | undefined = definition;
  for (const part of path.split("/")) if (part !== "") team = team?.agents.get(part.split("#")[0] ?? "")?.team;
  return team;
}

/** What a person says that a tool would have answered. @throws OrchestrationError `tool/output-invalid` */
function readOutput(definition: SupervisorDefinition, tool: string, output: Json): Json {
  const schema = definition.tools.get(tool)?.output as z.ZodType | undefined;
  const parsed = schema ? parseWith(schema, output) : ({ ok: true, value: output } as const);
  const plain = parsed.ok ? plainJson(parsed.value) : undefined;
  if (plain?.ok) return plain.value;
  const issues = parsed.ok ? [] : parsed.issues;
  throw new OrchestrationError("tool/output-invalid", { tool, issues: issues as unknown as Json });
}

function uncertainOf(all: readonly Entry[]): UncertainEffect[] {
  const open = new Map<string, UncertainEffect>();
  for (const entry of all) {
    if (entry.type === "effect.uncertain" && entry.body.next === "person") {
      open.set(entry.body.effect, { effect: entry.body.effect, tool: entry.body.tool });
    }
    if (entry.type === "effect.settled" || entry.type === "effect.decided") open.delete(entry.body.effect);
  }
  return [...open.values()];
}

/** True for a batch whose last entry is a park or an end: behind one a batch has no other. */
function isRest(batch: Batch): boolean {
  const known = batch instanceof UnsealedBatch ? batch.lastType : undefined;
  if (known !== undefined) return known === "run.parked" || endStatusOf(known) !== undefined;
  const lines = searchable(batch);
  const last = lines.lastIndexOf("\n", lines.length - 2) + 1;
  const header = lines.slice(last, lines.indexOf("\t", last));
  return /"type":"run\.(parked|completed|denied|escalated|failed|cancelled)"/.test(header);
}

/** Reads a result from the entries of an ended run: its last one, and those that say what it cost. */
export function resultOf<Output>(
  runId: string,
  all: readonly Entry[],
  end: Pick<Batch, "hash"> | undefined,
  tools: ReadonlyMap<string, AnyTool> = new Map(),
  known?: number,
): RunResult<Output> {
  const last = all.at(-1);
  const common = { runId, cost: { microUsd: known ?? microUsdOf(all) }, seq: last?.seq ?? 0 };
  switch (last?.type) {
    case "run.completed":
      return proved({ ...common, status: "completed", ...last.body, output: last.body.output as Output }, end);
    case "run.denied":
    case "run.escalated":
      return proved({ ...common, status: last.type === "run.denied" ? "denied" : "escalated", ...last.body }, end);
    case "run.failed":
      return proved({ ...common, status: "failed", ...last.body, effects: effectsOf(all, tools) }, end);
    case "run.cancelled":
      return proved({ ...common, status: "cancelled", ...last.body, effects: effectsOf(all, tools) }, end);
    default:
      throw new OrchestrationError("run/internal", { reason: `run ${runId} has no end in its journal` });
  }
}

const ending = Symbol("the batch that holds the end");

/** One getter for all results, so that they have one shape. */
const journalHash: PropertyDescriptor = {
  enumerable: true,
  configurable: true,
  get(this: { readonly [ending]: Pick<Batch, "hash"> | undefined }) {
    return this[ending]?.hash ?? "";
  },
};

/** The same result with the hash of its journal, which is worked out when somebody asks, where it was not needed before. */
function proved<Result extends object>(
  result: Result,
  end: Pick<Batch, "hash"> | undefined,
): Result & { readonly journalHash: string } {
  Object.defineProperty(result, ending, { value: end });
  return Object.defineProperty(result, "journalHash", journalHash) as Result & { readonly journalHash: string };
}
