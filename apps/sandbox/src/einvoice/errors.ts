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
  "invoice/pdf-not-one": {
    retryable: false,
    message: "the file is called a PDF and is none",
    hint: "It does not begin as a PDF does. Ask the sender for the document again.",
  },
  "invoice/pdf-malformed": {
    retryable: false,
    message: "the PDF cannot be read: {reason}",
    hint: "It is damaged, or was put together by hand. What a viewer would mend is not guessed here; ask the sender for it again.",
  },
  "invoice/pdf-truncated": {
    retryable: false,
    message: "the PDF ends before its end",
    hint: "Pages or attachments may be missing, so nothing of it was read. Ask the sender for it again.",
  },
  "invoice/pdf-encrypted": {
    retryable: false,
    message: "the PDF needs a password",
    hint: "Nothing of it was read, and no password was tried. Ask the sender for one without.",
  },
  "invoice/pdf-active": {
    retryable: false,
    message: "the PDF brings {what}",
    hint: "An invoice needs no program. None was run, and nothing of the document was used; show it to whoever looks after security.",
  },
  "invoice/pdf-no-text": {
    retryable: false,
    message: "the PDF has no text and no electronic invoice: {pages} pages of pictures",
    hint: "It is a scan. Have it read by somebody, or by a program that reads pictures, and take in what that gives.",
  },
  "invoice/pdf-two-invoices": {
    retryable: false,
    message: "the PDF carries {count} electronic invoices",
    hint: "Which of them holds is not ours to choose. Ask the sender for a corrected document.",
  },
  "invoice/pdf-too-slow": {
    retryable: false,
    message: "the PDF was not read in {limitMs} ms",
    hint: "The thread that read it was ended. Raise the limit only for senders that you know.",
  },
  "invoice/not-an-invoice": {
    retryable: false,
    message: "the text of the PDF names no {field} that could be found",
    hint: "It may be no invoice, or be laid out in a way or a language that is not known. A person has to read it.",
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
