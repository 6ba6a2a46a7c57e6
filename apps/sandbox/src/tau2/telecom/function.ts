import { z } from "zod";
import { WorldRefusal } from "../../world/world.ts";
import type { Tau2Function } from "../task.ts";
import { dayOf, lineTools } from "./line-tools.ts";
import { canSendMms, hasData, isDataUsedUp, searchNetwork, speedOf } from "./phone.ts";
import { connectVpn, phoneTools, setPermission, setSwitch } from "./phone-tools.ts";
import { brokenApn, lineStatuses } from "./record.ts";
import { billOf, customerOf, ownLineOf, planOf, putBill, putLine, setPhone, type TelecomState } from "./state.ts";

/**
 * The functions that tasks name beside the tools: what makes a task's start, and what must be true at its end. Nobody can call
 * them in a run. A set-up may also be a call of a tool, of either side.
 */

interface TelecomFunction {
  readonly input: z.ZodType;
  /** A boolean is what an assertion found; what a set-up gives back counts for nothing. */
  readonly run: (state: TelecomState, input: never) => unknown;
}

function made<Input extends z.ZodType>(
  input: Input,
  run: (state: TelecomState, input: z.output<Input>) => unknown,
): TelecomFunction {
  return { input, run: run as TelecomFunction["run"] };
}

const none = z.object({});
const plain = (run: (state: TelecomState) => unknown) => made(none, (state) => run(state));
const switched = (which: Parameters<typeof setSwitch>[1], on: boolean) => plain((state) => setSwitch(state, which, on));
const expectsFlag = (is: (state: TelecomState) => boolean) =>
  made(z.object({ expected_status: z.boolean() }), (state, { expected_status }) => is(state) === expected_status);
const onLine = { customer_id: z.string(), line_id: z.string() };

