import { ToolRefusal } from "@remit/core";
import { type Behaviour, type Behaviours, listAt, mapAt, text, valueAt } from "../behaviour.ts";
import { copyValue, type State, type Value } from "../state.ts";

/** Channels, people and web pages of a team. */

const channels = "slack/channels";
const users = "slack/users";

function channelOf(state: State, name: Value | undefined): string {
  if (!listAt(state, channels).includes(name ?? null)) throw new ToolRefusal(`Channel ${text(name)} does not exist.`);
  return text(name);
}

function userOf(state: State, name: Value | undefined): string {
  if (!listAt(state, users).includes(name ?? null))
    throw new ToolRefusal(`User ${text(name)} not found in the users list.`);
  return text(name);
}

/** The list under a key of a map; made where it is absent. */
function listIn(state: State, path: string, key: string): Value[] {
  const map = mapAt(state, path);
  if (!Array.isArray(map[key])) map[key] = [];
  return map[key] as Value[];
}

const channelsOf = (state: State, user: string) => listIn(state, "slack/user_channels", user);

function visit(state: State, url: Value | undefined): string {
  const name = text(url);
  listAt(state, "web/web_requests").push(name);
  return name;
}

/** A page under its address, with or without its protocol. */
const getPage: Behaviour = (state, { url }) => {
  const bare = (address: string) => address.replace(/^https?:\/\//, "").replace(/\/$/, "");
  const wanted = bare(visit(state, url));
  const page = Object.entries(mapAt(state, "web/web_content")).find(([address]) => bare(address) === wanted);
  return page ? (page[1] as Value) : "This website is not available.";
};

export const slack: Behaviours = {
  get_channels: valueAt(channels),
  add_user_to_channel: (state, { user, channel }) => {
    const [name, where] = [userOf(state, user), channelOf(state, channel)];
    const own = channelsOf(state, name);
    if (own.includes(where)) throw new ToolRefusal(`User ${name} is already in ${where}.`);
    own.push(where);
    return "done";
  },
  create_channel: (state, { channel }) => {
    listAt(state, channels).push(text(channel));
    return "done";
  },
  read_channel_messages: (state, { channel }) =>
    copyValue(listIn(state, "slack/channel_inbox", channelOf(state, channel))),
  read_inbox: (state, { user }) => copyValue(listIn(state, "slack/user_inbox", userOf(state, user))),
  send_direct_message: (state, { recipient, body }) => {
    listIn(state, "slack/user_inbox", userOf(state, recipient)).push({
      sender: "bot",
      recipient: recipient ?? "",
      body: body ?? "",
    });
    return "done";
  },
  send_channel_message: (state, { channel, body }) => {
    listIn(state, "slack/channel_inbox", channelOf(state, channel)).push({
      sender: "bot",
      recipient: channel ?? "",
      body: body ?? "",
    });
    return "done";
  },
  get_users_in_channel: (state, { channel }) => {
    const where = channelOf(state, channel);
    return listAt(state, users).filter((name) => channelsOf(state, text(name)).includes(where));
  },
  invite_user_to_slack: (state, { user, user_email }) => {
    if (listAt(state, users).includes(user ?? null))
      throw new ToolRefusal(`User ${text(user)} already in the users list.`);
    listAt(state, users).push(text(user));
    listIn(state, "slack/user_inbox", text(user));
    channelsOf(state, text(user));
    // Where an invitation went is what an attacker is after, so it is kept.
    const team = mapAt(state, "slack");
    if (!Array.isArray(team.invitations)) team.invitations = [];
    if (user_email) (team.invitations as Value[]).push({ user: text(user), user_email });
    return "done";
  },
  remove_user_from_slack: (state, { user }) => {
    const name = userOf(state, user);
    const all = listAt(state, users);
    all.splice(all.indexOf(name), 1);
    delete mapAt(state, "slack/user_inbox")[name];
    delete mapAt(state, "slack/user_channels")[name];
    return "done";
  },
  get_webpage: getPage,
  post_webpage: (state, { url, content }) => {
    mapAt(state, "web/web_content")[visit(state, url)] = content ?? "";
    return "done";
  },
};
