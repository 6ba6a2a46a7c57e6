import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { invoiceOf } from "../../packs/invoice-desk/documents/draft.ts";
import { languages, type PrintStyle, printInvoice } from "../../packs/invoice-desk/documents/print-invoice.ts";
import type { PdfText } from "../../packs/invoice-desk/documents/write-pdf.ts";
import { decimalText } from "./decimal.ts";
import { InvoiceError } from "./errors.ts";
import type { Invoice } from "./invoice.ts";
import { linesOf } from "./pdf-lines.ts";
import type { PdfContent } from "./pdf-message.ts";
import { type PrintedInvoice, printedSums, readPrinted } from "./print.ts";
import { folded, isWhole, knownLabels } from "./print-labels.ts";
import { amountIn, codeIn, dayIn, ibanIn, numberIn, vatIdIn } from "./print-values.ts";

const invoice = invoiceOf({
  number: "RE-2026-0117-3",
  issueDate: "2026-03-05",
  dueDate: "2026-04-04",
  currency: "EUR",
  seller: { name: "Brückner GmbH", vatId: "DE400200301" },
  buyer: { name: "Fernhollow Handel GmbH", vatId: "DE400100201" },
  account: "DE02120300000000202051",
  orderReference: "PO-4001",
  lines: [
    { name: "Feeler gauge 12", quantity: "30", price: "41.50" },
    { name: "Bench vise 3", quantity: "2", price: "19.99", rate: "7" },
  ],
});

/** What a reader of PDFs makes of pages, without one in between: letters are half as wide as high. */
function contentOf(pages: readonly (readonly PdfText[])[]): PdfContent {
  const lines = pages.flatMap((page, index) =>
    linesOf(
      page.map(({ x, y, text, size = 10 }) => ({
        str: text,
        transform: [size, 0, 0, size, x, 842 - y],
        width: text.length * size * 0.5,
        height: size,
      })),
      index + 1,
    ),
  );
  return { pages: pages.length, lines, others: 0 };
}

const read = (style: PrintStyle = {}, of: Invoice = invoice) => readPrinted(contentOf(printInvoice(of, style).pages));
const blur =
  (kind: string, change: (text: string) => string): NonNullable<PrintStyle["blur"]> =>
  (text, is) =>
    is === kind ? change(text) : text;
const misread = (text: string) => text.replaceAll("0", "O").replaceAll("1", "l");

function told({ invoice: { totals, ...one } }: PrintedInvoice | { readonly invoice: Invoice }) {
  const sums = [totals.net, totals.vat, totals.gross, totals.payable].map((sum) => sum && decimalText(sum, 2));
  const lines = one.lines.map(({ quantity, price, net, rate }) =>
    [quantity, price, net, rate].map((value) => value && decimalText(value)),
  );
  const { number, issueDate, dueDate, currency, orderReference, accounts, seller, buyer } = one;
  return { number, issueDate, dueDate, currency, orderReference, accounts, seller: seller.vatId, buyer, sums, lines };
}

const doubts = ({ confidence }: PrintedInvoice, below = 1) =>
  Object.entries(confidence).flatMap(([field, sure]) => (sure < below ? [`${field} ${sure}`] : []));

