import type { ErrorRecord } from "../errors.ts";
import { OrchestrationError } from "../errors.ts";
import type { Entry } from "../event.ts";
import { type HandledLetter, lettersHandled } from "../governance/letters.ts";
import { listed } from "../journal/listed.ts";
import { openRun } from "../journal/open-run.ts";
import type { Json } from "../json.ts";
import type { Journal } from "../port/journal.ts";
import type { Principal } from "../principal.ts";
import { type EffectRecord, effectsOf, standingEffects } from "../run/effects.ts";
import type { SupervisorDefinition } from "./definition.ts";

/** A run that was given up: it failed, and nobody has dealt with that. Its journal is the letter. */
export interface DeadLetterRun {
  readonly run: string;
  readonly tenant: string;
  /** Epoch ms. */
  readonly failedAt: number;
  readonly error: ErrorRecord;
  /** The agent or part that failed. */
  readonly by: string;
  readonly input: Json;
  /** What stands of it outside: while there is anything, the run cannot be done again. */
  readonly standing: readonly EffectRecord[];
}

/** Runs that failed, as letters that somebody has to deal with. */
export interface DeadLetters {
  /** Newest first; what was redriven or dismissed is gone from it. */
  readonly list: (filter: {
    readonly tenant: string;
    readonly most?: number;
    readonly before?: number;
  }) => Promise<readonly DeadLetterRun[]>;
  /** @throws OrchestrationError `letter/unknown` */
  readonly inspect: (tenant: string, run: string) => Promise<DeadLetterRun & { readonly entries: readonly Entry[] }>;
  /**
   * Starts a new run with the same input in its place, once, however often it is asked for. Resolves with its id.
   * What is left of a run that undoes another one is for that one's next undo, which takes its place.
   * @throws OrchestrationError `letter/unknown`; `letter/has-effects` while effects of it stand: they would happen again;
   *   `run/not-undoable` for an undo when nothing is left to undo
   */
  readonly redrive: (tenant: string, run: string, options?: { readonly principal?: Principal }) => Promise<string>;
  /** Puts it aside. @throws OrchestrationError `letter/unknown` */
  readonly dismiss: (
    tenant: string,
    run: string,
    options: { readonly reason: string; readonly principal?: Principal },
  ) => Promise<void>;
}

type Started = Extract<Entry, { type: "run.started" }>;

export interface DeadLetterOptions {
  readonly definition: SupervisorDefinition;
  readonly journal: Journal;
  readonly now: () => number;
  readonly salt: () => string;
  readonly current: () => Principal;
  /** The id that the run in a letter's place gets. @throws what keeps it from being started */
  readonly nameOf: (letter: DeadLetterRun, started: Started) => string | Promise<string>;
  /** Starts it under an id; once, however often it is asked for. */
  readonly start: (letter: DeadLetterRun, started: Started, runId: string) => Promise<unknown>;
  /** Effects of a run that were undone since, by its id. */
  readonly undone: (tenant: string, run: string) => Promise<ReadonlySet<string>>;
}

export function deadLetters(options: DeadLetterOptions): DeadLetters {
  const { definition, journal, now, salt, current, nameOf, start, undone } = options;
  const handled = lettersHandled({ journal, now, salt });

  const read = async (tenant: string, run: string) => {
    const entries = await openRun(journal, tenant, run);
    const last = entries.at(-1);
    const [first] = entries;
    if (first?.type !== "run.started" || last?.type !== "run.failed") return undefined;
    // Of one that was erased nobody can say what it was asked, or what stands of it.
    if ((first.body as Partial<typeof first.body>).supervisor === undefined) return undefined;
    const back = await undone(tenant, run);
    const standing = standingEffects(effectsOf(entries, definition.tools)).filter(({ effect }) => !back.has(effect));
    const { error, by } = last.body;
    const letter: DeadLetterRun = { run, tenant, failedAt: last.at, error, by, input: first.body.input, standing };
    return { letter, first, entries };
  };
  const found = async (tenant: string, run: string) => {
    const record = await journal.findRun(tenant, run);
    const letter = record?.supervisor === definition.name ? await read(tenant, run) : undefined;
    if (!letter) throw new OrchestrationError("letter/unknown", { run, tenant });
    return letter;
  };
  const handledAlready = ({ kind }: HandledLetter, run: string, tenant: string) =>
    new OrchestrationError("letter/unknown", { run, tenant, handled: kind });

  /** Said to be redriven and not started is not dealt with: whoever said so was cut off. */
  const isDealtWith = async (tenant: string, word: HandledLetter | undefined) =>
    word !== undefined && (word.kind === "dismissed" || (await journal.findRun(tenant, word.as)) !== undefined);

  return {
    list: async ({ tenant, most = 100, before }) => {
      const done = await handled.handled(tenant);
      const letters: DeadLetterRun[] = [];
      if (!(most > 0)) return letters;
      const failed = { tenant, supervisor: definition.name, status: ["failed"] } as const;
      for await (const { runId } of listed(journal, { ...failed, ...(before === undefined ? {} : { before }) })) {
        const letter = (await isDealtWith(tenant, done.get(runId))) ? undefined : await read(tenant, runId);
        if (letter) letters.push(letter.letter);
        if (letters.length >= most) break;
      }
      return letters;
    },
    inspect: async (tenant, run) => {
      const { letter, entries } = await found(tenant, run);
      return { ...letter, entries };
    },
    redrive: async (tenant, run, { principal } = {}) => {
      const { letter, first } = await found(tenant, run);
      if (letter.standing.length > 0) {
        const effects = letter.standing.map(({ effect, tool }) => `${tool} (${effect})`);
        throw new OrchestrationError("letter/has-effects", { run, tenant, effects });
      }
      const stands =
        (await handled.handled(tenant)).get(run) ??
        (await handled.redriven(tenant, run, await nameOf(letter, first), principal ?? current()));
      if (stands.kind === "dismissed") throw handledAlready(stands, run, tenant);
      // The first word stands, also where another version named the run otherwise.
      await start(letter, first, stands.as);
      return stands.as;
    },
    dismiss: async (tenant, run, { reason, principal }) => {
      await found(tenant, run);
      const stands = await handled.dismissed(tenant, run, reason, principal ?? current());
      if (stands.kind === "redriven") throw handledAlready(stands, run, tenant);
    },
  };
}
