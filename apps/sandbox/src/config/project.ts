import { dirname, join, resolve } from "node:path";
import { SandboxError } from "../errors.ts";
import { findConfig } from "./find-config.ts";
import type { ReadConfig } from "./read-config.ts";

/** The project that a command is called in: where its configuration is, and what it says, once somebody asks. */
export interface Project {
  /** Absolute; nothing where there is none. Looked for when it is asked for. */
  readonly file: () => string | undefined;
  /** What the file says; nothing where there is none. Read once. */
  readonly config: () => Promise<ReadConfig | undefined>;
  /** @throws SandboxError `config/not-found`, and as `readConfig` */
  readonly required: () => Promise<ReadConfig>;
  /** The state folder: what the file says, or `.remit` beside it. Nothing where there is none. */
  readonly state: () => Promise<string | undefined>;
}

/** @param given the option `--config`; looked for upwards from the folder when absent */
export function projectAt(folder: string, given?: string): Project {
  let found: { readonly file: string | undefined } | undefined;
  let read: Promise<ReadConfig> | undefined;
  const file = () => {
    found ??= { file: given === undefined ? findConfig(folder) : resolve(folder, given) };
    return found.file;
  };
  const config = async () => {
    const at = file();
    if (at === undefined) return undefined;
    read ??= import("./read-config.ts").then(({ readConfig }) => readConfig(at));
    return read;
  };
  return {
    file,
    config,
    required: async () => {
      const there = await config();
      if (!there) throw new SandboxError("config/not-found", { folder });
      return there;
    },
    state: async () => {
      const there = await config();
      return there && (there.state ?? join(dirname(there.file), ".remit"));
    },
  };
}
