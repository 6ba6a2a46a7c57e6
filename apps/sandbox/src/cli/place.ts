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
 * `npm start` runs in the repository's folder whatever folder the person is in; npm says in INIT_CWD which one that is.
 * @param state the option `--state`; `.remit` when absent
 */
export function placeOf(options: {
  readonly state?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}): Place {
  const { env, cwd } = options;
  const folder = env.INIT_CWD === undefined || env.INIT_CWD === "" ? cwd : resolve(env.INIT_CWD);
  const state = resolve(folder, options.state ?? ".remit");
  const viaNpm = env.npm_lifecycle_event === "start";
  const suffix = options.state === undefined ? "" : ` --state ${quoted(options.state)}`;
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

function quoted(word: string): string {
  return /^[\w./:@=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
