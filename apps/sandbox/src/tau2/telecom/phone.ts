/**
 * How the phone behaves: what the manual says that each setting does. Pure over the state. Where the manual leaves a figure open
 * (how fast which network is), it is chosen so that the manual's words come out: 5G with nothing in its way is excellent,
 * whatever the manual calls slow is not.
 */
import { brokenApn, type Phone, type Signal, type Technology } from "./record.ts";
import { lineOfPhone, planOf, setPhone, type TelecomState } from "./state.ts";

export type SimStatus = Phone["sim_card_status"];

export const simOf = ({ phone }: TelecomState): SimStatus =>
  phone.sim_card_missing ? "missing" : phone.sim_card_status;

/** Which technologies a mode looks for, the best first. */
const searched: Readonly<Record<Phone["network_mode_preference"], readonly Technology[]>> = {
  "4g_5g_preferred": ["5G", "4G"],
  "4g_only": ["4G"],
  "3g_only": ["3G"],
  "2g_only": ["2G"],
};

/**
 * Looks for a network. The phone does so when a setting of its radio changes and when it starts, and not when only the carrier
 * has changed something: the policy has the customer restart the phone after a line was resumed.
 */
export function searchNetwork(state: TelecomState): void {
  const { phone, holder } = state;
  const line = lineOfPhone(state);
  const admitted =
    simOf(state) === "active" &&
    !phone.airplane_mode &&
    phone.active_apn_settings.apn_name !== brokenApn &&
    (line === undefined || line.status === "Active");
  const strengthOf = (one: Technology): Signal => holder.signal[one] ?? "none";
  const found = admitted
    ? searched[phone.network_mode_preference].find((one) => strengthOf(one) !== "none")
    : undefined;
  setPhone(state, {
    network_connection_status: found === undefined ? "no_service" : "connected",
    network_technology_connected: found ?? "none",
    network_signal_strength: found === undefined ? "none" : strengthOf(found),
  });
}

/** All of the plan's data and of what was refuelled is used up. */
export function isDataUsedUp(state: TelecomState): boolean {
  const line = lineOfPhone(state);
  if (line === undefined) return false;
  return line.data_used_gb >= planOf(state, line.plan_id).data_limit_gb + line.data_refueling_gb;
}

export function hasData(state: TelecomState): boolean {
  const { phone, holder } = state;
  if (phone.airplane_mode || phone.network_connection_status !== "connected") return false;
  if (phone.network_signal_strength === "none" || !phone.data_enabled) return false;
  if (holder.isAbroad && !(phone.roaming_enabled && lineOfPhone(state)?.roaming_enabled === true)) return false;
  return !isDataUsedUp(state);
}

export interface Speed {
  readonly mbps: number;
  readonly word: "very poor" | "poor" | "fair" | "good" | "excellent";
}

const fullMbps: Readonly<Record<Technology | "none", number>> = { "2G": 0.25, "3G": 3, "4G": 55, "5G": 275, none: 0 };
const shareOf: Readonly<Record<Signal, number>> = { none: 0, poor: 0.2, fair: 0.5, good: 0.8, excellent: 1 };

/** What a speed test measures; nothing without a connection. Wi-Fi is no part of it. */
export function speedOf(state: TelecomState): Speed | undefined {
  if (!hasData(state)) return undefined;
  const { phone } = state;
  const slowVpn = phone.vpn_connected && phone.vpn_details?.server_performance.toLowerCase() === "poor";
  const brake = (slowVpn ? 0.1 : 1) * (phone.data_saver_mode ? 0.2 : 1);
  const full = fullMbps[phone.network_technology_connected] * shareOf[phone.network_signal_strength];
  const mbps = Math.round(full * brake * 100) / 100;
  const word = mbps < 1 ? "very poor" : mbps < 5 ? "poor" : mbps < 25 ? "fair" : mbps < 100 ? "good" : "excellent";
  return { mbps, word };
}

/** The messaging app is able to send a picture. */
export function canSendMms(state: TelecomState): boolean {
  const { phone } = state;
  if (!hasData(state) || phone.network_technology_connected === "2G") return false;
  // The carrier does not take pictures over Wi-Fi; Wi-Fi Calling alone is in nobody's way.
  if (phone.wifi_calling_enabled && phone.wifi_calling_mms_over_wifi) return false;
  if (!phone.active_apn_settings.mmsc_url) return false;
  const permissions = Object.hasOwn(phone.app_statuses, "messaging")
    ? phone.app_statuses.messaging?.permissions
    : undefined;
  return permissions?.sms === true && permissions.storage === true;
}

const bars: Readonly<Record<Signal, string>> = {
  none: "📵 No Signal",
  poor: "📶¹ Poor",
  fair: "📶² Fair",
  good: "📶³ Good",
  excellent: "📶⁴ Excellent",
};

/** The icons at the top of the screen, as the manual lists them. */
export function statusBar({ phone }: TelecomState): string {
  const icons: string[] = [];
  if (phone.airplane_mode) icons.push("✈️ Airplane Mode");
  else {
    const connected = phone.network_technology_connected !== "none";
    icons.push(bars[phone.network_signal_strength]);
    if (connected) icons.push(phone.network_technology_connected);
    icons.push(phone.data_enabled && connected ? "📱 Data Enabled" : "📵 Data Disabled");
    if (phone.data_saver_mode) icons.push("🔽 Data Saver");
  }
  if (phone.wifi_enabled) {
    icons.push(phone.wifi_connected && phone.wifi_ssid ? `📡 Connected to ${phone.wifi_ssid}` : "📡 Enabled");
  }
  if (phone.vpn_connected) icons.push("🔒 VPN Connected");
  icons.push(`🔋 ${phone.battery_level}%`);
  return icons.join(" | ");
}
