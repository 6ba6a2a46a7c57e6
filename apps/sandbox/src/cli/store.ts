import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Engine, type IdSource, localEngine, seededIds, silentLogger } from "@remit/core";
import { sqliteEngine, sqliteJournal } from "@remit/core/sqlite";
import { SandboxError } from "../errors.ts";
import { standingClock } from "../suite/standing-clock.ts";
import { openWorkspace, type Workspace } from "../suite/workspace.ts";
import type { Place } from "./place.ts";

/** The state folder, opened. */
export interface Store {
  readonly workspace: Workspace;
  readonly engine: Engine;
  /** Of a store whose runs come out the same each time. */
  readonly ids?: IdSource;
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
export function openStore(place: Place, open: (path: string) => Omit<Store, "workspace"> = everyday): Store {
  let workspace: Workspace;
  try {
    workspace = openWorkspace(place.state);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SandboxError("state/unusable", { folder: place.state, reason }, { cause });
  }
  return { workspace, ...open(workspace.journal) };
}

function everyday(path: string): Omit<Store, "workspace"> {
  const engine = sqliteEngine({ path });
  return { engine, [Symbol.asyncDispose]: () => engine.close() };
}

/** The day of every replay. */
const replayedAt = Date.UTC(2026, 0, 1);

/**
 * For runs that are played again from a recording: time stands, ids and salts come in one order, and a tenant's secret is
 * made of its name, so that the same answers give the same journals. It keeps nothing that the recording does not tell.
 */
export function repeatable(path: string): Omit<Store, "workspace"> {
  const ids = seededIds(1);
  const newKey = (tenant: string) => createHash("sha256").update(tenant).digest("base64url");
  const engine = localEngine({
    name: "sqlite",
    journal: sqliteJournal({ path, newKey }),
    clock: standingClock(replayedAt),
    logger: silentLogger,
    // Its runs are a tenant's of its own: no other process drives them, and no look for that moves the time.
    ids,
  });
  return { engine, ids, [Symbol.asyncDispose]: () => engine.close() };
}

/** True when the path is taken by something that is no folder. */
function isInTheWay(path: string): boolean {
  return existsSync(path) && !statSync(path).isDirectory();
}
