import type { Json } from "@remit/core";

/** Why an electronic invoice could not be read. What its numbers say is no error but a finding (`rules.ts`). */
export const invoiceErrorCodes = {
  "invoice/too-large": {
    retryable: false,
    message: "the document has more than {limit} {what}",
    hint: "Nothing of it was read. Raise the limit only for senders that you know.",
  },
  "invoice/encoding": {
    retryable: false,
    message: "the document is not text in {encoding}",
    hint: "Known are UTF-8, UTF-16, ISO-8859-1 and Windows-1252. Ask the sender for the document again.",
  },
  "invoice/malformed": {
    retryable: false,
    message: "line {line}, column {column}: {reason}",
    hint: "The document is no well-formed XML, or was cut off. Ask the sender for it again.",
  },
  "invoice/doctype": {
    retryable: false,
    message: "line {line}: the document brings a document type of its own",
    hint: "An electronic invoice needs none; entities of its own can read files and fill memory, so nothing of it was read.",
  },
  "invoice/syntax-unknown": {
    retryable: false,
    message: "the root element {root} of {space} is no invoice",
    hint: "Known are Invoice and CreditNote of UBL 2.1 and CrossIndustryInvoice of UN/CEFACT D16B.",
  },
  "invoice/field-missing": {
    retryable: false,
    message: "line {line}: {field} is missing ({path})",
    hint: "EN 16931 requires it. Ask the sender for a corrected document.",
  },
  "invoice/field-repeated": {
    retryable: false,
    message: "line {line}: {field} stands there more than once ({path})",
    hint: "Which of them holds is not ours to choose. Ask the sender for a corrected document.",
  },
  "invoice/field-invalid": {
    retryable: false,
    message: "line {line}: {field} is no {wanted} ({path})",
    hint: "Ask the sender for a corrected document.",
  },
} as const satisfies Record<string, { retryable: boolean; message: string; hint: string }>;

export type InvoiceErrorCode = keyof typeof invoiceErrorCodes;

/** Where the document stands in the way of being read. The message holds no text of the document but element names. */
export class InvoiceError<Code extends InvoiceErrorCode = InvoiceErrorCode> extends Error {
  override readonly name = "InvoiceError";
  readonly code: Code;
  readonly data: { readonly [key: string]: Json };
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: Code, data: { readonly [key: string]: Json }, options?: ErrorOptions) {
    const { message, hint, retryable } = invoiceErrorCodes[code];
    const filled = message.replaceAll(/\{(\w+)\}/g, (_, key: string) => String(data[key] ?? "?"));
    super(`${code}: ${filled}`, options);
    this.code = code;
    this.data = data;
    this.hint = hint;
    this.retryable = retryable;
  }
}