describe("a page is read by its labels and columns", () => {
  test.each(Object.keys(languages))("in %s, with nothing in doubt", (language) => {
    const printed = read({ language: language as keyof typeof languages });
    expect(told(printed)).toEqual(told({ invoice }));
    expect(doubts(printed)).toEqual([]);
  });

  test("and where each field stands is told by page and line", () => {
    const { pages, places } = printInvoice(invoice, {});
    const { locations } = readPrinted(contentOf(pages)).invoice;
    for (const [field, { page, line }] of Object.entries(locations)) {
      expect([field, { page, line }]).toEqual([field, places[field]]);
    }
    expect(Object.keys(locations)).toContain("number");
  });

  test("a value may stand below its label, and a label before one it begins like", () => {
    const [page = []] = printInvoice(invoice).pages;
    const moved = page.map((one) => (one.text === invoice.number ? { ...one, x: 50, y: one.y + 14 } : one));
    const apart = moved.map((one) => (one.y > 150 && one.text !== invoice.number ? { ...one, y: one.y + 28 } : one));
    expect(readPrinted(contentOf([apart])).invoice.number).toBe(invoice.number);
  });

  test("a rate may stand before the name of its tax", () => {
    const printed = read({ blur: blur("label", (text) => text.replace(/^MwSt (\d+ %)$/, "zzgl. $1 MwSt")) });
    expect(told(printed)).toEqual(told({ invoice }));
    expect(doubts(printed)).toEqual([]);
  });

  test("sums that a page names are found for holding them against another document", () => {
    const { gross, payable, amounts } = printedSums(contentOf(printInvoice(invoice).pages), "EUR");
    expect([gross, payable].map((all) => all.map((one) => decimalText(one, 2)))).toEqual([["1524.33"], ["1524.33"]]);
    expect(amounts.length).toBeGreaterThan(5);
  });
});

describe("how sure it is", () => {
  test("F1 a label that was mended is at 0.9, and its value is what it is", () => {
    const printed = read({ slip: true, blur: blur("label", (text) => text.replaceAll("m", "rn")) });
    expect(told(printed)).toEqual(told({ invoice }));
    expect(doubts(printed)).not.toEqual([]);
    expect(doubts(printed, 0.9)).toEqual([]);
  });

  test("F2 a value that was mended is at 0.5, one that is none at 0", () => {
    expect(doubts(read({ slip: true, blur: blur("account", misread) }), 0.9)).toEqual(["account 0.5"]);
    expect(doubts(read({ slip: true, blur: blur("account", () => "DE02 1203") }), 0.9)).toEqual(["account 0"]);
  });

  test("several accounts are all told, and one that cannot be read makes none of them sure", () => {
    const another = "IBAN: DE44 5001 0517 5407 3249 31";
    const two = read({ remarks: [another] });
    expect([two.invoice.accounts.length, doubts(two)]).toEqual([2, []]);
    expect(doubts(read({ remarks: ["IBAN: DE44 5001 0517 5407 3249 32"], slip: true }), 0.9)).toEqual(["account 0"]);
  });

  test("F2 what says two things is at 0.1", () => {
    const remarks = ["Zahlbetrag: 9.999,00", "Rechnungsnummer: RE-1"];
    expect(doubts(read({ remarks }), 0.9)).toEqual(["number 0.1", "payable 0.1"]);
    expect(doubts(read({ remarks: ["Gutschrift zur Rechnung 7"] }), 0.9)).toEqual(["kind 0.1"]);
    expect(doubts(read({ remarks: ["10,00 USD"] }), 0.9)).toEqual(["currency 0.1"]);
  });

  test.each([
    ["$", "1.284,98 EUR", "$1.284,98"],
    ["TL", "1.284,98 EUR", "1.284,98 TL"],
    ["MXN", "1.284,98 EUR", "MXN   1.284,98"],
    ["kr", "1.284,98 EUR", "kr   1.284,98"],
  ])("F2 a currency that is named is not sure where an amount is in another: %s", (_, before, now) => {
    const [page = []] = printInvoice(invoice, { remarks: ["EUR account on request"] }).pages;
    const apart = (one: PdfText, text: string) =>
      text.split("   ").map((part, index) => ({ ...one, text: part, x: one.x + 40 * index }));
    const other = page.flatMap((one) =>
      one.text === before ? apart(one, now) : [{ ...one, text: one.text.replace(/(\d) EUR$/, "$1") }],
    );
    expect(page.some(({ text }) => text === before)).toBe(true);
    const printed = readPrinted(contentOf([other]));
    expect(told(printed).sums).toEqual(told({ invoice }).sums);
    expect(doubts(printed, 0.9)).toEqual(["currency 0.1"]);
  });

  test("F2 one number of VAT is not that of both", () => {
    const own = { ...invoice, seller: { ...invoice.seller, vatId: invoice.buyer.vatId ?? "" } };
    expect(doubts(read({}, own), 0.9)).toEqual(["buyerVatId 0.1", "sellerVatId 0.1"]);
  });

  test("F2 what is called something else is no invoice that is sure", () => {
    for (const title of [
      "PRO FORMA INVOICE",
      "Proforma-Rechnung",
      "Faktura pro forma 7",
      "Mahnung",
      "Devis",
      "Quotation:",
    ]) {
      expect([title, doubts(read({ remarks: [title] }), 0.9)]).toEqual([title, ["kind 0.1"]]);
    }
    for (const word of ["Gemäß Angebot 12", "Skonto 2 % bei Zahlung in 10 Tagen"]) {
      expect([word, doubts(read({ remarks: [word] }), 0.9)]).toEqual([word, []]);
    }
  });

  test("F3 mended amounts are at 0.9 where all sums hold, and all amounts at 0.5 where one does not", () => {
    const right = read({ slip: true, blur: blur("amount", misread) });
    expect(told(right)).toEqual(told({ invoice }));
    expect(doubts(right, 0.9)).toEqual([]);
    const wrong = read({ slip: true, blur: blur("amount", (text) => text.replace("236,55", "286,55")) });
    expect(doubts(wrong, 0.9)).toEqual(["net 0.5", "gross 0.5", "payable 0.5", "vat 0.5", "lines 0.5"]);
  });

  test("F4 in a document where anything was mended a number and a date need a second one", () => {
    expect(doubts(read({ blur: blur("amount", misread) }), 0.9)).toEqual(["number 0.7", "issueDate 0.7"]);
    expect(doubts(read({ slip: true, blur: blur("amount", misread) }), 0.9)).toEqual([]);
  });

  test("one digit changed in one amount is no sum that is sure", () => {
    const [page = []] = printInvoice(invoice).pages;
    const right = told({ invoice }).sums;
    const amounts = page.flatMap(({ text }, index) => (/^[\d.]+,\d\d( EUR)?$/.test(text) ? [index] : []));
    expect(amounts.length).toBeGreaterThan(7);
    fc.assert(
      fc.property(fc.constantFrom(...amounts), fc.nat(7), fc.nat(9), (index, place, digit) => {
        const spoilt = page.map((one, at) => {
          if (at !== index) return one;
          let count = 0;
          return { ...one, text: one.text.replaceAll(/\d/g, (was) => (count++ === place ? String(digit) : was)) };
        });
        const printed = readPrinted(contentOf([spoilt]));
        if (doubts(printed, 0.8).length === 0) expect(told(printed).sums).toEqual(right);
      }),
      { numRuns: 300 },
    );
  });
});

