import { expect, test } from "vitest";
import { phoneTools } from "./phone-tools.ts";
import { callsIn, spoken } from "./spoken.ts";

const tools = phoneTools.map(({ name }) => name);

test.each([
  { tool: "toggle_airplane_mode", input: {} },
  { tool: "set_network_mode_preference", input: { mode: "4g_5g_preferred" } },
  { tool: "grant_app_permission", input: { app_name: 'a (b), "c"', permission: "sms" } },
  { tool: "set_apn_settings", input: { apn_settings: { apn_name: "x, y", mmsc_url: "http://h.test/(1)" } } },
])("what is said of $tool is heard", (call) => {
  expect(callsIn(`Please: ${spoken(call)}, and that is all.`, tools)).toEqual([call]);
});

test.each([
  ["Please use Toggle Airplane Mode, then check status-bar.", ["toggle_airplane_mode", "check_status_bar"]],
  ["toggle_data_saver_mode is not toggle_data.", ["toggle_data_saver_mode"]],
  ["Do not use make_payment. Use reboot_device", ["reboot_device"]],
  ["my_reboot_device and reboot_devices are none", []],
  ["check_app_permissions(app_name='messaging')", ["check_app_permissions"]],
  ["reboot_device(", ["reboot_device"]],
])("%j", (text, wanted) => {
  expect(callsIn(text, tools).map(({ tool }) => tool)).toEqual(wanted);
});

test("no more is done than a person would do at once", () => {
  expect(callsIn("reboot_device() ".repeat(500), tools)).toHaveLength(12);
});
