import { OrchestrationError, reasonOf } from "../errors.ts";
import { openBatch, sealBatch } from "../journal/chain.ts";
import { emptyHead } from "../journal/draft.ts";
import type { Journal, StreamKey } from "../port/journal.ts";
import type { Logger } from "../port/logger.ts";
import type { SupervisorDefinition } from "./definition.ts";

/**
 * Remembers the texts of a definition's functions, so that a change under an unchanged version is noticed when it is
 * loaded, not when a parked run stumbles over it (D4). It reports and stops nothing: a text may change without its
 * meaning, and only a person knows.
 */

/** The stream of one supervisor's loads. It belongs to the installation, not to a customer. */
function definitionStream(supervisor: string): StreamKey {
  return { tenant: "remit", kind: "pins", id: `definition:${supervisor}` };
}

/**
 * Compares with what was loaded before and records what is new.
 * @returns what changed: `edge refund@0`, `tool send_mail@2`; empty when nothing did
 */
export async function noteDefinition(
  journal: Journal,
  definition: SupervisorDefinition,
  options: { readonly logger: Logger; readonly now: () => number; readonly salt: () => string },
): Promise<readonly string[]> {
  const key = definitionStream(definition.name);
  const known = new Map<string, string>();
  let head = emptyHead;
  for (const batch of await journal.read(key)) {
    for (const entry of openBatch(batch, key.id)) {
      if (entry.type !== "definition.loaded") continue;
      for (const [name, hash] of Object.entries(entry.body.functions)) known.set(name, hash);
    }
    head = { seq: batch.lastSeq, hash: batch.hash };
  }
  const current = Object.entries(definition.functions);
  const changed = current.filter(([name, hash]) => known.has(name) && known.get(name) !== hash).map(([name]) => name);
  for (const name of changed) {
    const at = name.lastIndexOf("@");
    const data = { definition: name.slice(0, at), version: name.slice(at + 1) };
    const error = new OrchestrationError("definition/version-changed", data);
    options.logger.warn(
      { supervisor: definition.name, code: error.code, hint: error.hint, ...data },
      "a function changed under its version",
    );
  }
  if (current.some(([name, hash]) => known.get(name) !== hash)) {
    const body = { supervisor: definition.name, definitionHash: definition.hash, functions: definition.functions };
    const batch = sealBatch(
      head,
      [{ type: "definition.loaded", at: options.now(), path: "", cause: 0, body }],
      options.salt,
    );
    try {
      await journal.append(key, batch, head.seq);
    } catch (thrown) {
      // Another process notes the same at the same time: its entry does as well as ours.
      if (!OrchestrationError.is(thrown, "journal/conflict")) {
        options.logger.warn(
          { supervisor: definition.name, reason: reasonOf(thrown) },
          "a definition could not be noted",
        );
      }
    }
  }
  return changed;
}
