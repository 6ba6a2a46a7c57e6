import { isAbsolute, join, relative, resolve } from "node:path";

/** Where the person is, and how they call us. */
export interface Place {
  /** Folder that relative paths begin at. */
  readonly folder: string;
  /** Folder of the journal, the worlds and the reports. */
  readonly state: string;
  readonly resolve: (path: string) => string;
  /** A path as the person would write it. */
  readonly shown: (path: string) => string;
  /** A command line for the person to type. */
  readonly command: (words: string) => string;
}

/**
 * The folder that the person is in. `npm start` runs in the repository's folder whatever folder the person is in; npm says in
 * INIT_CWD which one that is. Another script may have gone where it wants to be.
 */
export function folderOf({ env, cwd }: Pick<PlaceOptions, "env" | "cwd">): string {
  const { INIT_CWD: from, npm_lifecycle_event: script } = env;
  return script !== "start" || from === undefined || from === "" ? cwd : resolve(from);
}

export interface PlaceOptions {
  /** The option `--state`. */
  readonly state?: string | undefined;
  /** The option `--config`. */
  readonly config?: string | undefined;
  /** The state folder of the project, for who names none; `.remit` in the person's folder when absent. */
  readonly home?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export function placeOf(options: PlaceOptions): Place {
  const { env, home } = options;
  const folder = folderOf(options);
  const state = resolve(folder, options.state ?? home ?? ".remit");
  const viaNpm = env.npm_lifecycle_event === "start";
  const shared = { "--state": options.state, "--config": options.config };
  const suffix = Object.entries(shared)
    .map(([name, value]) => (value === undefined ? "" : ` ${name} ${quoted(value)}`))
    .join("");
  return {
    folder,
    state,
    resolve: (path) => resolve(folder, path),
    shown: (path) => {
      const near = relative(folder, path);
      return near === "" || near.startsWith("..") || isAbsolute(near) ? path : join(".", near);
    },
    command: (words) => `${viaNpm ? "npm start --" : "remit"} ${words}${suffix}`,
  };
}

export function quoted(word: string): string {
  return /^[\w./:@=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
