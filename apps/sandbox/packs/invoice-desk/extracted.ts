import { z } from "zod";
import { decimalText } from "../../src/einvoice/decimal.ts";
import { currencyDigits, type Invoice } from "../../src/einvoice/invoice.ts";
import { terms } from "./terms.ts";

/**
 * The fields that are taken out of an invoice. All are narrow: no text has room for a sentence, so that nothing which
 * somebody wrote into a document can speak to the agents behind it.
 */
const code = z
  .string()
  .regex(/^[A-Za-z]{0,8}[/._-]?[A-Za-z]{0,4}[/._-]?[0-9][0-9/._-]{0,19}[A-Za-z]{0,4}[0-9/._-]{0,6}$/)
  .max(32);
const amount = z
  .string()
  .regex(/^-?[0-9]{1,15}([.][0-9]{1,4})?$/)
  .max(24);
const account = z
  .string()
  .regex(/^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$/)
  .max(34);
const vatId = z
  .string()
  .regex(/^[A-Z]{2}(?=[A-Z]{0,3}[0-9])[A-Z0-9]{2,13}$/)
  .max(15);

export const fieldForms = {
  number: code,
  issueDate: z.iso.date(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .max(3),
  sellerVatId: vatId,
  orderReference: code,
  account,
  net: amount,
  vat: amount,
  gross: amount,
  payable: amount,
} as const;
export type FieldName = keyof typeof fieldForms;
export const fieldNames = Object.keys(fieldForms) as FieldName[];

/** Values alone, as the check takes them. */
export const extractedValues = z.strictObject({
  number: code.optional(),
  issueDate: fieldForms.issueDate.optional(),
  currency: fieldForms.currency.optional(),
  sellerVatId: vatId.optional(),
  orderReference: code.optional(),
  account: account.optional(),
  net: amount.optional(),
  vat: amount.optional(),
  gross: amount.optional(),
  payable: amount.optional(),
});
export type ExtractedValues = z.output<typeof extractedValues>;

const located = <Value extends z.ZodType>(value: Value) =>
  z
    .object({
      value,
      /** Of a document that has pages, from 1. */
      page: z.int().min(1).max(10_000).optional(),
      /** Line of the document, or of its page. */
      line: z.int().min(0).max(10_000_000),
      confidence: z.number().min(0).max(1),
    })
    .optional();

/** With where each stands and how sure it is. */
export const extractedFields = z.object({
  number: located(code),
  issueDate: located(fieldForms.issueDate),
  currency: located(fieldForms.currency),
  sellerVatId: located(vatId),
  orderReference: located(code),
  account: located(account),
  net: located(amount),
  vat: located(amount),
  gross: located(amount),
  payable: located(amount),
});
export type ExtractedFields = z.output<typeof extractedFields>;

/** The values that extraction is sure of; one that it is not counts as not taken, and the check says what follows. */
export function valuesOf(fields: ExtractedFields): ExtractedValues {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) =>
      field === undefined || field.confidence < terms.confidenceMin ? [] : [[name, field.value]],
    ),
  );
}

/** What these fields are in a document that was read; what does not fit its form is left out. */
export function fieldsIn(invoice: Invoice): ExtractedValues {
  const { totals, currency } = invoice;
  const money = (value: Invoice["totals"]["net"] | undefined) => value && decimalText(value, currencyDigits(currency));
  const all: Readonly<Record<FieldName, string | undefined>> = {
    number: plainCode(invoice.number),
    issueDate: invoice.issueDate,
    currency,
    sellerVatId: invoice.seller.vatId,
    orderReference: invoice.orderReference && plainCode(invoice.orderReference),
    account: invoice.accounts[0],
    net: money(totals.net),
    vat: money(totals.vat),
    gross: money(totals.gross),
    payable: money(totals.payable),
  };
  const fitting = Object.entries(all).filter(
    ([name, value]) => value !== undefined && fieldForms[name as FieldName].safeParse(value).success,
  );
  return Object.fromEntries(fitting);
}

/** A number with what it may not hold taken out: `RE 2026/17` is `RE-2026/17`. */
function plainCode(text: string): string {
  return text
    .trim()
    .replaceAll(/[^A-Za-z0-9/._-]+/g, "-")
    .replaceAll(/^[^A-Za-z0-9]+/g, "");
}

/**
 * Whether two numbers may be one: people retype them with other signs, case, leading zeros, and letters that look like
 * digits. Two that are not and look so cost a person a glance; two that are and do not look so cost the amount.
 */
export function sameNumber(left: string, right: string): boolean {
  const keys = numberKeys(left);
  return numberKeys(right).some((key) => keys.includes(key));
}

function numberKeys(number: string): readonly string[] {
  const plain = number.normalize("NFKC").toUpperCase().replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  const parts = plain.match(/\p{Lu}+|[0-9]+/gu) ?? [plain];
  return [parts.join(""), parts.map((part) => part.replace(/^0+(?=.)/, "")).join("")];
}
