import type { Entry, InputEvent } from "../event.ts";
import { openRun } from "../journal/open-run.ts";
import type { Engine } from "../port/engine.ts";
import { questionEdge } from "../run/question-edge.ts";
import type { InputPlace } from "../seal/sealed-inputs.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { SupervisorDefinition } from "./definition.ts";

/**
 * Puts events into runs. Where an engine stores them on their way, what they say is sealed before: the door of the run, which
 * seals everything, is behind that (R12). There it is sealed again, which changes nothing. A specialist of somebody else has
 * a key and schemas of its own, so what is sent to its runs is left to its own door.
 */
export function sealedDelivery(
  engine: Engine,
  definition: SupervisorDefinition,
  sealing: Sealing | undefined,
): Engine["deliver"] {
  if (!sealing || !engine.storesEvents) return (key, to, event, isNew) => engine.deliver(key, to, event, isNew);
  return async (key, to, event, isNew) => {
    if (!to.startsWith(`${definition.name}@`)) return engine.deliver(key, to, event, isNew);
    const place = isPlaced(event) ? placeIn(definition, await openRun(engine.journal, key.tenant, key.runId)) : nowhere;
    return engine.deliver(key, to, await sealing.event(key, event, place), isNew);
  };
}

/** True for what is sealed by a schema that the run knows. */
function isPlaced({ type }: InputEvent): boolean {
  return type === "input.received" || type === "approval.decided";
}

const nowhere: InputPlace = { commandOf: () => undefined, toolAt: () => undefined, edgeOf: () => undefined };

/** What a run's entries tell of where an input belongs. */
function placeIn(definition: SupervisorDefinition, entries: readonly Entry[]): InputPlace {
  return {
    ...nowhere,
    toolAt: (path) => {
      const found = entries.find((entry) => entry.type === "approval.requested" && entry.path === path);
      return found?.type === "approval.requested" ? definition.tools.get(found.body.tool) : undefined;
    },
    edgeOf: (ask) => questionEdge(definition, entries, ask)?.name,
  };
}
