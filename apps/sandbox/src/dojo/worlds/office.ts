import { ToolRefusal } from "@remit/core";
import {
  at,
  type Behaviour,
  type Behaviours,
  later,
  listed,
  mapAt,
  nextId,
  recordsAt,
  text,
  timeOf,
} from "../behaviour.ts";
import { copyValue, isRecord, type State, type Value } from "../state.ts";

/** Mail, calendar and drive of one person, as assistants in offices have them. */

const mails = "inbox/emails";
const events = "calendar/events";
const files = "cloud_drive/files";

/** The time of the office: the calendar's day, at noon; it stands still. */
function now(state: State): string {
  const day = isRecord(state.calendar) ? state.calendar.current_day : undefined;
  return `${text(day).slice(0, 10) || "2020-01-01"}T12:00:00`;
}

function found(state: State, path: string, id: Value | undefined, what: string): State {
  const record = mapAt(state, path)[text(id)];
  if (!isRecord(record)) throw new ToolRefusal(`${what} with ID '${text(id)}' not found.`);
  return record;
}

function send(
  state: State,
  { recipients, subject, body, attachments, cc, bcc }: Readonly<Record<string, Value>>,
): State {
  const emails = mapAt(state, mails);
  const id = String(nextId(recordsAt(state, mails), "id_"));
  const email: State = {
    id_: id,
    sender: at(state, "inbox/account_email"),
    recipients: listed(recipients),
    cc: listed(cc),
    bcc: listed(bcc),
    subject: text(subject),
    body: text(body),
    status: "sent",
    read: true,
    timestamp: now(state),
    attachments: listed(attachments),
  };
  emails[id] = email;
  return copyValue(email);
}

const mailsThat =
  (holds: (mail: State) => boolean): Behaviour =>
  (state) =>
    copyValue(recordsAt(state, mails).filter(holds));

const inText = (record: State, fields: readonly string[], query: Value | undefined) =>
  fields.some((field) => text(record[field]).toLowerCase().includes(text(query).toLowerCase()));

const some = (list: State[], otherwise: string): Value => {
  if (list.length === 0) throw new ToolRefusal(otherwise);
  return copyValue(list);
};

const contactsBy =
  (field: string): Behaviour =>
  (state, { query }) =>
    some(
      recordsAt(state, "inbox/contact_list").filter((contact) => inText(contact, [field], query)),
      "No contacts found. Try with a different query.",
    );

const dayOf = (event: State) => text(event.start_time).slice(0, 10);

function tell(state: State, event: State, subject: string, to: readonly Value[]): void {
  if (!isRecord(state.inbox)) return;
  send(state, { recipients: [...to], subject, body: text(event.description), attachments: [copyValue(event)] });
}

const createEvent: Behaviour = (state, { title, start_time, end_time, description, participants, location }) => {
  const owner = at(state, "calendar/account_email");
  const id = String(nextId(recordsAt(state, events), "id_"));
  const invited = listed(participants);
  const event: State = {
    id_: id,
    title: text(title),
    description: text(description),
    start_time: timeOf(start_time),
    end_time: timeOf(end_time),
    location: location ?? null,
    participants: invited.includes(owner) ? invited : [...invited, owner],
    all_day: false,
    status: "confirmed",
  };
  mapAt(state, events)[id] = event;
  tell(state, event, `Invitation: ${text(title)}`, event.participants as Value[]);
  return copyValue(event);
};

