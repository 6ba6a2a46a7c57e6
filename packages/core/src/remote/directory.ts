import type { EntryBodies, InputEvent } from "../event.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import { type Fold, openStream, type Stream } from "../stream/stream.ts";

/**
 * Who serves a specialist, and what was left for it. Both are streams of the installation, not of a customer: the first says
 * where a delegation goes, the second is the letter box of engines whose processes cannot reach each other otherwise. What a
 * letter says stands in a stream of its run.
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
  /** The event itself; nothing where it was erased with its run. */
  readonly eventOf: (left: LeftEvent) => Promise<InputEvent | undefined>;
  /** What was left behind an entry, and the seq of the last one. */
  readonly left: (
    specialist: string,
    after: number,
  ) => Promise<{ readonly events: readonly (LeftEvent & { readonly seq: number })[]; readonly seq: number }>;
}

/** Who serves a specialist, the newest last. */
const serving: Fold<readonly Served[]> = {
  initial: () => [],
  apply: (state, { type, body }) => {
    if (type !== "specialist.served" && type !== "specialist.withdrawn") return state;
    const others = state.filter(({ definition }) => definition !== body.definition);
    return type === "specialist.served" ? [...others, body] : others;
  },
};
/** How many letters a run was left. */
const counted: Fold<number> = { initial: () => 0, apply: (state) => state + 1 };
/** A letter box is read, and nothing follows from it. */
const nothing: Fold<undefined> = { initial: () => undefined, apply: () => undefined };

export function directory({ journal, now, salt }: DirectoryOptions): Directory {
  const opened = <State>(keyOf: (specialist: string) => StreamKey, fold: Fold<State>) => {
    const streams = new Map<string, Stream<State>>();
    return (specialist: string): Stream<State> => {
      const stream = streams.get(specialist) ?? openStream({ journal, key: keyOf(specialist), now, salt, fold });
      streams.set(specialist, stream);
      return stream;
    };
  };
  const servers = opened(servedStream, serving);
  const boxes = opened(leftStream, nothing);
  const lettersOf = ({ tenant, runId }: RunKey) =>
    openStream({ journal, key: lettersStream({ tenant, runId }), now, salt, fold: counted });

  return {
    find: async (specialist) => (await servers(specialist).state()).at(-1),
    serve: (served) =>
      servers(served.specialist).append((state) => {
        const last = state.at(-1);
        const isSaid = last?.definition === served.definition && last.contract === served.contract;
        return { drafts: isSaid ? [] : [{ type: "specialist.served", body: served }], answer: undefined };
      }),
    withdraw: ({ specialist, definition }) =>
      servers(specialist).append((state) => {
        const isServing = state.some((one) => one.definition === definition);
        const body = { specialist, definition };
        return { drafts: isServing ? [{ type: "specialist.withdrawn", body }] : [], answer: undefined };
      }),
    leave: async (specialist, { tenant, runId: run }, definition, event) => {
      // First the letter, then the word that it is there: a letter that nobody was told of is sent again.
      const letter = await lettersOf({ tenant, runId: run }).append((letters) => ({
        drafts: [{ type: "delegation.letter", body: { event } }],
        answer: letters + 1,
      }));
      await boxes(specialist).append(() => {
        const body = { tenant, run, definition, letter };
        return { drafts: [{ type: "delegation.left", body }], answer: undefined };
      });
    },
    eventOf: async ({ tenant, run, letter }) => {
      const [entry] = await lettersOf({ tenant, runId: run }).read(letter);
      // The body of an erased entry is empty.
      return entry?.type === "delegation.letter" ? (entry.body as Partial<typeof entry.body>).event : undefined;
    },
    left: async (specialist, after) => {
      const entries = await boxes(specialist).read(after + 1);
      const events = entries.flatMap(({ type, body, seq }) => (type === "delegation.left" ? [{ ...body, seq }] : []));
      return { events, seq: entries.at(-1)?.seq ?? after };
    },
  };
}

function servedStream(specialist: string): StreamKey {
  return { tenant: "remit", kind: "delegations", id: `served:${specialist}` };
}

/** What was left for one run of a specialist: it is erased with the run. */
export function lettersStream({ tenant, runId }: RunKey): StreamKey {
  return { tenant, kind: "delegations", id: runId };
}

function leftStream(specialist: string): StreamKey {
  return { tenant: "remit", kind: "delegations", id: `left:${specialist}` };
}
