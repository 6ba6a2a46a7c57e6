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
