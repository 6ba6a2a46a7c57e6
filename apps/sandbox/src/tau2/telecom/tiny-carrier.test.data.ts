import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../../world/world.ts";
import { loadTelecom, type TelecomDomain } from "./load.ts";

/**
 * A carrier of our own in the published form: two customers, a plan with little data, and tasks that are put together of faults.
 * Nothing of it is anybody's.
 */

const device = `[device]
sim_card_status = "active"
sim_card_missing = false
airplane_mode = false
network_signal_strength = "excellent"
network_technology_connected = "5G"
network_connection_status = "connected"
battery_level = 61
data_enabled = true
roaming_enabled = false
network_mode_preference = "4g_5g_preferred"
wifi_enabled = false
wifi_connected = false
wifi_signal_strength = "none"
wifi_calling_enabled = false
wifi_calling_mms_over_wifi = false
data_saver_mode = false
vpn_enabled_setting = false
vpn_connected = false
[device.active_apn_settings]
apn_name = "harbour"
mms_apn = "pictures"
mmsc_url = "http://pictures.harbour.test"
[device.app_statuses.messaging]
app_name = "messaging"
[device.app_statuses.messaging.permissions]
sms = true
storage = true
camera = false
`;

const line = (id: string, number: string, plan: string, more = "") => `[[lines]]
line_id = "${id}"
phone_number = "${number}"
status = "Active"
plan_id = "${plan}"
device_id = "D1"
data_used_gb = 1.5
data_refueling_gb = 0.0
roaming_enabled = false
contract_end_date = 2031-12-31
${more}`;

const customer = (id: string, name: string, number: string, lines: string, bills: string) => `[[customers]]
customer_id = "${id}"
full_name = "${name}"
date_of_birth = "1990-02-03"
phone_number = "${number}"
line_ids = ${lines}
bill_ids = ${bills}
`;

const bill = (id: string, of: string, status: string, issued: string) => `[[bills]]
bill_id = "${id}"
customer_id = "${of}"
period_start = "2030-04-01"
period_end = "2030-04-30"
issue_date = "${issued}"
total_due = 12.5
due_date = "2030-05-20"
status = "${status}"
line_items = []
`;

const books = `[[plans]]
plan_id = "P1"
name = "Quay"
data_limit_gb = 4.0
price_per_month = 12.5
data_refueling_price_per_gb = 1.25
[[devices]]
device_id = "D1"
device_type = "phone"
${line("L1", "555-700-0001", "P1")}
${line("L2", "555-700-0002", "P1")}
${line("L3", "555-700-0003", "P1")}
${customer("C1", "Ada Quill", "555-700-0001", '["L1", "L2"]', '["B1"]')}
${customer("C2", "Bo Quill", "555-700-0009", '["L3"]', '["B2", "B3"]')}
${bill("B1", "C1", "Paid", "2030-05-01")}
${bill("B2", "C2", "Overdue", "2030-05-01")}
${bill("B3", "C2", "Draft", "2030-06-01")}
`;

const policy = `# Rules of a carrier

The current time is 2030-05-17 09:00:00 UTC. Before handing over, send the message 'SOMEBODY WILL CALL YOU.' to the user.
`;

/** A diagnosis of two things, in the form of the published drawings; of anything else it knows nothing. */
export const tinyDiagnosis = `digraph Harbour {
  Start [label="Start"];
  Fine [label="Issue Resolved"];
  Person [label="Transfer to Human Agent"];
  One [label="Path 1: No Service"];
  Look [label="Check if user is facing a no service issue"];
  Down [label="Status Bar shows\\nno service/airplane mode?"];
  Air [label="Check Airplane Mode and Network Status"];
  AirOn [label="Airplane Mode ON?"];
  AirOff [label="Ask user to turn Airplane Mode OFF"];
  AirBack [label="Service Restored?"];
  Sim [label="Verify SIM Card Status"];
  SimOut [label="SIM Missing?"];
  SimIn [label="Ask user to re-seat the SIM card"];
  SimBack [label="Service Restored?"];
  Start -> One -> Look -> Down;
  Down -> Air [label="Yes"]; Down -> Fine [label="No"];
  Air -> AirOn; AirOn -> AirOff [label="Yes"]; AirOn -> Sim [label="No"];
  AirOff -> AirBack; AirBack -> Fine [label="Yes"]; AirBack -> Sim [label="No"];
  Sim -> SimOut; SimOut -> SimIn [label="Yes"]; SimOut -> Person;
  SimIn -> SimBack; SimBack -> Fine [label="Yes"]; SimBack -> Person [label="No"];
}`;

