import type { Clock, Principal } from "@remit/core";

/** What a command works with; a test gives its own. */
export interface Context {
  /** Prints one line to standard output. */
  readonly print: (line: string) => void;
  /** Prints one line to standard error. */
  readonly warn: (line: string) => void;
  /** Asks a person yes or no; absent where nobody sits before it. */
  readonly ask?: (question: string) => Promise<boolean>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Who decides. */
  readonly principal: () => Principal;
}

/** 0 all is well; 1 something waits for a person, or could not be looked at; 2 wrong usage or input. */
export type ExitCode = 0 | 1 | 2;
