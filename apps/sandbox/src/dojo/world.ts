import type { Behaviour, Behaviours } from "./behaviour.ts";
import { listed, text, timeOf } from "./behaviour.ts";
import { DojoError } from "./errors.ts";
import { copyValue, isRecord, type State, type Value } from "./state.ts";
import { environmentOf, type Suite, type SuiteCall } from "./suite.ts";
import { banking } from "./worlds/banking.ts";
import { office } from "./worlds/office.ts";
import { slack } from "./worlds/slack.ts";
import { travel } from "./worlds/travel.ts";

/** Everything that is known here, by tool name. */
export const knownBehaviours: Behaviours = { ...banking, ...travel, ...office, ...slack };

/**
 * What each tool of a suite does.
 * @param own behaviours of a suite's own; they come before the known ones
 * @throws DojoError `dojo/tools-unknown`, with the names of all that nobody can play
 */
export function behavioursOf(suite: Suite, own: Behaviours = {}): ReadonlyMap<string, Behaviour> {
  const all = { ...knownBehaviours, ...own };
  const missing = suite.tools.flatMap(({ name }) => (Object.hasOwn(all, name) ? [] : [name]));
  if (missing.length > 0) {
    throw new DojoError(
      "dojo/tools-unknown",
      `nobody knows what these tools of ${suite.name} do: ${missing.join(", ")}`,
      {
        data: { suite: suite.name, tools: missing },
      },
    );
  }
  return new Map(suite.tools.map(({ name }) => [name, all[name] as Behaviour]));
}

/** A suite's start state with texts planted in it, as a run gets it: a copy of its own, with ids and contacts worked out. */
export function startState(suite: Suite, planted: Readonly<Record<string, string>> = {}): State {
  return settled(environmentOf(suite, planted) as State);
}

/** Plays calls on a state, one after the other; a refusal ends nothing. Returns what each answered. */
export function playCalls(
  behaviours: ReadonlyMap<string, Behaviour>,
  state: State,
  calls: readonly SuiteCall[],
): readonly ({ readonly output: Value } | { readonly refused: string })[] {
  return calls.map(({ tool, args }) => {
    try {
      return { output: (behaviours.get(tool) as Behaviour)(state, args as Record<string, Value>) };
    } catch (thrown) {
      return { refused: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  });
}

/** Lists of what was there in the beginning become maps by id; times get their seconds, mails who knows whom. */
function settled(state: State): State {
  const { inbox, calendar, cloud_drive: drive, reservation } = state;
  if (isRecord(inbox)) {
    const first = recordsIn(inbox.initial_emails).map(
      (mail, index): State => ({
        id_: String(index),
        cc: [],
        bcc: [],
        attachments: [],
        ...mail,
        timestamp: timeOf(mail.timestamp),
      }),
    );
    inbox.initial_emails = first;
    inbox.emails ??= byId(first);
    inbox.contact_list ??= contactsIn(first);
    inbox.trash ??= {};
  }
  if (isRecord(calendar)) {
    const first = recordsIn(calendar.initial_events).map(
      (event): State => ({ ...event, start_time: timeOf(event.start_time), end_time: timeOf(event.end_time) }),
    );
    calendar.initial_events = first;
    calendar.events ??= byId(first);
  }
  if (isRecord(drive)) {
    const first = recordsIn(drive.initial_files).map((file): State => ({ shared_with: {}, ...file }));
    drive.initial_files = first;
    drive.files ??= byId(first);
  }
  if (isRecord(reservation)) {
    for (const field of ["start_time", "end_time"]) reservation[field] = timeOf(reservation[field]);
  }
  return state;
}

function recordsIn(value: Value | undefined): State[] {
  return listed(value).filter(isRecord);
}

function byId(records: readonly State[]): State {
  return Object.fromEntries(records.map((record) => [text(record.id_), copyValue(record)]));
}

function contactsIn(mails: readonly State[]): State[] {
  const addresses = new Set(
    mails.flatMap(({ sender, recipients, cc, bcc }) => [sender, recipients, cc, bcc].flatMap(listed)),
  );
  return [...addresses]
    .map(text)
    .sort()
    .map((email) => ({ email, name: nameIn(email) }));
}

/** `first.last@…` is First Last. */
function nameIn(email: string): string {
  const parts = (email.split("@")[0] ?? "").split(".");
  return parts.map((part) => `${part.slice(0, 1).toUpperCase()}${part.slice(1)}`).join(" ");
}
