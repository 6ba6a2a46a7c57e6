import { type ErrorRecord, OrchestrationError } from "../../errors.ts";
import type { InputEvent } from "../../event.ts";
import { sha256 } from "../../hash.ts";
import type { RunKey } from "../../port/engine.ts";
import type { Batch, RunRecord, Snapshot, StreamKey } from "../../port/journal.ts";

/** What travels between the objects of a cluster, and what they are called there. All of it is JSON. */

/** An event on its way into a run, and the awakeable that waits until it is durable. */
export interface Sent {
  readonly event: InputEvent;
  readonly ack?: string;
}
/** What became of an event. */
export interface Acked {
  readonly error?: ErrorRecord;
}

/** What the front gives to whoever drives the run. */
export interface Activation {
  readonly sent: readonly Sent[];
  /** True when nobody has driven the run before: there is nothing to load. */
  readonly fresh: boolean;
}

/** What one step of an activation makes durable. */
export interface Flush {
  readonly batches: readonly Batch[];
  /** What the run's object is to say after them. */
  readonly record?: RunRecord;
  /** What the index is to say, not always with the same step: that a run works is told when it does so for a while. */
  readonly listed?: RunRecord;
  readonly snapshot?: Snapshot;
  readonly acks: readonly { readonly ack: string; readonly acked: Acked }[];
  /** What this step and those before it have stored goes into the object's state now. */
  readonly keep?: true;
  /** True where the index is known to list the tenant. */
  readonly noted?: true;
  /** Present in the last one. */
  readonly done?: Done;
}
/** How an activation ended. */
export interface Done {
  /** Events that came too late for it. */
  readonly left: readonly Sent[];
  /** How many events the activation had been given by then; the others it never saw. */
  readonly heard: number;
  /** When the run wants to be woken, and how long that is from the worker's now. */
  readonly wake?: { readonly at: number; readonly delayMs: number };
  /** The worker is closing: somebody else goes on. */
  readonly handOver?: true;
}

/** What a run's own object answers to whoever loads it. */
export interface Loaded {
  readonly batches: readonly Batch[];
  readonly record?: RunRecord;
  readonly snapshot?: Snapshot;
  /** The definition that took the run away from this one. */
  readonly moved?: string;
}

/** What an activation tells the front, by the number of its invocation. */
export interface Heard {
  readonly id: string;
  /** How many of those that were rung to it it has heard. */
  readonly heard: number;
}
/** An activation's last word. */
export interface Shut extends Heard {
  /** Events that nobody has driven into the run: another activation begins with them. */
  readonly left: readonly Sent[];
  /** Somebody else is to go on in any case. */
  readonly handOver?: true;
  /** The run has ended: what is still to wake it is stopped at its front. */
  readonly ended?: true;
  /** There is no such run: nothing was stored of it, by nobody. */
  readonly nothing?: true;
}
/** What the index is told of a run. */
export interface Listed {
  readonly record: RunRecord;
  /** Told when the index knows it. */
  readonly acks?: Flush["acks"];
  /** True where the tenant is known to be listed, so that nobody has to look. */
  readonly noted?: true;
}

/** Name of the signal by which an activation is given the n-th event that comes while it is under way; counts from 1. */
export const bellOf = (count: number): string => `event ${count}`;

/** What became of an append; `isKnown` where it was done before, `moved` where the run went, and is to be asked. */
export type Appended =
  | { readonly ok: true; readonly isKnown?: true }
  | { readonly ok: false; readonly actual: number; readonly moved?: string };

/** Names of services. Several installations may share a cluster under different ones. */
export interface Names {
  /** One object a run: where events come in, whoever drives it. */
  readonly front: string;
  /** One object a stream that is no run's. */
  readonly stream: string;
  /** One object a value: payloads, snapshots, tenants' keys. */
  readonly cell: string;
  /** Objects that know of runs and streams. */
  readonly index: string;
  /** One object a run, in a service of its definition: its journal, and who drives it. */
  readonly driveOf: (definition: string) => string;
  /** What the services of `driveOf` begin with. */
  readonly drives: string;
}

const namespaceForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/**
 * @param namespace letters, digits, `_` and `-`, a letter first
 * @throws OrchestrationError `run/id-invalid` for any other
 */
export function namesOf(namespace: string): Names {
  if (!namespaceForm.test(namespace)) {
    throw new OrchestrationError("run/id-invalid", { what: "namespace", value: namespace.slice(0, 200) });
  }
  return {
    front: `${namespace}.Front`,
    stream: `${namespace}.Stream`,
    cell: `${namespace}.Cell`,
    index: `${namespace}.Index`,
    drives: `${namespace}.run.`,
    // What pins a run is the hash; the name before it is for people who look at the cluster.
    driveOf: (definition) => {
      const [supervisor = ""] = definition.split("@");
      return `${namespace}.run.${supervisor.replaceAll(/[^A-Za-z0-9_-]/g, "_")}.${sha256(definition).slice(0, 16)}`;
    },
  };
}

/** A run's key at its objects; ids hold no slash. */
export function runText({ tenant, runId }: RunKey): string {
  return `${tenant}/${runId}`;
}
export function runKeyOf(text: string): RunKey {
  const cut = text.indexOf("/");
  return { tenant: text.slice(0, cut), runId: text.slice(cut + 1) };
}
export function streamText({ tenant, kind, id }: StreamKey): string {
  return `${tenant}/${kind}/${id}`;
}

/** State key of what begins with this entry; sorts as the entries do. */
export function batchKey(firstSeq: number): string {
  return `batch/${String(firstSeq).padStart(10, "0")}`;
}
export const batchPrefix = "batch/";
/** State keys of the index that hold a run's record. */
export const runPrefix = "run/";

const dayMs = 86_400_000;
/** What the objects of the index end in that know of runs until these have ended, and a little longer. */
export const openText = (tenant: string): string => `${tenant}/open`;
/** A tenant has so many of them, by the ids of its runs, because the changes of one object come one after the other. */
const shelvesOfTenant = 4;
export const shelfText = ({ tenant, runId }: RunKey): string => {
  const [first = 0] = Buffer.from(sha256(runId), "base64url");
  return `${first % shelvesOfTenant}:${openText(tenant)}`;
};
export const shelfTexts = (tenant: string): string[] =>
  Array.from({ length: shelvesOfTenant }, (_, index) => `${index}:${openText(tenant)}`);
export const dayOf = (at: number): string => `day-${String(Math.floor(at / dayMs)).padStart(7, "0")}`;
/** First millisecond behind a day. */
export const dayEnd = (day: string): number => (Number(day.slice(4)) + 1) * dayMs;
export const streamsText = (tenant: string): string => `${tenant}/streams`;
/** No tenant's name begins with a colon. */
export const tenantsText = ":tenants";
/** Cell that says which deployment of a service takes no new runs. */
export const drainText = (service: string): string => `:draining/${service}`;
