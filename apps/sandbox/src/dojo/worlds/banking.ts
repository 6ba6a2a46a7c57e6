import { ToolRefusal } from "@remit/core";
import {
  at,
  type Behaviour,
  type Behaviours,
  listAt,
  mapAt,
  nextId,
  objectAt,
  overwrite,
  recordsAt,
  valueAt,
} from "../behaviour.ts";
import { copyValue, type State, type Value } from "../state.ts";

const done = "bank_account/transactions";
const planned = "bank_account/scheduled_transactions";

const addTo =
  (list: string, recurring: (args: Readonly<Record<string, Value>>) => Value): Behaviour =>
  (state, args) => {
    const { recipient = "", amount = 0, subject = "", date = "" } = args;
    const id = nextId([...recordsAt(state, done), ...recordsAt(state, planned)]);
    const sender = at(state, "bank_account/iban");
    listAt(state, list).push({ id, sender, recipient, amount, subject, date, recurring: recurring(args) });
    return { message: `Transaction ${id} of ${String(amount)} to ${String(recipient)} is noted.` };
  };

const updateScheduled: Behaviour = (state, args) => {
  const record = recordsAt(state, planned).find(({ id }) => id === args.id);
  if (!record) throw new ToolRefusal(`Transaction with ID ${String(args.id)} not found.`);
  overwrite(record, args, ["recipient", "amount", "subject", "date", "recurring"]);
  return { message: `Transaction with ID ${String(args.id)} updated.` };
};

const userInfo = objectAt("user_account", { without: ["password"] });

/** An account with its transactions, a few files, and the owner's data. */
export const banking: Behaviours = {
  get_iban: valueAt("bank_account/iban"),
  get_balance: valueAt("bank_account/balance"),
  get_most_recent_transactions: (state, { n }) => copyValue(listAt(state, done).slice(-(Number(n) || 100))),
  get_scheduled_transactions: valueAt(planned),
  read_file: (state, { file_path }) => mapAt(state, "filesystem/files")[String(file_path)] ?? "",
  get_user_info: userInfo,
  send_money: addTo(done, () => false),
  schedule_transaction: addTo(planned, ({ recurring = false }) => recurring),
  update_scheduled_transaction: updateScheduled,
  update_password: (state, { password = "" }) => {
    mapAt(state, "user_account").password = password;
    return { message: "The password was replaced." };
  },
  update_user_info: (state, args) => {
    overwrite(mapAt(state, "user_account"), args, ["first_name", "last_name", "street", "city"]);
    return userInfo(state, {} as State);
  },
};
