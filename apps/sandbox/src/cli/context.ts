import type { Project } from "../config/project.ts";
import type { Screen } from "../face/screen.ts";
import type { Place } from "./place.ts";

/** What every command gets beside its options. */
export interface Context {
  readonly place: Place;
  /** The person's own project, if they are in one. */
  readonly project: Project;
  /** Standard output, for people. */
  readonly out: Screen;
  /** Standard error, for people. */
  readonly err: Screen;
  /** Prints the one JSON document of a command. */
  readonly json: (document: unknown) => void;
}

/** 0 all is well, 1 something did not pass, 2 wrong usage or input, 130 stopped by Ctrl-C. */
export type ExitCode = number;
