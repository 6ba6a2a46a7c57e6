import type { AnswerDelta, AnswerRetracted } from "../answer/deltas.ts";
import type { ApprovalCase } from "../approval/open-cases.ts";
import type { Audience } from "../audience.ts";
import type { ErrorRecord } from "../errors.ts";
import type { Entry, RunStatus } from "../event.ts";
import type { Json } from "../json.ts";
import type { Mark } from "../label/marks.ts";
import type { Principal } from "../principal.ts";
import type { EffectRecord } from "./effects.ts";

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
  /**
   * What people are asked and have not answered. With `revealed` a question to the customer is as the customer is to read it: with
   * the classes of `answers.reveals` in the clear, on record as the result is; tokens stand for all else.
   */
  readonly questions: (options?: { readonly revealed?: boolean }) => Promise<readonly OpenQuestion[]>;
  /** Writes of this run that wait for a person's approval; they are decided on through `supervisor.approvals`. */
  readonly approvals: () => Promise<readonly ApprovalCase[]>;
  /** Every write that the run proposed or made, what became of it, and how it can be undone. */
  readonly effects: () => Promise<readonly EffectRecord[]>;
  /** Resolves when the run has ended or waits for a person; what waits for a time alone goes on by itself. */
  readonly settled: () => Promise<RunStatus>;
  /**
   * Answers the question `ask`, or the oldest open one. Resolves when the answer is durable. The same `key` twice is one
   * answer. A question to an operator is answered by an operator or a service; one to a customer by who started the run, or
   * for whom it was started, or for them by an operator or a service. Where the supervisor has `roles`, whoever is no
   * customer and did not start the run needs one that may `approve`.
   * @throws OrchestrationError `run/not-waiting`, `run/answer-invalid`, `run/already-ended`; `run/answer-not-allowed`,
   *   `policy/operator-not-allowed` for who was not asked; `run/key-invalid`;
   *   `run/key-used` for a key under which another question than `ask` was answered
   */
  readonly send: (
    answer: Json,
    options?: { readonly key?: string; readonly ask?: string; readonly principal?: Principal },
  ) => Promise<void>;
  /**
   * Stops what follows: nothing is dispatched after it; writes under way get the signal and are settled, or said to be
   * unknown. A second one changes nothing. With `subtree`, the path of one agent instance, only that and what works for
   * it is stopped; its supervisor goes on as after any failure.
   * @throws OrchestrationError `run/already-ended`, `run/subtree-unknown`; `options/invalid` for a reason that is no text
   */
  readonly cancel: (
    reason: string,
    options?: { readonly principal?: Principal; readonly subtree?: string },
  ) => Promise<void>;
  readonly uncertain: () => Promise<readonly UncertainEffect[]>;
  /**
   * Says what became of an uncertain write; the agent gets `output` as its result.
   * @throws OrchestrationError `run/not-waiting`, `run/already-ended`, `tool/output-invalid`; `options/invalid` for an outcome that
   *   is neither
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
