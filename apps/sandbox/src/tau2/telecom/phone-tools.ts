import { z } from "zod";
import { WorldRefusal, type WorldTool, worldTool } from "../../world/world.ts";
import { canSendMms, searchNetwork, simOf, speedOf, statusBar } from "./phone.ts";
import { ApnSettings, brokenApn, networkModes, type Phone } from "./record.ts";
import { putBill, requestedBill, setPhone, type TelecomState } from "./state.ts";

/**
 * What the customer can do on the phone. These tools are theirs alone (`by`): no server offers them and no agent has them; who
 * serves the customer asks. Each answers what the screen shows, in the manual's own words where it has some.
 */

type PhoneTool = WorldTool<TelecomState, z.ZodType>;

function looks(name: string, description: string, run: (state: TelecomState) => string): PhoneTool {
  return worldTool({ name, description, input: z.strictObject({}), effect: "read", by: "customer", run });
}

/** Something that changes the phone; the answer ends with what the status bar shows then. */
function changes<Input extends z.ZodType>(
  name: string,
  description: string,
  input: Input,
  run: (state: TelecomState, input: z.output<Input>) => string,
): PhoneTool {
  return worldTool<TelecomState, Input>({
    name,
    description,
    input,
    effect: "write",
    by: "customer",
    run: (state, given) => {
      const said = run(state, given);
      return `${said}\nStatus Bar: ${statusBar(state)}`;
    },
  });
}

const onOff = (on: boolean): string => (on ? "ON" : "OFF");

type Switch = "airplane_mode" | "data_enabled" | "roaming_enabled" | "data_saver_mode" | "wifi_calling_enabled";

/** Settings that are on or off, and whether the radio looks for its network again when one of them is changed. */
const switches: Readonly<Record<Switch, { readonly label: string; readonly radio: boolean }>> = {
  airplane_mode: { label: "Airplane Mode", radio: true },
  data_enabled: { label: "Mobile Data", radio: true },
  roaming_enabled: { label: "Data Roaming", radio: true },
  data_saver_mode: { label: "Data Saver mode", radio: false },
  wifi_calling_enabled: { label: "Wi-Fi Calling", radio: false },
};

/** Puts a setting to on or off. */
export function setSwitch(state: TelecomState, which: Switch, on: boolean): string {
  setPhone(state, { [which]: on });
  // All of its wireless connections end with it, and do not come back by themselves.
  if (which === "airplane_mode") {
    setPhone(state, { wifi_connected: false, wifi_ssid: null, wifi_signal_strength: "none" });
    if (on) setPhone(state, { vpn_connected: false, vpn_details: null });
  }
  if (switches[which].radio) searchNetwork(state);
  return `${switches[which].label} is now ${onOff(on)}.`;
}

const toggle = (name: string, which: Switch, description: string): PhoneTool =>
  changes(name, description, z.strictObject({}), (state) => setSwitch(state, which, !state.phone[which]));

function appOf({ phone }: TelecomState, name: string): Phone["app_statuses"][string] {
  const app = Object.hasOwn(phone.app_statuses, name) ? phone.app_statuses[name] : undefined;
  if (app === undefined) throw new WorldRefusal(`App '${name}' not found on this phone.`);
  return app;
}

/** Gives a permission to an app, or takes it away. */
export function setPermission(state: TelecomState, name: string, permission: string, granted: boolean): string {
  const app = appOf(state, name);
  const wanted = permission.toLowerCase();
  if (!Object.hasOwn(app.permissions, wanted)) {
    throw new WorldRefusal(
      `App '${name}' has no permission '${permission}'; there are ${Object.keys(app.permissions)}`,
    );
  }
  const changed = { ...app, permissions: { ...app.permissions, [wanted]: granted } };
  setPhone(state, { app_statuses: { ...state.phone.app_statuses, [name]: changed } });
  return `Permission '${wanted}' ${granted ? "granted to" : "removed from"} app '${name}'.`;
}

const granted = (state: TelecomState, name: string): string => {
  const own = Object.entries(appOf(state, name).permissions).flatMap(([one, has]) => (has ? [one] : []));
  return own.length === 0 ? "none" : own.join(", ");
};

export function setMode(state: TelecomState, mode: string): string {
  const known = networkModes.find((one) => one === mode);
  if (known === undefined) throw new WorldRefusal(`'${mode}' is no network mode; there are ${networkModes.join(", ")}`);
  setPhone(state, { network_mode_preference: known });
  searchNetwork(state);
  return `Preferred Network Mode set to: ${known}`;
}