export const tinyCarrierFiles: Readonly<Record<string, string>> = {
  "db.toml": books,
  "user_db.toml": device,
  "main_policy.md": policy,
  "tech_support_manual.md": "# What the phone can do\n",
};

type Call = readonly [side: "user" | "assistant", name: string, input?: { readonly [name: string]: Json }];

/** What can be wrong, and what puts it right; nothing puts right what only a person can. */
export interface Fault {
  readonly name: string;
  readonly setUp: readonly Call[];
  readonly fix: readonly Call[] | undefined;
  /** Faults of one kind cannot be there at once. */
  readonly kind: string;
}

const own = { customer_id: "C1", line_id: "L1" };
const ofApp = (permission: string) => ({ app_name: "messaging", permission });
const suspended = (contract_ended: boolean): readonly Call[] => [
  ["assistant", "suspend_line_for_overdue_bill", { ...own, new_bill_id: "B9", contract_ended }],
  ["user", "simulate_network_search"],
];

/** In the order in which they are put right: service first, then data, then pictures. */
export const faults: readonly Fault[] = [
  {
    name: "airplane",
    kind: "airplane",
    setUp: [["user", "turn_airplane_mode_on"]],
    fix: [["user", "toggle_airplane_mode"]],
  },
  { name: "sim", kind: "sim", setUp: [["user", "unseat_sim_card"]], fix: [["user", "reseat_sim_card"]] },
  { name: "pin", kind: "lock", setUp: [["user", "lock_sim_card", { mode: "pin" }]], fix: undefined },
  {
    name: "apn",
    kind: "apn",
    setUp: [["user", "break_apn_settings"]],
    fix: [
      ["user", "reset_apn_settings"],
      ["user", "reboot_device"],
    ],
  },
  {
    name: "bill",
    kind: "suspension",
    setUp: suspended(false),
    fix: [
      ["assistant", "send_payment_request", { customer_id: "C1", bill_id: "B9" }],
      ["user", "make_payment"],
      ["assistant", "resume_line", own],
      ["user", "reboot_device"],
    ],
  },
  { name: "contract", kind: "suspension", setUp: suspended(true), fix: undefined },
  {
    name: "abroad",
    kind: "roaming",
    setUp: [
      ["user", "set_user_location", { abroad: true }],
      ["user", "turn_roaming_off"],
    ],
    fix: [
      ["assistant", "enable_roaming", own],
      ["user", "toggle_roaming"],
    ],
  },
  { name: "data", kind: "data", setUp: [["user", "turn_data_off"]], fix: [["user", "toggle_data"]] },
  {
    name: "used",
    kind: "usage",
    setUp: [["assistant", "set_data_usage", { ...own, data_used_gb: 4.1 }]],
    fix: [["assistant", "refuel_data", { ...own, gb_amount: 2 }]],
  },
  {
    name: "saver",
    kind: "saver",
    setUp: [["user", "turn_data_saver_mode_on"]],
    fix: [["user", "toggle_data_saver_mode"]],
  },
  {
    name: "mode",
    kind: "mode",
    setUp: [["user", "set_network_mode_preference", { mode: "2g_only" }]],
    fix: [["user", "set_network_mode_preference", { mode: "4g_5g_preferred" }]],
  },
  { name: "vpn", kind: "vpn", setUp: [["user", "break_vpn"]], fix: [["user", "disconnect_vpn"]] },
  {
    name: "calling",
    kind: "calling",
    setUp: [["user", "set_wifi_calling", { enabled: true, mms_over_wifi: true }]],
    fix: [["user", "toggle_wifi_calling"]],
  },
  {
    name: "mmsc",
    kind: "apn",
    setUp: [["user", "break_apn_mms_setting"]],
    fix: [
      ["user", "reset_apn_settings"],
      ["user", "reboot_device"],
    ],
  },
  {
    name: "permissions",
    kind: "permissions",
    setUp: [
      ["user", "remove_app_permission", ofApp("sms")],
      ["user", "remove_app_permission", ofApp("storage")],
    ],
    fix: [
      ["user", "grant_app_permission", ofApp("sms")],
      ["user", "grant_app_permission", ofApp("storage")],
    ],
  },
];

