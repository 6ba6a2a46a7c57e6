import { OrchestrationError } from "../errors.ts";
import { endStatusOf, type InputEvent } from "../event.ts";
import { openRun } from "../journal/open-run.ts";
import type { Engine } from "../port/engine.ts";
import type { RunRecord } from "../port/journal.ts";
import { regularly } from "../regularly.ts";
import type { Sealing } from "../seal/sealing.ts";
import { directory } from "./directory.ts";
import { sealedEvent } from "./sealed.ts";

/** How long what was left for a specialist is waited for. */
const heardWithinMs = 10_000;

/**
 * Puts what people say into a run: of one's own, or of a specialist whose process cannot be reached from here. For that it is
 * left, and waited for until it stands in the run.
 * @param deliver puts an event into a run that can be reached from here
 * @param specialists addresses by the name of their supervisor
 * @throws OrchestrationError `specialist/not-heard` when nobody took it in time: it counts when somebody does; and as
 *   `Engine.deliver`
 */
export function reaching(
  engine: Engine,
  deliver: Engine["deliver"],
  specialists: ReadonlyMap<string, string>,
  salt: () => string,
  sealing?: Sealing,
): (record: RunRecord, event: InputEvent) => Promise<void> {
  const { journal, clock } = engine;
  const left = directory({ journal, now: () => clock.now(), salt });
  return async (record, event) => {
    const { tenant, runId, supervisor, lastSeq } = record;
    const definition = `${supervisor}@${record.definitionHash}`;
    const specialist = specialists.get(supervisor);
    const isNear = engine.routes || !engine.shared || engine.isRegistered(definition);
    if (specialist === undefined || isNear) return deliver(record, definition, event);
    await left.leave(specialist, record, definition, sealing ? await sealedEvent(sealing, record, event) : event);
    const key = "key" in event.body ? event.body.key : undefined;
    const isHeard = async () => {
      const entries = await openRun(journal, tenant, runId, lastSeq + 1);
      return entries.some(
        ({ type, body }) => (type === event.type && "key" in body && body.key === key) || endStatusOf(type),
      );
    };
    const heard = Promise.withResolvers<boolean>();
    const look = () => {
      isHeard().then(
        (found) => {
          if (found) heard.resolve(true);
        },
        () => {}, // It is looked for again, and the time is bounded.
      );
    };
    const looking = regularly(clock, look);
    const timer = clock.at(clock.now() + heardWithinMs, () => heard.resolve(false));
    try {
      if (!(await heard.promise)) throw new OrchestrationError("specialist/not-heard", { run: runId, specialist });
    } finally {
      looking.cancel();
      timer.cancel();
    }
  };
}
