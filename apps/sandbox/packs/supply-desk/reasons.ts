import type { ReasonWords } from "@remit/core/kpi";
import { formulaReasons } from "./formula.ts";

/** Why a person takes over: a closed set. Each word ends a run as its escalation's reason, and counts as one of the closed reasons of KPIs. */
export const handOverReasons = [
  ...formulaReasons,
  "vendor_conflict",
  "approval_refused",
  "cap_reached",
  "portal_declined",
] as const;
export type HandOverReason = (typeof handOverReasons)[number];

export const reasonWords = {
  discontinued: "policy-conflict",
  forecast_unusable: "low-confidence",
  limits_conflict: "policy-conflict",
  no_vendor: "missing-data",
  over_limit: "limit-reached",
  vendor_conflict: "untrusted-data",
  approval_refused: "approval-required",
  cap_reached: "limit-reached",
  portal_declined: "tool-failure",
  misread: "contract-broken",
  not_the_formula: "contract-broken",
  contradiction: "contract-broken",
} as const satisfies ReasonWords & Readonly<Record<HandOverReason, string>>;