describe("what is no invoice is refused", () => {
  const without = (field: string) => {
    const { pages, places } = printInvoice(invoice);
    const heights = [...new Set((pages[0] ?? []).map(({ y }) => y))];
    const y = heights[(places[field]?.line ?? 0) - 1];
    return contentOf([(pages[0] ?? []).filter((one) => one.y !== y)]);
  };
  test.each(["number", "issueDate", "net", "gross"])("without %s", (field) => {
    expect(() => readPrinted(without(field))).toThrow(InvoiceError);
  });

  test("an empty page, a letter, and text that is made to be slow", () => {
    const slow = [
      "(".repeat(20_000),
      "1 ".repeat(20_000),
      "Total ".repeat(4_000),
      "a".repeat(50_000),
      ",.".repeat(9_000),
    ];
    for (const texts of [[], ["Dear customer, we move."], slow]) {
      const page = texts.map((text, index) => ({ x: 50, y: 50 + 20 * index, text }));
      expect(() => readPrinted(contentOf([page]))).toThrow(InvoiceError);
    }
  });
});

describe("values", () => {
  const shown = (printed: ReturnType<typeof amountIn>) => printed && [decimalText(printed.value), printed.sure];

  test.each([
    ["1.234,50", "1234.5", true],
    ["1,234.50 EUR", "1234.5", true],
    ["1 200,50 €", "1200.5", true],
    ["-5,00", "-5", true],
    ["l.2OO,5O", "1200.5", false],
    ["1 20 0,5 0", "1200.5", false],
    ["1,200,50", "1200.5", false],
    ["1200", "1200", false],
    ["1234,5", "1234.5", false],
  ])("the amount %s", (text, value, sure) => {
    expect(shown(amountIn(text, 2))).toEqual([value, sure]);
  });

  test("amounts of currencies with no digits behind the point, and with three", () => {
    expect(shown(amountIn("12.500", 0))).toEqual(["12500", true]);
    // A thousand and a quarter to some, one and a quarter to others.
    expect(shown(amountIn("1.250", 3))).toEqual(["1.25", false]);
  });

  test.each(["x", "", "12 %", "1e3", "--5,00", "5,00-6,00", "1٫5"])("%s is no amount", (text) => {
    expect(amountIn(text, 2)).toBeUndefined();
  });

  test("a quantity that could be a thousand is not sure", () => {
    expect([numberIn("1,000")?.sure, numberIn("12.345")?.sure, numberIn("0,333")?.sure]).toEqual([false, false, true]);
  });

  test.each([
    ["05.03.2026", "2026-03-05", true],
    ["2026-03-05", "2026-03-05", true],
    ["5 March 2026", "2026-03-05", true],
    ["5. März 2026", "2026-03-05", true],
    ["5 de marzo de 2026", "2026-03-05", true],
    ["5 marca 2026", "2026-03-05", true],
    ["March 5, 2026", "2026-03-05", true],
    ["25/03/2026", "2026-03-25", true],
    ["05/03/2026", "2026-03-05", false],
    ["3O.04.2026", "2026-04-30", false],
  ])("the day %s", (text, value, sure) => {
    expect(dayIn(text, undefined)).toEqual({ value, sure });
  });

  test("30.02.2026 is no day, and a slash is sure where the day comes first", () => {
    expect(dayIn("30.02.2026", true)).toBeUndefined();
    expect(dayIn("05/03/2026", true)?.sure).toBe(true);
  });

  test.each([
    ["RE-2026-0117-3", true],
    ["4711", true],
    ["SO100", true],
    ["RE-2O26-0117", false],
    ["PO-4O01", false],
    ["l07", false],
  ])("the number %s: sure? %s", (text, sure) => {
    expect(codeIn(text)?.sure).toBe(sure);
  });

  test("a day is no number of an invoice, nor a label the value of one", () => {
    expect([codeIn("05.03.2026"), codeIn("2026-03-05")]).toEqual([undefined, undefined]);
    expect(() => read({}, { ...invoice, number: "Rechnungsnummer" })).toThrow("names no number");
  });

  test("an account has right check digits, mended or not; a VAT number has the form of one", () => {
    expect(ibanIn("DE02 1203 0000 0000 2020 51")).toEqual({ value: "DE02120300000000202051", sure: true });
    expect(ibanIn("DEO2 l2O3 0000 0000 2020 51")).toEqual({ value: "DE02120300000000202051", sure: false });
    expect(ibanIn("DE02 1203 0000 0000 2020 52")).toBeUndefined();
    expect(vatIdIn("DE4OO2OO3O1")).toEqual({ value: "DE400200301", sure: false });
    expect(vatIdIn("Our office")).toBeUndefined();
  });
});

test("labels are told from those that were misread", () => {
  expect(knownLabels.size).toBeGreaterThan(200);
  expect([isWhole("Rechnungsnummer"), isWhole("Rechnungsnurnrner"), isWhole("ÖDENECEK TUTAR")]).toEqual([
    true,
    false,
    true,
  ]);
  expect(knownLabels.get(folded("Rechnungsnurnrner"))?.label).toBe("number");
});