const functions: Readonly<Record<string, TelecomFunction>> = {
  set_user_info: made(z.object({ name: z.string(), phone_number: z.string() }), (state, { name, phone_number }) => {
    state.holder = { ...state.holder, name, phoneNumber: phone_number };
  }),
  set_user_location: made(z.object({ abroad: z.boolean() }), (state, { abroad }) => {
    state.holder = { ...state.holder, isAbroad: abroad };
  }),
  turn_airplane_mode_on: switched("airplane_mode", true),
  turn_airplane_mode_off: switched("airplane_mode", false),
  turn_data_on: switched("data_enabled", true),
  turn_data_off: switched("data_enabled", false),
  turn_roaming_on: switched("roaming_enabled", true),
  turn_roaming_off: switched("roaming_enabled", false),
  turn_data_saver_mode_on: switched("data_saver_mode", true),
  turn_data_saver_mode_off: switched("data_saver_mode", false),
  unseat_sim_card: plain((state) => {
    setPhone(state, { sim_card_missing: true });
    searchNetwork(state);
  }),
  lock_sim_card: made(z.object({ mode: z.enum(["pin", "puk"]) }), (state, { mode }) => {
    setPhone(state, { sim_card_status: mode === "pin" ? "locked_pin" : "locked_puk" });
    searchNetwork(state);
  }),
  break_apn_settings: plain((state) => {
    setPhone(state, { active_apn_settings: { ...state.phone.active_apn_settings, apn_name: brokenApn } });
    searchNetwork(state);
  }),
  break_apn_mms_setting: plain((state) => {
    const { mmsc_url: _, ...others } = state.phone.active_apn_settings;
    setPhone(state, { active_apn_settings: others });
  }),
  set_wifi_calling: made(
    z.object({ enabled: z.boolean(), mms_over_wifi: z.boolean().nullish() }),
    (state, { enabled, mms_over_wifi }) => {
      setSwitch(state, "wifi_calling_enabled", enabled);
      if (mms_over_wifi != null) setPhone(state, { wifi_calling_mms_over_wifi: mms_over_wifi });
    },
  ),
  break_vpn: plain((state) => connectVpn(state, "poor")),
  remove_app_permission: made(
    z.object({ app_name: z.string(), permission: z.string() }),
    (state, { app_name, permission }) => setPermission(state, app_name, permission, false),
  ),
  simulate_network_search: plain(searchNetwork),
  get_available_plan_ids: plain(({ plans }) => Object.keys(plans)),
  set_data_usage: made(
    z.object({ ...onLine, data_used_gb: z.number() }),
    (state, { customer_id, line_id, data_used_gb }) =>
      putLine(state, { ...ownLineOf(state, customer_id, line_id), data_used_gb }),
  ),
  suspend_line_for_overdue_bill: made(
    z.object({ ...onLine, new_bill_id: z.string(), contract_ended: z.boolean() }),
    (state, { customer_id, line_id, new_bill_id, contract_ended }) => {
      const line = ownLineOf(state, customer_id, line_id);
      if (line.status !== "Active") throw new WorldRefusal("Line must be active to suspend for unpaid bill");
      if (Object.hasOwn(state.bills, new_bill_id)) throw new WorldRefusal(`There is a bill ${new_bill_id} already`);
      const { bill_ids } = customerOf(state, customer_id);
      if (bill_ids.some((id) => billOf(state, id).status === "Overdue")) {
        throw new WorldRefusal("Customer already has an overdue bill");
      }
      const amount = planOf(state, line.plan_id).price_per_month;
      const monthBegan = dayOf(state.today, -1, 1);
      const monthEnded = dayOf(state.today, 0, 0);
      // What was not paid is last month's.
      putBill(state, {
        bill_id: new_bill_id,
        customer_id,
        period_start: monthBegan,
        period_end: monthEnded,
        issue_date: monthBegan,
        total_due: amount,
        due_date: dayOf(state.today, -1, 15),
        status: "Overdue",
        line_items: [{ description: `Charge for line ${line_id}`, amount, date: state.today, item_type: "Charge" }],
      });
      putLine(state, {
        ...line,
        status: "Suspended",
        suspension_start_date: state.today,
        ...(contract_ended ? { contract_end_date: monthEnded } : {}),
      });
    },
  ),
  assert_airplane_mode_status: expectsFlag(({ phone }) => phone.airplane_mode),
  assert_mobile_data_status: expectsFlag(hasData),
  assert_mobile_roaming_status: expectsFlag(({ phone }) => phone.roaming_enabled),
  assert_mobile_data_saver_mode_status: expectsFlag(({ phone }) => phone.data_saver_mode),
  assert_can_send_mms: expectsFlag(canSendMms),
  assert_mobile_data_usage_exceeded: expectsFlag(isDataUsedUp),
  assert_service_status: made(
    z.object({ expected_status: z.string() }),
    ({ phone }, { expected_status }) => phone.network_connection_status === expected_status,
  ),
  assert_internet_speed: made(
    z.object({ expected_speed: z.number(), expected_desc: z.string().nullish() }),
    (state, { expected_speed, expected_desc }) => {
      const speed = speedOf(state);
      const word = speed?.word ?? "no connection";
      return (speed?.mbps ?? 0) >= expected_speed && (expected_desc == null || word === expected_desc.toLowerCase());
    },
  ),
  assert_internet_not_excellent: plain((state) => speedOf(state)?.word !== "excellent"),
  assert_data_refueling_amount: made(
    z.object({ ...onLine, expected_amount: z.number() }),
    (state, { customer_id, line_id, expected_amount }) =>
      Math.abs(ownLineOf(state, customer_id, line_id).data_refueling_gb - expected_amount) < 1e-6,
  ),
  assert_line_status: made(
    z.object({ ...onLine, expected_status: z.enum(lineStatuses) }),
    (state, { customer_id, line_id, expected_status }) =>
      ownLineOf(state, customer_id, line_id).status === expected_status,
  ),
  assert_overdue_bill_exists: made(
    z.object({ customer_id: z.string(), overdue_bill_id: z.string() }),
    (state, { customer_id, overdue_bill_id: bill }) =>
      customerOf(state, customer_id).bill_ids.includes(bill) && billOf(state, bill).status === "Overdue",
  ),
  // A bill that there is not cannot be overdue; of one that there is, only paid counts.
  assert_no_overdue_bill: made(
    z.object({ overdue_bill_id: z.string() }),
    (state, { overdue_bill_id: bill }) => !Object.hasOwn(state.bills, bill) || billOf(state, bill).status === "Paid",
  ),
};

/** The tools of both sides by name: a set-up may call them too. */
const tools = new Map([...lineTools, ...phoneTools].map((tool): [string, TelecomFunction] => [tool.name, tool]));

function functionNamed(name: string): TelecomFunction | undefined {
  return Object.hasOwn(functions, name) ? functions[name] : tools.get(name);
}

/** What is wrong with a function's name or arguments; nothing where it could be called. */
export function problemWith({ name, input }: Tau2Function): string | undefined {
  const found = functionNamed(name);
  if (found === undefined) return `${name} is no function of the telecom domain`;
  const issue = found.input.safeParse(input).error?.issues[0];
  return issue && `${name} cannot take its arguments: ${issue.path.join(".")}: ${issue.message}`;
}

/**
 * Calls a function on a state, which it may change.
 * @throws WorldRefusal where the domain says no; for a name or arguments that {@link problemWith} has a problem with
 */
export function callFunction(state: TelecomState, called: Tau2Function): unknown {
  const found = functionNamed(called.name);
  const parsed = found?.input.safeParse(called.input);
  if (found === undefined || !parsed?.success) throw new WorldRefusal(problemWith(called) ?? called.name);
  return found.run(state, parsed.data as never);
}

/** Whether what a task wants of the world is so. What cannot be said of it is not so. */
export function holds(state: TelecomState, called: Tau2Function & { readonly expected: boolean }): boolean {
  const copy = { ...state };
  try {
    return (callFunction(copy, called) === true) === called.expected;
  } catch (thrown) {
    if (thrown instanceof WorldRefusal) return false;
    throw thrown;
  }
}