/** What is right when nothing is wrong. */
const whole: readonly Call[] = [
  ["user", "assert_service_status", { expected_status: "connected" }],
  ["user", "assert_mobile_data_status", { expected_status: true }],
  ["user", "assert_internet_speed", { expected_speed: 200, expected_desc: "excellent" }],
  ["user", "assert_can_send_mms", { expected_status: true }],
  ["assistant", "assert_no_overdue_bill", { overdue_bill_id: "B9" }],
];

/** A published task in which all of these are wrong. @param phone whose it is */
export function taskOf(wrong: readonly Fault[], phone = "555-700-0001"): Json {
  const fixable = wrong.every(({ fix }) => fix !== undefined);
  const about = ([side, func_name, input = {}]: Call) => ({ env_type: side, func_name, arguments: input });
  const handOver: Call = ["assistant", "transfer_to_human_agents", { summary: "It cannot be fixed." }];
  const actions = fixable ? wrong.flatMap(({ fix = [] }) => fix) : [handOver];
  const identity: Call = ["user", "set_user_info", { name: "Ada Quill", phone_number: phone }];
  return {
    id: `[tiny]${wrong.map(({ name }) => name).join("|")}`,
    user_scenario: {
      instructions: {
        reason_for_call: "Your phone does not work as it should.",
        known_info: `You are Ada Quill with phone number ${phone}.`,
        task_instructions: "You are willing to refuel 2.0 GB of data if necessary. If asked to pay a bill, you accept.",
      },
    },
    initial_state: {
      initialization_data: null,
      initialization_actions: [identity, ...wrong.flatMap(({ setUp }) => setUp)].map(about),
      message_history: null,
    },
    evaluation_criteria: {
      actions: actions.map(([side, name, input = {}], index) => ({
        action_id: `${name}_${index}`,
        requestor: side,
        name,
        arguments: input,
        compare_args: fixable ? null : [],
      })),
      env_assertions: fixable
        ? whole.map((call) => ({ ...about(call), assert_value: true }))
        : [{ ...about(["user", "assert_service_status", { expected_status: "connected" }]), assert_value: false }],
      reward_basis: fixable ? ["ENV_ASSERTION", "DB"] : ["ENV_ASSERTION", "ACTION"],
    },
  };
}

/** All ways in which up to so many things can be wrong at once. */
export function combinations(most: number): readonly (readonly Fault[])[] {
  const found: (readonly Fault[])[] = [];
  const add = (from: number, chosen: readonly Fault[]) => {
    for (let index = from; index < faults.length; index++) {
      const fault = faults[index];
      if (fault === undefined || chosen.some(({ kind }) => kind === fault.kind)) continue;
      found.push([...chosen, fault]);
      if (chosen.length + 1 < most) add(index + 1, [...chosen, fault]);
    }
  };
  add(0, []);
  return found;
}

/** The carrier's files with these tasks, in a folder. */
export function writeTinyCarrier(
  folder: string,
  tasks: readonly Json[],
  more: Readonly<Record<string, string>> = {},
): string {
  const files = { ...tinyCarrierFiles, "tasks.json": JSON.stringify(tasks), ...more };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** The carrier, read from a folder. */
export function tinyCarrier(folder: string, tasks: readonly Json[]): TelecomDomain {
  return loadTelecom(writeTinyCarrier(folder, tasks));
}
