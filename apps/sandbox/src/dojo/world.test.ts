import { expect, test } from "vitest";
import type { Behaviours } from "./behaviour.ts";
import type { State, Value } from "./state.ts";
import { knownBehaviours, startState } from "./world.ts";

const call =
  (behaviours: Behaviours, state: State) =>
  (tool: string, args: Record<string, Value> = {}) => {
    const behaviour = behaviours[tool];
    if (!behaviour) throw new Error(`no ${tool}`);
    return behaviour(state, args);
  };
const opened = (environment: State) => {
  const state = startState({
    name: "own",
    folder: "",
    environment,
    vectors: {},
    records: {},
    tools: [],
    userTasks: [],
    injectionTasks: [],
    cases: [],
  });
  return { state, tell: call(knownBehaviours, state) };
};

const office = (): State => ({
  inbox: {
    account_email: "ann.lee@house.test",
    initial_emails: [
      {
        id_: "4",
        sender: "bo.berg@out.test",
        recipients: ["ann.lee@house.test"],
        subject: "Plan",
        body: "Lunch?",
        status: "received",
        read: false,
        timestamp: "2024-01-02T09:00",
      },
    ],
  },
  calendar: {
    current_day: "2024-01-03",
    account_email: "ann.lee@house.test",
    initial_events: [
      {
        id_: "7",
        title: "Talk",
        description: "About it",
        start_time: "2024-01-03 10:00",
        end_time: "2024-01-03 11:30",
        location: null,
        participants: ["ann.lee@house.test"],
        all_day: false,
        status: "confirmed",
      },
    ],
  },
  cloud_drive: {
    account_email: "ann.lee@house.test",
    initial_files: [{ id_: "1", filename: "a.txt", content: "one", owner: "ann.lee@house.test", size: 3 }],
  },
});

test("mail: contacts are who wrote to whom; what is sent, read and deleted is there", () => {
  const { state, tell } = opened(office());
  expect(tell("search_contacts_by_name", { query: "bo" })).toEqual([{ email: "bo.berg@out.test", name: "Bo Berg" }]);
  expect(tell("send_email", { recipients: ["x@y.test"], subject: "s", body: "b" })).toMatchObject({
    id_: "5",
    sender: "ann.lee@house.test",
    status: "sent",
    timestamp: "2024-01-03T12:00:00",
  });
  expect(tell("get_unread_emails")).toMatchObject([{ id_: "4", read: true, timestamp: "2024-01-02T09:00:00" }]);
  expect(tell("get_unread_emails")).toEqual([]);
  expect(tell("search_emails", { query: "LUNCH", sender: "bo.berg@out.test" })).toHaveLength(1);
  tell("delete_email", { email_id: "4" });
  expect(tell("get_received_emails")).toEqual([]);
  expect((state.inbox as State).trash).toHaveProperty("4");
  expect(() => tell("delete_email", { email_id: "44" })).toThrow("not found");
});

test("calendar: a change tells the participants", () => {
  const { tell } = opened(office());
  expect(tell("get_day_calendar_events", { day: "2024-01-03" })).toHaveLength(1);
  expect(tell("reschedule_calendar_event", { event_id: "7", new_start_time: "2024-01-04 09:00" })).toMatchObject({
    start_time: "2024-01-04T09:00:00",
    end_time: "2024-01-04T10:30:00",
  });
  tell("add_calendar_event_participants", { event_id: "7", participants: ["bo.berg@out.test"] });
  tell("create_calendar_event", { title: "New", start_time: "2024-01-05 08:00", end_time: "2024-01-05 09:00" });
  tell("cancel_calendar_event", { event_id: "8" });
  expect((tell("get_sent_emails") as { subject: string }[]).map(({ subject }) => subject)).toEqual([
    "Rescheduled: 'Talk'",
    "Invitation: Talk",
    "Invitation: New",
    "Canceled: 'New'",
  ]);
  expect(() => tell("search_calendar_events", { query: "nothing" })).toThrow("No events found");
});

test("drive: files are made, grown, shared and deleted", () => {
  const { tell } = opened(office());
  expect(tell("create_file", { filename: "b.txt", content: "two" })).toMatchObject({ id_: "2", size: 3 });
  tell("append_to_file", { file_id: "1", content: " more" });
  tell("share_file", { file_id: "1", email: "x@y.test", permission: "rw" });
  expect(tell("get_file_by_id", { file_id: "1" })).toMatchObject({
    content: "one more",
    shared_with: { "x@y.test": "rw" },
  });
  tell("delete_file", { file_id: "2" });
  expect(tell("list_files")).toHaveLength(1);
});

test("team: people are in channels, and a page that is fetched leaves a trace", () => {
  const { state, tell } = opened({
    slack: {
      users: ["Ada", "Bob"],
      channels: ["general", "secret"],
      user_channels: { Ada: ["general", "secret"], Bob: ["general"] },
      user_inbox: { Ada: [], Bob: [] },
      channel_inbox: { general: [{ sender: "Bob", recipient: "general", body: "hi" }], secret: [] },
    },
    web: { web_content: { "www.page.test": "text" }, web_requests: [] },
  });
  expect(tell("get_users_in_channel", { channel: "secret" })).toEqual(["Ada"]);
  tell("add_user_to_channel", { user: "Bob", channel: "secret" });
  expect(tell("get_users_in_channel", { channel: "secret" })).toEqual(["Ada", "Bob"]);
  tell("send_direct_message", { recipient: "Bob", body: "hello" });
  expect(tell("read_inbox", { user: "Bob" })).toEqual([{ sender: "bot", recipient: "Bob", body: "hello" }]);
  tell("send_channel_message", { channel: "general", body: "all" });
  expect(tell("read_channel_messages", { channel: "general" })).toHaveLength(2);
  expect(tell("get_webpage", { url: "http://www.page.test/" })).toBe("text");
  tell("post_webpage", { url: "www.new.test", content: "x" });
  expect(state.web).toEqual({
    web_content: { "www.page.test": "text", "www.new.test": "x" },
    web_requests: ["http://www.page.test/", "www.new.test"],
  });
  tell("invite_user_to_slack", { user: "Cy", user_email: "cy@x.test" });
  tell("remove_user_from_slack", { user: "Bob" });
  expect((state.slack as State).users).toEqual(["Ada", "Cy"]);
  expect(() => tell("read_inbox", { user: "Bob" })).toThrow("not found");
});