/** Mail, calendar and drive, each by its published tool names. */
export const office: Behaviours = {
  send_email: send,
  delete_email: (state, { email_id }) => {
    const email = found(state, mails, email_id, "Email");
    delete mapAt(state, mails)[text(email_id)];
    const inbox = mapAt(state, "inbox");
    if (!isRecord(inbox.trash)) inbox.trash = {};
    inbox.trash[text(email_id)] = email;
    return `Email with ID ${text(email_id)} deleted.`;
  },
  get_unread_emails: (state) => {
    const unread = recordsAt(state, mails).filter(({ read, status }) => read !== true && status !== "draft");
    for (const one of unread) one.read = true;
    return copyValue(unread);
  },
  get_sent_emails: mailsThat(({ status }) => status === "sent"),
  get_received_emails: mailsThat(({ status }) => status === "received"),
  get_draft_emails: mailsThat(({ status }) => status === "draft"),
  search_emails: (state, { query, sender }) =>
    some(
      recordsAt(state, mails).filter(
        (mail) => inText(mail, ["subject", "body"], query) && (!sender || mail.sender === sender),
      ),
      "No emails found. Try with a different query.",
    ),
  search_contacts_by_name: contactsBy("name"),
  search_contacts_by_email: contactsBy("email"),

  get_current_day: (state) => text(at(state, "calendar/current_day")).slice(0, 10),
  search_calendar_events: (state, { query, date }) =>
    some(
      recordsAt(state, events).filter(
        (event) =>
          inText(event, ["title", "description"], query) && (!date || dayOf(event) === text(date).slice(0, 10)),
      ),
      "No events found. Try with a different query.",
    ),
  get_day_calendar_events: (state, { day }) =>
    copyValue(recordsAt(state, events).filter((event) => dayOf(event) === text(day).slice(0, 10))),
  create_calendar_event: createEvent,
  cancel_calendar_event: (state, { event_id }) => {
    const event = found(state, events, event_id, "Event");
    event.status = "canceled";
    tell(state, event, `Canceled: '${text(event.title)}'`, event.participants as Value[]);
    return `Event with ID ${text(event_id)} has been canceled and participants have been notified.`;
  },
  reschedule_calendar_event: (state, { event_id, new_start_time, new_end_time }) => {
    const event = found(state, events, event_id, "Event");
    const hours = (Date.parse(`${text(event.end_time)}Z`) - Date.parse(`${text(event.start_time)}Z`)) / 3_600_000;
    event.start_time = timeOf(new_start_time);
    event.end_time = new_end_time ? timeOf(new_end_time) : later(text(event.start_time), hours);
    tell(state, event, `Rescheduled: '${text(event.title)}'`, event.participants as Value[]);
    return copyValue(event);
  },
  add_calendar_event_participants: (state, { event_id, participants }) => {
    const event = found(state, events, event_id, "Event");
    const added = listed(participants);
    event.participants = [...new Set([...listed(event.participants), ...added])];
    tell(state, event, `Invitation: ${text(event.title)}`, added);
    return copyValue(event);
  },

  create_file: (state, { filename, content }) => {
    const id = String(nextId(recordsAt(state, files), "id_"));
    const owner = at(state, "cloud_drive/account_email");
    const size = text(content).length;
    const file: State = { id_: id, filename: text(filename), content: text(content), owner, shared_with: {}, size };
    mapAt(state, files)[id] = { ...file, last_modified: now(state) };
    return copyValue(file);
  },
  append_to_file: (state, { file_id, content }) => {
    const file = found(state, files, file_id, "File");
    file.content = `${text(file.content)}${text(content)}`;
    return copyValue(file);
  },
  delete_file: (state, { file_id }) => {
    const file = found(state, files, file_id, "File");
    delete mapAt(state, files)[text(file_id)];
    return copyValue(file);
  },
  get_file_by_id: (state, { file_id }) => copyValue(found(state, files, file_id, "File")),
  list_files: (state) => copyValue(recordsAt(state, files)),
  search_files_by_filename: (state, { filename }) =>
    some(
      recordsAt(state, files).filter((file) => inText(file, ["filename"], filename)),
      "No files found. Try with a different query.",
    ),
  search_files: (state, { query }) =>
    some(
      recordsAt(state, files).filter((file) => inText(file, ["content"], query)),
      "No files found. Try with a different query.",
    ),
  share_file: (state, { file_id, email, permission }) => {
    const file = found(state, files, file_id, "File");
    if (!isRecord(file.shared_with)) file.shared_with = {};
    file.shared_with[text(email)] = permission ?? "r";
    return copyValue(file);
  },
};
