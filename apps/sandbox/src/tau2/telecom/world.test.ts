import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openWorldStore } from "../../world/store.ts";
import type { Json } from "../../world/world.ts";
import { callTool, groundTruth } from "../ground-truth.ts";
import { callFunction, holds } from "./function.ts";
import type { TelecomDomain } from "./load.ts";
import { canSendMms, hasData, speedOf, statusBar } from "./phone.ts";
import { cloneState, type TelecomState } from "./state.ts";
import { combinations, faults, taskOf, tinyCarrier } from "./tiny-carrier.test.data.ts";
import { telecomWorld } from "./world.ts";

let folder = "";
let domain: TelecomDomain;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-telecom-"));
  domain = tinyCarrier(
    folder,
    combinations(3).map((wrong) => taskOf(wrong)),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Calls = readonly (readonly [name: string, input?: { readonly [name: string]: Json }])[];
const owner = ["set_user_info", { name: "Ada Quill", phone_number: "555-700-0001" }] as const;

/** The state that functions and tools lead to. */
function after(...calls: Calls): TelecomState {
  const state = cloneState(domain.start);
  for (const [name, input = {}] of [owner, ...calls]) callFunction(state, { name, input, by: "customer" });
  return state;
}
const shown = (state: TelecomState) => [
  state.phone.network_connection_status,
  speedOf(state)?.word ?? "no connection",
  canSendMms(state),
];
/** The answer, or the refusal's message with a `!` before it. */
function say(state: TelecomState, name: string, input: { readonly [name: string]: Json } = {}): Json {
  const outcome = callTool(telecomWorld({ domain }), state, { name, input });
  return outcome.ok ? outcome.answer : `!${outcome.message}`;
}

const own = { customer_id: "C1", line_id: "L1" };

describe("what the manual says that a setting does", () => {
  test.each<[string, Calls, unknown[]]>([
    ["nothing is wrong", [], ["connected", "excellent", true]],
    ["Airplane Mode", [["turn_airplane_mode_on"]], ["no_service", "no connection", false]],
    ["a SIM card that is out", [["unseat_sim_card"]], ["no_service", "no connection", false]],
    ["a SIM card put back", [["unseat_sim_card"], ["reseat_sim_card"]], ["connected", "excellent", true]],
    [
      "a locked SIM card, re-seated",
      [["lock_sim_card", { mode: "puk" }], ["reseat_sim_card"]],
      ["no_service", "no connection", false],
    ],
    ["wrong APN settings", [["break_apn_settings"]], ["no_service", "no connection", false]],
    [
      "a reset without a restart",
      [["break_apn_settings"], ["reset_apn_settings"]],
      ["no_service", "no connection", false],
    ],
    [
      "a reset and a restart",
      [["break_apn_settings"], ["reset_apn_settings"], ["reboot_device"]],
      ["connected", "excellent", true],
    ],
    ["no MMSC URL", [["break_apn_mms_setting"]], ["connected", "excellent", false]],
    ["mobile data off", [["turn_data_off"]], ["connected", "no connection", false]],
    ["Data Saver", [["turn_data_saver_mode_on"]], ["connected", "good", true]],
    ["a VPN that is slow", [["break_vpn"]], ["connected", "good", true]],
    ["a VPN that is not", [["connect_vpn"]], ["connected", "excellent", true]],
    ["4G alone", [["set_network_mode_preference", { mode: "4g_only" }]], ["connected", "good", true]],
    ["3G alone", [["set_network_mode_preference", { mode: "3g_only" }]], ["connected", "poor", true]],
    ["2G alone", [["set_network_mode_preference", { mode: "2g_only" }]], ["connected", "very poor", false]],
    ["abroad, with roaming nowhere", [["set_user_location", { abroad: true }]], ["connected", "no connection", false]],
    [
      "abroad, with the line's roaming",
      [
        ["set_user_location", { abroad: true }],
        ["enable_roaming", own],
      ],
      ["connected", "no connection", false],
    ],
    [
      "abroad, with the phone's too",
      [["set_user_location", { abroad: true }], ["enable_roaming", own], ["toggle_roaming"]],
      ["connected", "excellent", true],
    ],
    ["Wi-Fi Calling", [["toggle_wifi_calling"]], ["connected", "excellent", true]],
    [
      "Wi-Fi Calling that takes pictures",
      [["set_wifi_calling", { enabled: true, mms_over_wifi: true }]],
      ["connected", "excellent", false],
    ],
    [
      "no permission for storage",
      [["remove_app_permission", { app_name: "messaging", permission: "storage" }]],
      ["connected", "excellent", false],
    ],
    ["all data used", [["set_data_usage", { ...own, data_used_gb: 4 }]], ["connected", "no connection", false]],
    [
      "all data used, and refuelled",
      [
        ["set_data_usage", { ...own, data_used_gb: 4 }],
        ["refuel_data", { ...own, gb_amount: 0.5 }],
      ],
      ["connected", "excellent", true],
    ],
  ])("%s", (_what, calls, wanted) => {
    expect(shown(after(...calls))).toEqual(wanted);
  });

  test("a line that is suspended shows when the phone looks for a network, and so does one that is resumed", () => {
    const suspend = ["suspend_line", { ...own, reason: "lost" }] as const;
    expect(shown(after(suspend))[0]).toBe("connected");
    expect(shown(after(suspend, ["reboot_device"]))[0]).toBe("no_service");
    expect(shown(after(suspend, ["reboot_device"], ["resume_line", own]))[0]).toBe("no_service");
    expect(shown(after(suspend, ["reboot_device"], ["resume_line", own], ["reboot_device"]))[0]).toBe("connected");
  });

  test("the status bar has the manual's icons", () => {
    expect(statusBar(after())).toBe("📶⁴ Excellent | 5G | 📱 Data Enabled | 🔋 61%");
    expect(statusBar(after(["turn_airplane_mode_on"]))).toBe("✈️ Airplane Mode | 🔋 61%");
    expect(statusBar(after(["unseat_sim_card"]))).toBe("📵 No Signal | 📵 Data Disabled | 🔋 61%");
    expect(statusBar(after(["connect_vpn"], ["toggle_data_saver_mode"], ["toggle_wifi"]))).toBe(
      "📶⁴ Excellent | 5G | 📱 Data Enabled | 🔽 Data Saver | 📡 Enabled | 🔒 VPN Connected | 🔋 61%",
    );
  });
});

describe("the books", () => {
  test.each<[string, { readonly [name: string]: Json }, unknown]>([
    ["get_customer_by_phone", { phone_number: "555 700 0002" }, { customer_id: "C1" }],
    ["get_customer_by_phone", { phone_number: "" }, "!Customer with phone number  not found"],
    ["get_customer_by_name", { full_name: "ada quill", dob: "1990-02-03" }, [{ customer_id: "C1" }]],
    ["get_customer_by_name", { full_name: "Ada Quill", dob: "1990-02-04" }, []],
    ["get_details_by_id", { id: "L1" }, { contract_end_date: "2031-12-31" }],
    ["get_details_by_id", { id: "X1" }, "!Unknown ID format or type: X1"],
    ["get_details_by_id", { id: "B__proto__" }, "!Bill B__proto__ not found"],
    ["get_bills_for_customer", { customer_id: "C2", limit: 1 }, [{ bill_id: "B3" }]],
    ["get_data_usage", own, { data_used_gb: 1.5, data_limit_gb: 4, cycle_end_date: "2030-05-31" }],
    ["get_data_usage", { customer_id: "C1", line_id: "L3" }, "!Line L3 not found for customer C1"],
    ["resume_line", own, "!Line must be suspended to resume"],
    ["suspend_line", { ...own, reason: "lost" }, { status: "Suspended", suspension_start_date: "2030-05-17" }],
    ["send_payment_request", { customer_id: "C1", bill_id: "B2" }, "!Bill B2 not found for customer C1"],
    ["enable_roaming", own, "Roaming enabled successfully"],
    ["disable_roaming", own, "Roaming was already disabled"],
    ["refuel_data", { ...own, gb_amount: 0 }, "!Refuel amount must be positive"],
    ["refuel_data", { ...own, gb_amount: 2 }, { data_refueling_gb: 2, charge: 2.5 }],
    ["make_payment", {}, "!You do not have a payment request."],
    ["grant_app_permission", { app_name: "camera", permission: "sms" }, "!App 'camera' not found on this phone."],
  ])("%s %j", (name, input, wanted) => {
    const answer = say(after(), name, input);
    if (typeof wanted === "object" && wanted !== null) expect(answer).toMatchObject(wanted);
    else expect(answer).toBe(wanted);
  });

  test("a bill is asked for, paid by the customer alone, and one at a time", () => {
    const asked = after(["suspend_line_for_overdue_bill", { ...own, new_bill_id: "B9", contract_ended: false }]);
    expect(
      holds(asked, { name: "assert_no_overdue_bill", input: { overdue_bill_id: "B9" }, by: "agent", expected: false }),
    ).toBe(true);
    callFunction(asked, { name: "send_payment_request", input: { customer_id: "C1", bill_id: "B9" }, by: "agent" });
    expect(say(asked, "check_payment_request")).toContain("bill B9 of 12.5 USD");
    expect(say(asked, "send_payment_request", { customer_id: "C1", bill_id: "B1" })).toContain("already awaiting");
    callFunction(asked, { name: "make_payment", input: {}, by: "customer" });
    expect(asked.bills.B9?.status).toBe("Paid");
  });

  test("what is refuelled is on the next bill, which is made where there is none", () => {
    const state = after(["refuel_data", { ...own, gb_amount: 1 }], ["refuel_data", { ...own, gb_amount: 1 }]);
    const drafts = Object.values(state.bills).filter(
      ({ status, customer_id }) => status === "Draft" && customer_id === "C1",
    );
    expect(drafts).toMatchObject([{ total_due: 2.5, period_start: "2030-06-01", period_end: "2030-06-30" }]);
    expect(state.customers.C1?.bill_ids).toContain(drafts[0]?.bill_id);
    expect(domain.start.customers.C1?.bill_ids).toEqual(["B1"]);
  });
});

test("up to three faults at once are put right by what puts each right, and nothing is right before", () => {
  const world = telecomWorld({ domain });
  expect(domain.tasks.length).toBeGreaterThan(400);
  for (const task of domain.tasks) {
    expect(
      task.checks.every((check) => holds(task.start, check)),
      task.id,
    ).toBe(task.actions.some(({ name }) => name === "transfer_to_human_agents"));
    const { endState, errors } = groundTruth(task, world, task.start);
    expect(errors, task.id).toEqual([]);
    expect(
      task.checks.filter((check) => !holds(endState, check)),
      task.id,
    ).toEqual([]);
  }
  expect(hasData(domain.start)).toBe(true);
});

test("a task's world begins where its set-up leaves it; the phone is the customer's alone", () => {
  const [airplane] = faults;
  const task = domain.tasks.find(({ id }) => id === `[tiny]${airplane?.name}`);
  const dir = mkdtempSync(join(folder, "store-"));
  const store = openWorldStore({ world: telecomWorld({ domain }), dir });
  const id = `suite.${task?.name}`;
  expect(store.endState(id).phone.airplane_mode).toBe(true);
  expect(store.endState("suite.no-task").phone.airplane_mode).toBe(false);
  expect(() => store.call(id, "toggle_airplane_mode", {}, { key: "k" })).toThrow(/has no tool "toggle_airplane_mode"/);
  expect(() => store.call(id, "enable_roaming", own, { key: "k", by: "customer" })).toThrow(/has no tool/);
  expect(store.call(id, "toggle_airplane_mode", {}, { key: "k", by: "customer" })).toMatchObject({ status: "done" });
  expect(store.call(id, "toggle_airplane_mode", {}, { key: "k", by: "customer" })).toMatchObject({ duplicate: true });
  expect(store.log(id).map(({ tool, by }) => [tool, by])).toEqual(Array(2).fill(["toggle_airplane_mode", "customer"]));
  expect(store.changes(id).map(({ path }) => path)).toContain("/phone/airplane_mode");
  store.close();
});
