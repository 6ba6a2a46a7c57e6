import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { SandboxError } from "../errors.ts";
import { openWorkspace, type Workspace } from "../suite/workspace.ts";
import type { Place } from "./place.ts";

/** The state folder, opened. */
export interface Store {
  readonly workspace: Workspace;
  readonly engine: Engine;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** True when something was played here. */
export function hasStore({ state }: Place): boolean {
  return existsSync(join(state, "journal.db"));
}

/**
 * Opens the state folder to look at what is there: a look makes no folder.
 * @throws SandboxError `state/missing`, and as `openStore`
 */
export function openExistingStore(place: Place): Store {
  // What is in the way of the folder is told by the attempt to open it.
  if (!hasStore(place) && !isInTheWay(place.state)) throw new SandboxError("state/missing", { folder: place.state });
  return openStore(place);
}

/**
 * Opens the state folder and its journal; makes both when there are none.
 * @throws SandboxError `state/unusable`
 * @throws OrchestrationError `journal/foreign-file`, `journal/newer-version`, `journal/unavailable`
 */
export function openStore(place: Place): Store {
  let workspace: Workspace;
  try {
    workspace = openWorkspace(place.state);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SandboxError("state/unusable", { folder: place.state, reason }, { cause });
  }
  const engine = sqliteEngine({ path: workspace.journal });
  return { workspace, engine, [Symbol.asyncDispose]: () => engine.close() };
}

/** True when the path is taken by something that is no folder. */
function isInTheWay(path: string): boolean {
  return existsSync(path) && !statSync(path).isDirectory();
}
