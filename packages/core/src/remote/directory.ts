import { OrchestrationError } from "../errors.ts";
import type { EntryBodies, InputEvent } from "../event.ts";
import { emptyHead, type Head, openBatch, sealBatch } from "../journal/chain.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, StreamKey } from "../port/journal.ts";

/**
 * Who serves a specialist, and what was left for it. Both are streams of the installation, not of a customer: the first says
 * where a delegation goes, the second is the letter box of engines whose processes cannot reach each other otherwise.
 */

interface DirectoryOptions {
  readonly journal: Journal;
  readonly now: () => number;
  readonly salt: () => string;
}

/** A deployment that serves a specialist. */
export type Served = EntryBodies["specialist.served"];
export type LeftEvent = EntryBodies["delegation.left"];

export interface Directory {
  /** Where a new delegation goes; nothing where nobody serves the specialist. */
  readonly find: (specialist: string) => Promise<Served | undefined>;
  /** Says once that a deployment serves a specialist from now on. */
  readonly serve: (served: Served) => Promise<void>;
  /** Says that it takes nothing new any more. */
  readonly withdraw: (served: Served) => Promise<void>;
  /** Leaves an event for a run whose process cannot be reached; resolves when that is durable. */
  readonly leave: (specialist: string, to: RunKey, definition: string, event: InputEvent) => Promise<void>;
  /** What was left behind an entry, and the seq of the last one. */
  readonly left: (
    specialist: string,
    after: number,
  ) => Promise<{ readonly events: readonly (LeftEvent & { readonly seq: number })[]; readonly seq: number }>;
}

/** How often an append is tried beside others. */
const triesMax = 50;

type Note = {
  readonly [Type in "specialist.served" | "specialist.withdrawn" | "delegation.left"]: {
    readonly type: Type;
    readonly body: EntryBodies[Type];
  };
}["specialist.served" | "specialist.withdrawn" | "delegation.left"];

export function directory({ journal, now, salt }: DirectoryOptions): Directory {
  /** Where the letter boxes stood when something was left in them. */
  const heads = new Map<string, Head>();

  const servers = async (specialist: string): Promise<{ readonly serving: readonly Served[]; readonly head: Head }> => {
    const key = servedStream(specialist);
    let head = emptyHead;
    let serving: Served[] = [];
    for (const batch of await journal.read(key)) {
      for (const entry of openBatch(batch, key.id)) {
        if (entry.type !== "specialist.served" && entry.type !== "specialist.withdrawn") continue;
        const { definition } = entry.body;
        serving = serving.filter((one) => one.definition !== definition);
        if (entry.type === "specialist.served") serving.push(entry.body);
      }
      head = { seq: batch.lastSeq, hash: batch.hash };
    }
    return { serving, head };
  };

  const append = async (key: StreamKey, head: Head, note: Note): Promise<Head> => {
    const batch = sealBatch(head, [{ at: now(), path: "", cause: 0, ...note }], salt);
    await journal.append(key, batch, head.seq);
    return { seq: batch.lastSeq, hash: batch.hash };
  };

  /** Again from where the stream stands, as long as others are quicker. */
  const persist = async (act: () => Promise<void>): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        return await act();
      } catch (thrown) {
        if (tries === triesMax || !OrchestrationError.is(thrown, "journal/conflict")) throw thrown;
      }
    }
  };

  const headOf = async (key: StreamKey): Promise<Head> => {
    const known = heads.get(key.id) ?? emptyHead;
    const last = (await journal.read(key, known.seq + 1)).at(-1);
    return last ? { seq: last.lastSeq, hash: last.hash } : known;
  };

  return {
    find: async (specialist) => (await servers(specialist)).serving.at(-1),
    serve: (served) =>
      persist(async () => {
        const { serving, head } = await servers(served.specialist);
        const last = serving.at(-1);
        if (last?.definition === served.definition && last.contract === served.contract) return;
        await append(servedStream(served.specialist), head, { type: "specialist.served", body: served });
      }),
    withdraw: ({ specialist, definition }) =>
      persist(async () => {
        const { serving, head } = await servers(specialist);
        if (!serving.some((one) => one.definition === definition)) return;
        const body = { specialist, definition };
        await append(servedStream(specialist), head, { type: "specialist.withdrawn", body });
      }),
    leave: (specialist, { tenant, runId: run }, definition, event) =>
      persist(async () => {
        const key = leftStream(specialist);
        const head = await headOf(key);
        heads.set(key.id, head);
        const body = { tenant, run, definition, event };
        heads.set(key.id, await append(key, head, { type: "delegation.left", body }));
      }),
    left: async (specialist, after) => {
      const key = leftStream(specialist);
      const events: (LeftEvent & { readonly seq: number })[] = [];
      let seq = after;
      for (const batch of await journal.read(key, after + 1)) {
        for (const entry of openBatch(batch, key.id)) {
          if (entry.type === "delegation.left" && entry.seq > after) events.push({ ...entry.body, seq: entry.seq });
        }
        seq = batch.lastSeq;
      }
      return { events, seq };
    },
  };
}

function servedStream(specialist: string): StreamKey {
  return { tenant: "remit", kind: "delegations", id: `served:${specialist}` };
}

function leftStream(specialist: string): StreamKey {
  return { tenant: "remit", kind: "delegations", id: `left:${specialist}` };
}
