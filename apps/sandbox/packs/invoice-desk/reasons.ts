import type { HumanReason } from "@remit/core/kpi";
import { type ExceptionCode, exceptions, queueOf } from "./exceptions.ts";

/** What each exception is among the closed reasons of KPIs. */
const reasonOf = {
  unreadable_file: "missing-data",
  wrong_recipient: "policy-conflict",
  extraction_mismatch: "contract-broken",
  uncertain_reading: "low-confidence",
  page_mismatch: "untrusted-data",
  future_date: "policy-conflict",
  old_date: "policy-conflict",
  unknown_vendor: "missing-data",
  blocked_vendor: "policy-conflict",
  changed_bank_account: "untrusted-data",
  duplicate: "policy-conflict",
  reference_mismatch: "policy-conflict",
  total_mismatch: "policy-conflict",
  due_beyond_lines: "policy-conflict",
  vat_mismatch: "policy-conflict",
  currency_without_rate: "missing-data",
  po_missing: "missing-data",
  po_mismatch: "policy-conflict",
  over_delivered: "policy-conflict",
  missing_approval: "approval-required",
  approval_refused: "approval-required",
} as const satisfies Readonly<Record<ExceptionCode, HumanReason>>;

const ofPosting = { approval_refused: "approval-required", refused_by_the_books: "tool-failure" } as const;

/**
 * Why a person works on an invoice: what kept it from being posted; else the exception that chose the queue, which is the
 * escalation's word.
 */
export function invoiceDeskReason({ packet }: { readonly packet: unknown }): HumanReason | undefined {
  const { exceptions: found, notPosted } = (packet ?? {}) as {
    readonly exceptions?: unknown;
    readonly notPosted?: unknown;
  };
  if (typeof notPosted === "string" && Object.hasOwn(ofPosting, notPosted)) {
    return ofPosting[notPosted as keyof typeof ofPosting];
  }
  const codes = Array.isArray(found) ? found.filter(isCode) : [];
  const queue = queueOf(codes);
  const code = codes.find((one) => exceptions[one].queue === queue);
  return code && reasonOf[code];
}

function isCode(code: unknown): code is ExceptionCode {
  return typeof code === "string" && Object.hasOwn(exceptions, code);
}
