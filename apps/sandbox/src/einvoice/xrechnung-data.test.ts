import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { printInvoice } from "../../packs/invoice-desk/documents/print-invoice.ts";
import { writeCii } from "../../packs/invoice-desk/documents/write-cii.ts";
import { writePdf } from "../../packs/invoice-desk/documents/write-pdf.ts";
import { type Decimal, decimal, decimalText } from "./decimal.ts";
import type { Invoice } from "./invoice.ts";
import { openPdfReader } from "./pdf.ts";
import { type PrintedInvoice, readPrinted } from "./print.ts";
import { readInvoice } from "./read.ts";
import { checkArithmetic } from "./rules.ts";

/** Official XRechnung test invoices, where they are. Nothing here knows any of them. */
const folder = resolve(process.env.REMIT_DATA_DIR ?? "../shared/data", "xrechnung-invoices");
const list = join(folder, "expected_fields.json");
const present = existsSync(list);

interface Expected {
  readonly file: string;
  readonly document: string;
  readonly profile: string;
  readonly number: string;
  readonly issue_date: string;
  readonly due_date: string | null;
  readonly type_code: string;
  readonly currency: string;
  readonly buyer_reference: string | null;
  readonly order_reference: string | null;
  readonly seller: string;
  readonly buyer: string;
  readonly payee_accounts: readonly string[];
  readonly lines: number;
  readonly sum_lines: string;
  readonly total_net: string;
  readonly total_vat: string;
  readonly total_gross: string;
  readonly prepaid: string;
  readonly payable: string;
  readonly vat_breakdown: readonly {
    readonly category: string;
    readonly rate: string | null;
    readonly base: string;
    readonly tax: string;
  }[];
}

const reader = openPdfReader();
afterAll(() => reader.close());
const amount = (text: string) => decimalText(decimal(text));
const told = (value: Decimal | undefined) => decimalText(value ?? decimal("0"));

describe.skipIf(!present)(`official XRechnung invoices${present ? "" : ` (no data at ${folder})`}`, () => {
  const expected = present ? (JSON.parse(readFileSync(list, "utf8")) as readonly Expected[]) : [];

  test("there are some", () => {
    expect(expected.length).toBeGreaterThan(0);
  });

  test.each(expected.map((one) => [one.file, one] as const))("%s is read as it is, and adds up", (file, wanted) => {
    const invoice = readInvoice(readFileSync(join(folder, "ubl", file)));
    const { totals } = invoice;
    expect({
      number: invoice.number,
      issue_date: invoice.issueDate,
      type_code: invoice.typeCode,
      currency: invoice.currency,
      buyer_reference: invoice.buyerReference ?? null,
      order_reference: invoice.orderReference ?? null,
      seller: invoice.seller.name,
      buyer: invoice.buyer.name,
      profile: invoice.profile,
      payee_accounts: invoice.accounts,
      lines: invoice.lines.length,
      sum_lines: told(totals.lines),
      total_net: told(totals.net),
      total_vat: told(totals.vat),
      total_gross: told(totals.gross),
      prepaid: told(totals.prepaid),
      payable: told(totals.payable),
      vat_breakdown: invoice.vat.map(({ category, rate, base, tax }) => ({
        category,
        rate: told(rate),
        base: told(base),
        tax: told(tax),
      })),
    }).toEqual({
      number: wanted.number,
      issue_date: wanted.issue_date,
      type_code: wanted.type_code,
      currency: wanted.currency,
      buyer_reference: wanted.buyer_reference,
      order_reference: wanted.order_reference,
      seller: wanted.seller,
      buyer: wanted.buyer,
      profile: wanted.profile,
      payee_accounts: wanted.payee_accounts,
      lines: wanted.lines,
      sum_lines: amount(wanted.sum_lines),
      total_net: amount(wanted.total_net),
      total_vat: amount(wanted.total_vat),
      total_gross: amount(wanted.total_gross),
      prepaid: amount(wanted.prepaid),
      payable: amount(wanted.payable),
      vat_breakdown: wanted.vat_breakdown.map(({ category, rate, base, tax }) => ({
        category,
        rate: amount(rate ?? "0"),
        base: amount(base),
        tax: amount(tax),
      })),
    });
    if (wanted.due_date !== null) expect(invoice.dueDate).toBe(wanted.due_date);
    expect(checkArithmetic(invoice)).toEqual([]);
  });

  test.each(expected.map((one) => [one.file, one] as const))("%s in a PDF says the same", (file) => {
    const ubl = readInvoice(readFileSync(join(folder, "ubl", file)));
    const content = readFileSync(join(folder, "ubl", file));
    const attachments = [{ name: "xrechnung.xml", content }];
    const { attached } = reader.readNow(writePdf({ pages: [[{ x: 9, y: 9, text: "siehe Anhang" }]], attachments }));
    expect(readInvoice(Buffer.from(attached?.contentBase64 ?? "", "base64"))).toEqual(ubl);
  });

  test.each(expected.map((one) => [one.file, one] as const))("%s on paper: what is sure is what it says", (file) => {
    const ubl = readInvoice(readFileSync(join(folder, "ubl", file)));
    const content = reader.readNow(writePdf({ pages: printInvoice(ubl).pages }));
    let printed: PrintedInvoice;
    try {
      printed = readPrinted(content);
    } catch (error) {
      // What a page of ours has no room for, such as a price that is missing, is refused and not guessed.
      expect(error).toMatchObject({ code: "invoice/not-an-invoice" });
      return;
    }
    const { invoice, confidence } = printed;
    const shown = ({ number, issueDate, orderReference, totals }: Invoice) => ({
      number,
      issueDate,
      orderReference,
      net: told(totals.net),
      gross: told(totals.gross),
      payable: told(totals.payable),
    });
    const [is, said] = [shown(invoice), shown(ubl)];
    const sure = Object.keys(said).filter((field) => (confidence[field] ?? 0) >= 0.8) as (keyof typeof said)[];
    expect(sure.map((field) => [field, is[field]])).toEqual(sure.map((field) => [field, said[field]]));
  });

  test.each(expected.map((one) => [one.file, one] as const))("%s one cent off does not", (file) => {
    const text = readFileSync(join(folder, "ubl", file), "utf8");
    const wrong = text.replace(/(<cbc:PayableAmount[^>]*>)([^<]+)/, (_, tag: string, value: string) => {
      const { units, scale } = decimal(value);
      return `${tag}${decimalText({ units: units * 100n + 10n ** BigInt(scale), scale: scale + 2 })}`;
    });
    expect(checkArithmetic(readInvoice(wrong)).map(({ rule }) => rule)).toContain("BR-CO-16");
  });

  test.each(expected.map((one) => [one.file, one] as const))("%s says the same in CII", (file) => {
    const ubl = readInvoice(readFileSync(join(folder, "ubl", file)));
    // What CII has no place for: sums that are collected for others.
    if (ubl.totals.thirdParty) return;
    const cii = readInvoice(writeCii(ubl));
    expect([cii.number, cii.issueDate, cii.accounts, cii.lines.length]).toEqual([
      ubl.number,
      ubl.issueDate,
      ubl.accounts,
      ubl.lines.length,
    ]);
    expect(told(cii.totals.payable)).toBe(told(ubl.totals.payable));
    expect(checkArithmetic(cii)).toEqual([]);
  });
});
