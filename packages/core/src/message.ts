import type { ErrorRecord } from "./errors.ts";
import type { LabelTable } from "./event.ts";
import type { Json } from "./json.ts";
import type { ToolResultPart } from "./port/model.ts";

/** What travels on the bus of one run, by type. Completions and signals enter the run as input events and become these. */
export interface Messages {
  /** A contract's payload, on its way to a new instance of an agent. */
  readonly "handoff.delivered": {
    readonly edge: string;
    readonly agent: string;
    readonly payload: Json;
    readonly labels: LabelTable;
    readonly branch?: string;
    readonly model?: string;
  };
  /** A specialist's typed result, on its way to its supervisor. */
  readonly "handoff.returned": {
    readonly agent: string;
    readonly output: Json;
    /** Of what it was made of. */
    readonly labels: readonly string[];
    readonly branch?: string;
  };
  readonly "agent.failed": { readonly agent: string; readonly error: ErrorRecord; readonly branch?: string };
  /** A team behind an agent's name ended without an output. */
  readonly "agent.ended": {
    readonly agent: string;
    readonly status: "denied" | "escalated";
    readonly reason: string;
    readonly packet: Json;
    readonly branch?: string;
  };
  /** The one result of one call. */
  readonly "call.settled": { readonly effect: string; readonly result: ToolResultPart };
  /** What a judge made of an effect, on its way to that effect; `error` when it made nothing. */
  readonly "effect.judged": {
    readonly judge: "compliance" | "reviewer";
    readonly output: Json;
    /** Of what it was made of. */
    readonly labels?: readonly string[];
    readonly error?: ErrorRecord;
  };
  readonly "input.received": { readonly ask: string; readonly answer: Json; readonly labels: readonly string[] };
  readonly "handoff.rejected": { readonly edge: string; readonly error: ErrorRecord };
  readonly "limit.exceeded": { readonly error: ErrorRecord };
  readonly "run.cancel": { readonly reason: string };
}

export type MessageType = keyof Messages;

/** A message with its address, its identity and what caused it. */
export type Envelope<Type extends MessageType = MessageType> = {
  readonly [Key in Type]: {
    /** The same id twice is one message. */
    readonly id: string;
    readonly type: Key;
    readonly from: string;
    readonly to: string;
    /** The run that it belongs to. */
    readonly correlation: string;
    /** Seq of the journal entry that caused it. */
    readonly causation: number;
    readonly payload: Messages[Key];
  };
}[Type];
