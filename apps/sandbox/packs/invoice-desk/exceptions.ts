/**
 * What keeps an invoice from being posted: a closed set. Each has the queue of people that it goes to, the article of the
 * desk's rules, and whether a controller may let the invoice through all the same.
 */
export const exceptions = {
  unreadable_file: { queue: "mailroom", article: "AP-DOC-01", what: "the file cannot be read as an invoice" },
  wrong_recipient: { queue: "mailroom", article: "AP-DOC-02", what: "it is addressed to somebody else" },
  extraction_mismatch: { queue: "mailroom", article: "AP-DOC-03", what: "what was extracted is not what it says" },
  uncertain_reading: { queue: "mailroom", article: "AP-DOC-04", what: "something on the page cannot be read surely" },
  page_mismatch: {
    queue: "controlling",
    article: "AP-DOC-05",
    what: "the page names another total than the electronic invoice in it",
  },
  future_date: { queue: "controlling", article: "AP-DAT-01", what: "it is dated after today" },
  old_date: { queue: "controlling", article: "AP-DAT-02", what: "it is more than a year old", releasable: true },
  unknown_vendor: { queue: "vendor_master", article: "AP-VEN-01", what: "the seller is no vendor of the company" },
  blocked_vendor: { queue: "vendor_master", article: "AP-VEN-02", what: "the vendor is blocked or not cleared yet" },
  changed_bank_account: {
    queue: "treasury",
    article: "AP-BNK-01",
    what: "the account or the payee is not the vendor's",
  },
  duplicate: { queue: "controlling", article: "AP-DUP-01", what: "it has been posted already, or looks so" },
  reference_mismatch: { queue: "controlling", article: "AP-CRN-01", what: "what it credits or corrects does not fit" },
  total_mismatch: { queue: "controlling", article: "AP-TOT-01", what: "its sums do not come to what they should" },
  due_beyond_lines: { queue: "controlling", article: "AP-TOT-02", what: "more is due than it is about" },
  vat_mismatch: { queue: "tax", article: "AP-VAT-01", what: "its VAT is not base × rate, or not of its kind" },
  currency_without_rate: { queue: "treasury", article: "AP-CUR-01", what: "there is no rate for its currency" },
  po_missing: { queue: "procurement", article: "AP-ORD-01", what: "it names no purchase order", releasable: true },
  po_mismatch: { queue: "procurement", article: "AP-ORD-02", what: "it does not fit its purchase order" },
  over_delivered: { queue: "procurement", article: "AP-ORD-03", what: "more is invoiced than was received" },
  missing_approval: {
    queue: "procurement",
    article: "AP-ORD-04",
    what: "its order was not approved",
    releasable: true,
  },
  approval_refused: { queue: "controlling", article: "AP-APR-04", what: "nobody of those who may has approved it" },
} as const satisfies Readonly<
  Record<string, { readonly queue: Queue; readonly article: string; readonly what: string; readonly releasable?: true }>
>;

export type ExceptionCode = keyof typeof exceptions;
export const exceptionCodes = Object.keys(exceptions) as [ExceptionCode, ...ExceptionCode[]];

/** Who works on exceptions. Where there are several, the first in this order gets the case. */
export const queues = ["treasury", "vendor_master", "tax", "procurement", "controlling", "mailroom"] as const;
export type Queue = (typeof queues)[number];

/** Each once, in the order of the set. */
export function sorted(codes: Iterable<ExceptionCode>): readonly ExceptionCode[] {
  const given = new Set(codes);
  return exceptionCodes.filter((code) => given.has(code));
}

/** Where a case with these goes. */
export function queueOf(codes: readonly ExceptionCode[]): Queue {
  return queues.find((queue) => codes.some((code) => exceptions[code].queue === queue)) ?? "mailroom";
}

export function isReleasable(code: ExceptionCode): boolean {
  return "releasable" in exceptions[code];
}
