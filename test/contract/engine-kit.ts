import {
  type Engine,
  type Entry,
  type Journal,
  localEngine,
  openBatch,
  type Run,
  silentLogger,
  systemClock,
  user,
} from "@remit/core";
import type { FakeClock } from "@remit/core/testing";
import { afterEach, expect } from "vitest";
import { lateJournal } from "./engine-desk.ts";

/** One place in which engines keep their runs; each `engine` call opens a new one over it. */
export interface EngineUnderTest {
  readonly engine: (options?: { readonly clock?: FakeClock }) => Engine;
  /** What an engine leaves behind when it is closed is found by the next one. */
  readonly survives: boolean;
  /** Other processes go on with what one has left, without being asked; nobody chooses which of them drives a run. */
  readonly takesOver?: boolean;
}

/** What the themes of the contract share: engines over one place for each test, closed after it. */
export interface EngineKit {
  readonly name: string;
  /** An engine over a new place. */
  readonly fresh: (options?: { clock?: FakeClock }) => Engine;
  /** Another one over the same place. */
  readonly again: (options?: { clock?: FakeClock }) => Engine;
  readonly survives: () => boolean;
  readonly takesOver: () => boolean;
  /** Continues runs that their engine has left, and compares how many were; one that takes over has perhaps done so. */
  readonly resumes: (supervisor: { readonly resume: () => Promise<number> }, count: number) => Promise<void>;
  /** Has an engine of the test's own closed with the others. */
  readonly adopt: (engine: Engine) => void;
  /** An engine whose appends become durable late, and the journal as it is meanwhile. */
  readonly late: () => { readonly engine: Engine; readonly journal: Journal };
}

export const tenant = "acme";
export const start = { tenant, principal: user("u") } as const;
export const someone = { principal: user("u") } as const;
export const input = { text: "go" };

export function engineKit(name: string, open: () => EngineUnderTest): EngineKit {
  const engines: Engine[] = [];
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });
  let place: EngineUnderTest | undefined;
  const adopt = (engine: Engine) => void engines.push(engine);
  const again = (options?: { clock?: FakeClock }): Engine => {
    if (!place) throw new Error("open a place first");
    const engine = place.engine(options);
    adopt(engine);
    return engine;
  };
  const fresh = (options?: { clock?: FakeClock }): Engine => {
    place = open();
    return again(options);
  };
  const late = () => {
    const { journal } = fresh();
    const options = { name, journal: lateJournal(journal), clock: systemClock(), logger: silentLogger };
    const engine = localEngine(options);
    adopt(engine);
    return { engine, journal };
  };
  const takesOver = () => place?.takesOver ?? false;
  const resumes = async (supervisor: { readonly resume: () => Promise<number> }, count: number) => {
    const woken = await supervisor.resume();
    if (takesOver()) expect(woken).toBeLessThanOrEqual(count);
    else expect(woken).toBe(count);
  };
  return { name, fresh, again, adopt, late, survives: () => place?.survives ?? false, takesOver, resumes };
}

/** A hook that loses one answer of a tool. */
export function lost(tool: string) {
  let once = true;
  return (name: string) => {
    if (name !== tool || !once) return;
    once = false;
    throw new Error("the line is dead");
  };
}

export async function parked(run: Run<unknown>): Promise<void> {
  expect(await run.settled()).toBe("parked");
}

export async function collect(events: AsyncIterable<Entry>, look: (entry: Entry) => void = () => {}): Promise<Entry[]> {
  const all: Entry[] = [];
  for await (const entry of events) {
    all.push(entry);
    look(entry);
  }
  return all;
}

export function typesOf(entries: readonly Entry[]): string[] {
  return entries.map(({ type }) => type);
}

/** Types of the entries that a journal holds by now. */
export async function storedTypes(journal: Journal, { id }: Run<unknown>): Promise<string[]> {
  const batches = await journal.read({ tenant, kind: "run", id });
  return typesOf(batches.flatMap((batch) => openBatch(batch, id)));
}
