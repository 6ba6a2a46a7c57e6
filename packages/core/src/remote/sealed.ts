import type { InputEvent } from "../event.ts";
import type { RunKey } from "../port/engine.ts";
import type { Sealing } from "../seal/sealing.ts";

/** What people say to a run elsewhere, with tokens of that run in the place of values: so it may be left in a journal (R12). */
export async function sealedEvent(
  { json }: Pick<Sealing, "json">,
  { tenant, runId }: RunKey,
  event: InputEvent,
): Promise<InputEvent> {
  const to = { tenant, runId };
  switch (event.type) {
    case "input.received":
      return { ...event, body: { ...event.body, answer: await json(to, event.body.answer) } };
    case "cancel.requested":
      return { ...event, body: { ...event.body, reason: await json(to, event.body.reason) } };
    default:
      return event;
  }
}
