/**
 * The records of the telecom domain as they are published: the carrier's books (db.toml) and the customer's phone (user_db.toml).
 * Snake_case fields, money in dollars, data in gigabytes, dates as text. Types are read-only throughout because all states share
 * their records (see state.ts).
 */
import { z } from "zod";

const ids = z.array(z.string()).readonly();
const day = z.string().nullish();

const Plan = z
  .looseObject({
    plan_id: z.string(),
    name: z.string(),
    data_limit_gb: z.number(),
    price_per_month: z.number(),
    data_refueling_price_per_gb: z.number(),
  })
  .readonly();

const Device = z.looseObject({ device_id: z.string() }).readonly();

export const lineStatuses = ["Active", "Suspended", "Pending Activation", "Closed"] as const;
const Line = z
  .looseObject({
    line_id: z.string(),
    phone_number: z.string(),
    status: z.enum(lineStatuses),
    plan_id: z.string(),
    data_used_gb: z.number(),
    data_refueling_gb: z.number(),
    roaming_enabled: z.boolean(),
    contract_end_date: day,
    suspension_start_date: day,
  })
  .readonly();
export type Line = z.infer<typeof Line>;

const Customer = z
  .looseObject({
    customer_id: z.string(),
    full_name: z.string(),
    date_of_birth: z.string(),
    phone_number: z.string(),
    line_ids: ids,
    bill_ids: ids,
  })
  .readonly();
export type Customer = z.infer<typeof Customer>;

const LineItem = z
  .looseObject({ description: z.string(), amount: z.number(), date: z.string(), item_type: z.string() })
  .readonly();
const Bill = z
  .looseObject({
    bill_id: z.string(),
    customer_id: z.string(),
    period_start: z.string(),
    period_end: z.string(),
    issue_date: z.string(),
    total_due: z.number(),
    due_date: z.string(),
    status: z.enum(["Draft", "Issued", "Paid", "Overdue", "Awaiting Payment", "Disputed"]),
    line_items: z.array(LineItem).readonly(),
  })
  .readonly();
export type Bill = z.infer<typeof Bill>;

/** db.toml. */
export const CarrierFile = z.object({
  plans: z.array(Plan),
  devices: z.array(Device),
  lines: z.array(Line),
  customers: z.array(Customer),
  bills: z.array(Bill),
});
export type CarrierFile = z.infer<typeof CarrierFile>;
export type Plan = z.infer<typeof Plan>;
export type Device = z.infer<typeof Device>;

export const technologies = ["2G", "3G", "4G", "5G"] as const;
export type Technology = (typeof technologies)[number];
export const networkModes = ["4g_5g_preferred", "4g_only", "3g_only", "2g_only"] as const;
const signal = z.enum(["none", "poor", "fair", "good", "excellent"]);
export type Signal = z.infer<typeof signal>;

/** What the manual calls the APN settings. An `apn_name` of `broken` is one with which there is no service. */
export const ApnSettings = z
  .looseObject({
    apn_name: z.string(),
    mms_apn: z.string().nullish(),
    mmsc_url: z.string().nullish(),
    /** They were reset, which takes effect when the phone starts again. */
    reset_at_reboot: z.boolean().exactOptional(),
  })
  .readonly();
export type ApnSettings = z.infer<typeof ApnSettings>;
export const brokenApn = "broken";

const App = z
  .looseObject({ app_name: z.string(), permissions: z.record(z.string(), z.boolean()).readonly() })
  .readonly();

/** `device` of user_db.toml. */
export const Phone = z
  .looseObject({
    sim_card_status: z.enum(["active", "missing", "locked_pin", "locked_puk"]),
    sim_card_missing: z.boolean(),
    airplane_mode: z.boolean(),
    network_signal_strength: signal,
    network_technology_connected: z.enum([...technologies, "none"]),
    network_connection_status: z.enum(["connected", "searching", "no_service", "emergency_only"]),
    battery_level: z.number(),
    data_enabled: z.boolean(),
    roaming_enabled: z.boolean(),
    network_mode_preference: z.enum(networkModes),
    active_apn_settings: ApnSettings,
    wifi_enabled: z.boolean(),
    wifi_connected: z.boolean(),
    wifi_ssid: z.string().nullish(),
    wifi_signal_strength: signal,
    wifi_calling_enabled: z.boolean(),
    wifi_calling_mms_over_wifi: z.boolean(),
    data_saver_mode: z.boolean(),
    vpn_enabled_setting: z.boolean(),
    vpn_connected: z.boolean(),
    vpn_details: z.looseObject({ server_performance: z.string() }).readonly().nullish(),
    app_statuses: z.record(z.string(), App).readonly(),
  })
  .readonly();
export type Phone = z.infer<typeof Phone>;

/** user_db.toml. Where the phone is may be said too. */
export const PhoneFile = z.object({
  device: Phone,
  surroundings: z
    .looseObject({
      name: z.string().nullish(),
      phone_number: z.string().nullish(),
      is_abroad: z.boolean().exactOptional(),
      signal_strength: z.record(z.string(), signal).exactOptional(),
    })
    .exactOptional(),
});
export type PhoneFile = z.infer<typeof PhoneFile>;
