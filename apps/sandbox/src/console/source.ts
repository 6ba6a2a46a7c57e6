import type { Clock, Journal, Principal, RunRecord, Supervisor } from "@remit/core";
import type { Acting } from "./acting.ts";

/**
 * Where the console's runs come from, and who acts. What is in no group of it cannot be reached by the console: every
 * view and every word names a group, and its tenant is taken from here, never from a request.
 */
export interface ConsoleSource {
  /** What this is, for people: the state folder, a configuration file. */
  readonly place: string;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Who looks and decides. */
  readonly principal: Principal;
  /** What can be looked at, newest first. */
  readonly groups: () => readonly RunGroup[];
  /** What would be a group and cannot be read: nothing of it is shown, and that is said. */
  readonly unreadable: () => readonly string[];
  /** What a run is about, by the attributes that it was started with. */
  readonly subjectOf: (group: RunGroup, attributes: Readonly<Record<string, string>>) => Promise<Subject | undefined>;
  /**
   * The supervisor of a group's runs, to look, to draw and to decide again: it wakes no run, and nothing is called by it.
   * @throws whatever is in the way of loading it
   */
  readonly supervisorOf: (group: RunGroup, record?: RunRecord) => Promise<Supervisor>;
  /** Has `act` at work in a group with tools and models, and resolves with what it gives once its runs are at rest. */
  readonly acting: (group: RunGroup, act: (acting: Acting) => Promise<void>) => Promise<void>;
  /**
   * A word of what is stored: another one when anything may have changed since, and the same for every process that asks
   * as long as nothing has. Asked often, so it has to cost next to nothing.
   */
  readonly mark: () => string;
  /** A command line for the person to type. */
  readonly command: (words: string) => string;
}

/** Runs that belong together: a suite. */
export interface RunGroup {
  /** Unique within the source. */
  readonly id: string;
  readonly tenant: string;
  /** One line for people. */
  readonly about: string;
  /** Epoch ms. */
  readonly startedAt: number;
  /** True where values are sealed before they are kept, so that what is shown may stand for something else. */
  readonly sealed?: boolean;
}

/** What a run is about. */
export interface Subject {
  readonly name: string;
  readonly title: string;
}