/** A VPN that is connected by hand has a good server; `performance` is what its details say. */
export function connectVpn(state: TelecomState, performance = "excellent"): void {
  setPhone(state, {
    vpn_enabled_setting: true,
    vpn_connected: true,
    vpn_details: { server_address: "192.0.2.1", protocol: "OpenVPN", server_performance: performance },
  });
}

const app_name = z.string().describe("The app's name, such as messaging.");

export const phoneTools: readonly PhoneTool[] = [
  looks("check_status_bar", "Shows the icons at the top of the screen.", (state) => `Status Bar: ${statusBar(state)}`),
  looks("check_network_status", "Shows how the phone is connected to cellular networks and Wi-Fi.", (state) => {
    const { phone } = state;
    return [
      `Airplane Mode: ${onOff(phone.airplane_mode)}`,
      `SIM Card Status: ${simOf(state)}`,
      `Cellular Connection: ${phone.network_connection_status}`,
      `Cellular Signal: ${phone.network_signal_strength}`,
      `Cellular Network Type: ${phone.network_technology_connected}`,
      `Mobile Data Enabled: ${phone.data_enabled ? "Yes" : "No"}`,
      `Data Roaming Enabled: ${phone.roaming_enabled ? "Yes" : "No"}`,
      `Wi-Fi Radio: ${onOff(phone.wifi_enabled)}`,
      `Wi-Fi Connected: ${phone.wifi_connected ? "Yes" : "No"}`,
    ].join("\n");
  }),
  looks(
    "check_network_mode_preference",
    "Shows which type of cellular network the phone prefers.",
    ({ phone }) => `Network Mode Preference: ${phone.network_mode_preference}`,
  ),
  looks("run_speed_test", "Measures how fast mobile data is.", (state) => {
    const speed = speedOf(state);
    if (speed === undefined) return "Speed test failed: no connection.";
    const word = speed.word.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
    return `Speed Test Result: ${speed.mbps.toFixed(2)} Mbps (${word}).`;
  }),
  looks("check_sim_status", "Shows whether the SIM card is active, missing or locked.", (state) => {
    const sim = simOf(state);
    if (sim === "active") return "SIM card: Active. It is working.";
    if (sim === "missing") return "SIM card: Missing. None is detected in the phone.";
    return `SIM card: Locked with a ${sim === "locked_pin" ? "PIN" : "PUK"} code.`;
  }),
  looks(
    "check_data_restriction_status",
    "Shows whether something limits the use of data.",
    ({ phone }) => `Data Saver mode is ${onOff(phone.data_saver_mode)}.`,
  ),
  looks("check_apn_settings", "Shows the APN settings: name, and MMSC URL for picture messages.", ({ phone }) => {
    const { apn_name, mmsc_url, reset_at_reboot } = phone.active_apn_settings;
    return [
      `Current APN Name: ${apn_name}${apn_name === brokenApn ? " (Incorrect)" : ""}`,
      `MMSC URL (for picture messages): ${mmsc_url || "Not Set"}`,
      ...(reset_at_reboot ? ["They are reset when the phone is started again."] : []),
    ].join("\n");
  }),
  looks("check_wifi_status", "Shows whether Wi-Fi is on and connected.", ({ phone }) => {
    if (!phone.wifi_enabled) return "Wi-Fi is turned OFF.";
    if (!phone.wifi_connected) return "Wi-Fi is ON but not connected to any network.";
    return `Wi-Fi is ON and connected to '${phone.wifi_ssid ?? ""}'. Signal strength: ${phone.wifi_signal_strength}.`;
  }),
  looks(
    "check_wifi_calling_status",
    "Shows whether Wi-Fi Calling is on.",
    ({ phone }) => `Wi-Fi Calling is ${onOff(phone.wifi_calling_enabled)}.`,
  ),
  looks("check_vpn_status", "Shows whether a VPN is connected, and how well it performs.", ({ phone }) => {
    if (phone.vpn_connected) {
      return `VPN is ON and connected. Performance level: ${phone.vpn_details?.server_performance ?? "unknown"}.`;
    }
    return phone.vpn_enabled_setting ? "VPN is turned ON in settings, but not connected." : "VPN is turned OFF.";
  }),
  looks(
    "check_installed_apps",
    "Lists the apps on the phone.",
    ({ phone }) => `Installed apps: ${Object.keys(phone.app_statuses).join(", ")}`,
  ),
  ...(["check_app_status", "check_app_permissions"] as const).map((name) =>
    worldTool<TelecomState, z.ZodObject<{ app_name: typeof app_name }>>({
      name,
      description: "Shows what an app has permission for.",
      input: z.strictObject({ app_name }),
      effect: "read",
      by: "customer",
      run: (state, { app_name: app }) => `App '${app}' has permission for: ${granted(state, app)}.`,
    }),
  ),
  looks("can_send_mms", "Tries whether the messaging app can send a picture message.", (state) =>
    canSendMms(state) ? "Your messaging app can send MMS messages." : "Your messaging app cannot send MMS messages.",
  ),
  looks("check_payment_request", "Shows which bill the carrier asks to be paid.", (state) => {
    const bill = requestedBill(state);
    return bill === undefined
      ? "No payment request has been made."
      : `You have a payment request for bill ${bill.bill_id} of ${bill.total_due} USD.`;
  }),
  changes(
    "set_network_mode_preference",
    "Changes which type of cellular network the phone prefers.",
    z.strictObject({ mode: z.string().describe(networkModes.join(", ")) }),
    (state, { mode }) => setMode(state, mode),
  ),
  toggle(
    "toggle_airplane_mode",
    "airplane_mode",
    "Turns Airplane Mode on or off: with it all wireless connections end.",
  ),
  toggle("toggle_data", "data_enabled", "Turns mobile data on or off."),
  toggle("toggle_roaming", "roaming_enabled", "Turns Data Roaming on or off: data in networks abroad."),
  toggle(
    "toggle_data_saver_mode",
    "data_saver_mode",
    "Turns Data Saver mode on or off: it uses less data and is slower.",
  ),
  toggle("toggle_wifi_calling", "wifi_calling_enabled", "Turns Wi-Fi Calling on or off."),
  changes("toggle_wifi", "Turns the Wi-Fi radio on or off.", z.strictObject({}), (state) => {
    if (state.phone.airplane_mode) throw new WorldRefusal("Wi-Fi cannot be changed while Airplane Mode is ON.");
    const on = !state.phone.wifi_enabled;
    setPhone(state, { wifi_enabled: on, wifi_connected: false, wifi_ssid: null, wifi_signal_strength: "none" });
    return `Wi-Fi is now ${onOff(on)}.`;
  }),
  changes("reseat_sim_card", "Takes the SIM card out and puts it in again.", z.strictObject({}), (state) => {
    // A card that was missing is there then; one that is locked stays locked.
    const { sim_card_status: status } = state.phone;
    setPhone(state, { sim_card_missing: false, sim_card_status: status === "missing" ? "active" : status });
    searchNetwork(state);
    return "SIM card re-seated successfully.";
  }),
  changes(
    "set_apn_settings",
    "Sets the APN settings.",
    z.strictObject({ apn_settings: ApnSettings }),
    (state, { apn_settings }) => {
      setPhone(state, { active_apn_settings: apn_settings });
      searchNetwork(state);
      return `APN settings set to: ${apn_settings.apn_name}`;
    },
  ),
  changes("reset_apn_settings", "Resets the APN settings to the carrier's.", z.strictObject({}), (state) => {
    setPhone(state, { active_apn_settings: { ...state.phone.active_apn_settings, reset_at_reboot: true } });
    return "APN settings will be reset when the phone is started again.";
  }),
  changes("connect_vpn", "Connects the VPN.", z.strictObject({}), (state) => {
    if (state.phone.vpn_connected) return "VPN already connected.";
    connectVpn(state);
    return "VPN connected successfully.";
  }),
  changes("disconnect_vpn", "Disconnects the VPN.", z.strictObject({}), (state) => {
    if (!state.phone.vpn_connected) return "No active VPN connection to disconnect.";
    setPhone(state, { vpn_connected: false, vpn_details: null, vpn_enabled_setting: false });
    return "VPN disconnected successfully.";
  }),
  changes(
    "grant_app_permission",
    "Gives an app a permission.",
    z.strictObject({ app_name, permission: z.string().describe("Such as storage or sms.") }),
    (state, { app_name: app, permission }) => setPermission(state, app, permission, true),
  ),
  changes("reboot_device", "Starts the phone again.", z.strictObject({}), (state) => {
    if (state.phone.active_apn_settings.reset_at_reboot) setPhone(state, { active_apn_settings: state.carrierApn });
    searchNetwork(state);
    return "The phone was started again.";
  }),
  changes("make_payment", "Pays the bill that the carrier asks to be paid.", z.strictObject({}), (state) => {
    const bill = requestedBill(state);
    if (bill === undefined) throw new WorldRefusal("You do not have a payment request.");
    putBill(state, { ...bill, status: "Paid" });
    return `Payment of ${bill.total_due} USD has been made for bill ${bill.bill_id}.`;
  }),
];
