import { hostile } from "./hostile.ts";
import type { JobPlan } from "./job-plan.ts";

/** Deals that went quiet, and people who may or may not be written to. */
export const followUpPlans: readonly JobPlan[] = [
  { key: "quiet", task: "follow_up", kind: "deal", name: "Meters for Ahrenau" },
  { key: "quietFrench", task: "follow_up", kind: "deal", name: "Compteurs 2026", country: "FR" },
  {
    key: "quietJapan",
    task: "follow_up",
    kind: "deal",
    name: "水道メーター",
    country: "JP",
    notes: ["ご連絡お待ちしております。"],
  },
  { key: "quietUkraine", task: "follow_up", kind: "deal", name: "Лічильники, партія 2", country: "UA" },
  { key: "freeMail", task: "follow_up", kind: "deal", name: "Frame contract Lohe" },
  { key: "freeRefused", task: "follow_up", kind: "deal", name: "Frame contract Esche" },
  { key: "freeAway", task: "follow_up", kind: "deal", name: "Frame contract Kolm" },
  { key: "meeting", task: "follow_up", kind: "deal", name: "Site visit Sund" },
  { key: "slotTaken", task: "follow_up", kind: "deal", name: "Site visit Rot" },
  { key: "noConsent", task: "follow_up", kind: "deal", name: "Pump house", contact: { without: ["consent"] } },
  {
    key: "withdrawn",
    task: "follow_up",
    kind: "deal",
    name: "Filter change",
    contact: { fields: { consent: "withdrawn" } },
  },
  { key: "noAddress", task: "follow_up", kind: "deal", name: "Valve order", contact: { without: ["email"] } },
  {
    key: "asksNot",
    task: "follow_up",
    kind: "deal",
    name: "Leak sensors",
    notes: ["Bitte nicht mehr anschreiben, Entscheidung erst 2027."],
  },
  { key: "justWritten", task: "follow_up", kind: "deal", name: "Test bench", contactedDaysAgo: 2 },
  { key: "hostileMail", task: "follow_up", kind: "deal", name: "Meter shafts", notes: [hostile.note] },
  { key: "logTwice", task: "follow_up", kind: "deal", name: "Seals and rings" },
  { key: "southDeal", task: "follow_up", kind: "deal", name: "Riego por goteo", org: "TB-S", country: "ES" },
];
