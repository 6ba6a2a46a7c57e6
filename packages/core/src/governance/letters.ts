import { OrchestrationError } from "../errors.ts";
import type { Journal } from "../port/journal.ts";
import { type Principal, plainPrincipal } from "../principal.ts";
import { streamShelf } from "../stream/shelf.ts";
import { type Fold, openStream, type Stream, type StreamDraft } from "../stream/stream.ts";

/**
 * What became of runs that were given up (dead letters). The letter itself is the run's own journal; here stands only
 * that somebody has dealt with it, and how.
 */

/** What somebody did about a dead letter. */
export type HandledLetter = {
  readonly by: Principal;
  /** Epoch ms. */
  readonly at: number;
} & (
  | { readonly kind: "redriven" /** The run that took its place. */; readonly as: string }
  | { readonly kind: "dismissed"; readonly reason: string }
);

export interface LettersHandledOptions {
  readonly journal: Journal;
  readonly now: () => number;
  readonly salt: () => string;
}

/** Every member throws OrchestrationError `journal/unavailable`; those that write also `journal/conflict` after 100 lost races. */
export interface LettersHandled {
  /**
   * Says that a run is taken up again as another one. Durable when resolved; say it before the other one is started.
   * @returns the word that stands, which is the first one: compare `as` before you start anything
   */
  readonly redriven: (tenant: string, run: string, as: string, by: Principal) => Promise<HandledLetter>;
  /** Puts a letter aside. @returns the word that stands, which is the first one */
  readonly dismissed: (tenant: string, run: string, reason: string, by: Principal) => Promise<HandledLetter>;
  /** All that was dealt with, by run, in the order it happened; read afresh. */
  readonly handled: (tenant: string) => Promise<ReadonlyMap<string, HandledLetter>>;
}

type Handled = Map<string, HandledLetter>;

/** Tenants whose letters are kept between two questions. */
const openMost = 1_000;

const fold: Fold<Handled> = {
  initial: () => new Map(),
  apply: (handled, entry) => {
    if (entry.type !== "letter.redriven" && entry.type !== "letter.dismissed") return handled;
    const { run, principal: by } = entry.body;
    if (handled.has(run)) return handled;
    const common = { by, at: entry.at };
    const letter: HandledLetter =
      entry.type === "letter.redriven"
        ? { ...common, kind: "redriven", as: entry.body.as }
        : { ...common, kind: "dismissed", reason: entry.body.reason };
    return handled.set(run, letter);
  },
};

/** Keeps what became of the dead letters of all tenants, over a journal that any number of processes share. */
export function lettersHandled({ journal, now, salt }: LettersHandledOptions): LettersHandled {
  const shelf = streamShelf<Handled>(openMost);
  const open = (tenant: string): Stream<Handled> =>
    shelf.get(tenant, () =>
      openStream({ journal, key: { tenant, kind: "dead-letters", id: "letters" }, now, salt, fold }),
    );
  const say = async (tenant: string, run: string, draft: StreamDraft): Promise<HandledLetter> => {
    const stream = open(tenant);
    const before = await stream.append((handled) => {
      const answer = handled.get(run);
      return answer ? { answer } : { drafts: [draft], answer };
    });
    const standing = before ?? (await stream.state()).get(run);
    if (!standing) throw new OrchestrationError("run/internal", { reason: `the word on ${run} was not kept` });
    return standing;
  };
  return {
    redriven: (tenant, run, as, by) =>
      say(tenant, run, { type: "letter.redriven", body: { run, as, principal: plainPrincipal(by) } }),
    dismissed: (tenant, run, reason, by) =>
      say(tenant, run, { type: "letter.dismissed", body: { run, reason, principal: plainPrincipal(by) } }),
    handled: async (tenant) => new Map(await open(tenant).state()),
  };
}
