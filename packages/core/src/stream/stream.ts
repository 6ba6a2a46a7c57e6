import { OrchestrationError } from "../errors.ts";
import type { Entry, EntryBodies, StreamBodies } from "../event.ts";
import { openBatch, sealBatch } from "../journal/chain.ts";
import { emptyHead, type Head } from "../journal/draft.ts";
import { streamName } from "../journal/link.ts";
import type { Batch, Journal, StreamKey } from "../port/journal.ts";

/**
 * One stream beyond runs (D6), as state that any number of processes change together. There is no lock and no owner:
 *
 * S1 A decision is a function of the state that it was made from, and is written only behind the very entry that
 *    state ends with. When somebody else was quicker, it is made again.
 * S2 "Nothing to write" is said only of a state that was read after it was asked for.
 * S3 The state is a fold over durable entries and nothing else.
 */

/** How entries become a state. Pure but for the state itself, which `apply` may change in place. */
export interface Fold<State> {
  readonly initial: () => State;
  /** The state behind one more entry. An entry of a type that it does not know changes nothing. */
  readonly apply: (state: State, entry: Entry) => State;
}

/** An entry that a decision wants written. */
export type StreamDraft = {
  [Type in keyof StreamBodies]: { readonly type: Type; readonly body: EntryBodies[Type] };
}[keyof StreamBodies];

/** What was decided: what to write, if anything, and what to tell whoever asked. */
export interface Decided<Answer> {
  readonly drafts?: readonly StreamDraft[];
  readonly answer: Answer;
}

export interface StreamOptions<State> {
  readonly journal: Journal;
  readonly key: StreamKey;
  readonly now: () => number;
  readonly salt: () => string;
  readonly fold: Fold<State>;
}

export interface Stream<State> {
  readonly key: StreamKey;
  /** What is known without looking, and the seq that it ends with; 0 before the first look. Not to be changed. */
  readonly known: () => { readonly seq: number; readonly state: State };
  /** Reads what is new and gives the state. Not to be changed, and of this moment only. */
  readonly state: () => Promise<State>;
  /** The entries from `fromSeq` (1 when absent) on. */
  readonly read: (fromSeq?: number) => Promise<readonly Entry[]>;
  /**
   * Decides and writes what was decided as one batch; resolves with the answer when that is durable. Callers of one
   * stream object take turns.
   * @param decide pure; called once or several times, only the last call counts. It refuses by its answer; what it
   *   throws is thrown on, and nothing is written.
   * @throws OrchestrationError `journal/conflict` after 100 lost races; `journal/unavailable`
   */
  readonly append: <Answer>(decide: (state: State) => Decided<Answer>) => Promise<Answer>;
}

/** How often a decision is made again because somebody else was quicker: each time somebody else got on. */
const racesMax = 100;

/**
 * Opens a stream; nothing is read before it is asked something.
 * Every member throws OrchestrationError `journal/unavailable`, and `journal/broken-chain` for an entry that cannot be
 * read or whose body was erased.
 */
export function openStream<State>({ journal, key, now, salt, fold }: StreamOptions<State>): Stream<State> {
  let head: Head = emptyHead;
  let state = fold.initial();
  /** The state is that of the head. Not so before the first look, and after a fold that threw half-way. */
  let isWhole = false;
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = turn.then(work);
    // Whoever asked gets the failure; the next one in line has nothing to do with it.
    turn = result.catch(() => {});
    return result;
  };
  /** Folds what comes behind the head, or a whole stream where the state is not whole. What is known changes at the end. */
  const foldIn = (batches: readonly Batch[]) => {
    let next = isWhole ? { head, state } : { head: emptyHead, state: fold.initial() };
    isWhole = false;
    for (const batch of batches) {
      const after = opened(key, batch).reduce((folded, entry) => fold.apply(folded, entry), next.state);
      next = { head: { seq: batch.lastSeq, hash: batch.hash }, state: after };
    }
    ({ head, state } = next);
    isWhole = true;
  };
  /** Reads what is new, or all of it where the state is not whole. @returns whether there was anything */
  const look = async (): Promise<boolean> => {
    const batches = await journal.read(key, isWhole ? head.seq + 1 : 1);
    foldIn(batches);
    return batches.length > 0;
  };
  /** Writes behind the head. @returns why not, when somebody else was quicker */
  const write = async (drafts: readonly StreamDraft[]): Promise<OrchestrationError | undefined> => {
    const at = now();
    const whole = drafts.map((draft) => ({ ...draft, at, path: "", cause: 0 }));
    const batch = sealBatch(head, whole, salt);
    try {
      await journal.append(key, batch, head.seq);
    } catch (thrown) {
      if (OrchestrationError.is(thrown, "journal/conflict")) return thrown;
      throw thrown;
    }
    foldIn([batch]);
    return undefined;
  };
  const append = async <Answer>(decide: (state: State) => Decided<Answer>): Promise<Answer> => {
    // What is known may be old. If so, an append behind it is refused (S1): the common case costs no read.
    let isCurrent = !isWhole;
    if (isCurrent) await look();
    for (let lost = 0; ; isCurrent = true) {
      const { drafts = [], answer } = decide(state);
      if (drafts.length === 0) {
        if (isCurrent) return answer; // S2
        await look();
        continue;
      }
      const conflict = await write(drafts);
      if (!conflict) return answer;
      if (++lost >= racesMax) throw conflict;
      if (await look()) continue;
      // It has moved on, and there is nothing new: a journal that was put back to an earlier day.
      isWhole = false;
      await look();
    }
  };

  return {
    key,
    known: () => ({ seq: head.seq, state }),
    state: () =>
      inTurn(async () => {
        await look();
        return state;
      }),
    read: async (fromSeq = 1) => {
      const entries = (await journal.read(key, fromSeq)).flatMap((batch) => opened(key, batch));
      return entries.filter(({ seq }) => seq >= fromSeq);
    },
    append: (decide) => inTurn(() => append(decide)),
  };
}

function opened(key: StreamKey, batch: Batch): Entry[] {
  const stream = streamName(key);
  const entries = openBatch(batch, stream);
  // No body of a stream is empty, and a state without one of its entries would be another state.
  const erased = entries.find(({ body }) => Object.keys(body).length === 0);
  if (!erased) return entries;
  throw new OrchestrationError("journal/broken-chain", { seq: erased.seq, stream, reason: "its body was erased" });
}
