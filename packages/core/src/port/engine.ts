import type { Command } from "../command.ts";
import type { OrchestrationError } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import type { SupervisorDefinition } from "../supervisor/compiled.ts";
import type { Clock } from "./clock.ts";
import type { Batch, Journal, RunRecord, StreamKey } from "./journal.ts";
import type { RunKey } from "./run-key.ts";
import type { StopSignal } from "./stop-signal.ts";

export type { RunKey } from "./run-key.ts";

/**
 * What an engine gives the driver for one run: `load`, `append`, `submit`, `next` (D1). No closure waits inside a run:
 * a session lives while something is in flight, then the driver returns and the run costs disk only.
 */
export interface RunSession {
  readonly key: StreamKey;
  readonly journal: Journal;
  /** Nothing is in the run's journal yet, so it need not be read; if that is wrong, the first append is refused. */
  readonly isNew?: boolean;
  /** Epoch ms; on engines that replay code, the engine's own recorded time. */
  readonly now: () => number;
  /**
   * A salt for one commitment, 22 characters of base64url; on engines that replay code, the same one again. It is called
   * without its session, and whoever holds it holds no session.
   */
  readonly salt: () => string;
  /**
   * Appends as `Journal.append` does; a conflict means that another session owns the run. Nothing returned: durable, or,
   * on engines that replay code, determined by what is durable.
   */
  readonly append: (batch: Batch, expectedSeq: number, record?: RunRecord) => void | Promise<void>;
  /** Told before the driver waits until what it has appended is durable: what nobody waits for may be stored together. */
  readonly awaits?: () => void;
  /** Starts a command; a timer that `holds` counts as in flight until it fires or is aborted. Its outcome comes out of `next` as an input event. Never throws. */
  readonly submit: (command: Command) => void;
  /**
   * What a command comes to, where that needs nobody outside and no wait: it is then neither submitted nor in flight.
   * Absent on engines that keep a record of their own of whatever their code was told.
   */
  readonly immediate?: (command: Command) => InputEvent | undefined;
  /** Aborts a command's signal or stops its timer; its outcome, if it still comes, comes as ever. */
  readonly abort: (commandId: string) => void;
  /** What happened next, in the order it shall be journaled; `undefined` when nothing is in flight and nothing waits. */
  readonly next: () => Promise<InputEvent | undefined> | InputEvent | undefined;
  /** Tells watchers that these entries are durable. A replaying engine may tell them twice; watchers go by seq. */
  readonly published: (batch: Batch) => void;
}

/** Told of a run's conversation as soon as it is known, where it has one. Must not throw. */
export type OnConversation = (conversationId: string) => void;

/** What the kernel gives an engine: how to drive a run and how to carry out a command. */
export interface RunHost {
  /** What its runs are pinned to. */
  readonly definition?: SupervisorDefinition;
  /** Drives a run until nothing is in flight. @throws OrchestrationError `journal/conflict` when another writer owns the run */
  readonly drive: (session: RunSession) => Promise<void>;
  /** Carries out one command at the gates (R3). Resolves with the event; never rejects. */
  readonly execute: (key: RunKey, command: Command, signal: StopSignal) => Promise<InputEvent>;
  /** What a command comes to that needs nobody outside and no wait; nothing for every other. Never throws. */
  readonly immediate?: (key: RunKey, command: Command) => InputEvent | undefined;
}

/** Somebody who looks on. A throw of its own hurts nobody else. */
export interface RunWatcher {
  /** A batch has become durable. */
  readonly batch: (batch: Batch) => void;
  /** Driving stopped with an error; the run is unfinished and can be resumed. */
  readonly stopped: (error: OrchestrationError) => void;
}

/** Which unfinished runs to continue; all of them where nothing is said. */
export interface ResumeFilter {
  readonly tenant?: string;
  readonly runId?: string;
  /** `supervisor@definitionHash`, as registered. */
  readonly definition?: string;
}

/** Makes runs durable. One engine serves any number of supervisors. */
export interface Engine {
  readonly name: string;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Other processes may drive runs of the same journal: who waits for one looks now and then, too. */
  readonly shared: boolean;
  /** Whatever is delivered here reaches the run, whichever process serves its definition; `false`: only those registered here. */
  readonly routes: boolean;
  /** What is delivered is stored on its way to the run, before the run's own door has sealed it. */
  readonly storesEvents?: true;
  /** Registers a supervisor's host under `supervisor@definitionHash`; two versions load side by side. */
  readonly register: (definition: string, host: RunHost) => void;
  /** True when a host is registered under `supervisor@definitionHash`. */
  readonly isRegistered: (definition: string) => boolean;
  /** The definition of the host that is registered under `supervisor@definitionHash` in this process. */
  readonly definitionOf: (definition: string) => SupervisorDefinition | undefined;
  /** True while this engine drives the run, or is about to: whatever is under way of it is under way here. */
  readonly drives: (key: RunKey) => boolean;
  /**
   * Puts an event into a run and drives it. Resolves when the event is durable or was known already.
   * @param isNew the run has an id that nobody can have used before
   * @throws OrchestrationError `definition/unknown` when no host is loaded for the run; `engine/closed`
   */
  readonly deliver: (key: RunKey, definition: string, event: InputEvent, isNew?: boolean) => Promise<void>;
  /**
   * Continues every unfinished run of the registered definitions, each when its turn comes; resolves with how many. Parked
   * runs that are not due stay parked.
   */
  readonly resume: (filter?: ResumeFilter) => Promise<number>;
  /** Watches one run from now on; who comes after its driving stopped with an error is told that. Returns the way to stop. */
  readonly watch: (key: RunKey, watcher: RunWatcher) => () => void;
  /** Resolves when no run is being driven and none waits for its turn. */
  readonly idle: () => Promise<void>;
  /** Stops driving, waits for what is being written, closes the journal. */
  readonly close: () => Promise<void>;
  /** `close`, for `await using engine = …`. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}
