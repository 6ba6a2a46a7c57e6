import { describe, expect, test } from "vitest";
import { invoiceOf } from "../../packs/invoice-desk/documents/draft.ts";
import { add, type Decimal, decimal } from "./decimal.ts";
import { plainInvoice, richInvoice } from "./documents.test.data.ts";
import { currencyDigits, type Invoice, type Totals } from "./invoice.ts";
import { checkArithmetic, ruleTexts } from "./rules.ts";

const cent = decimal("0.01");
const rulesOf = (invoice: Invoice) => [...new Set(checkArithmetic(invoice).map(({ rule }) => rule))].sort();
const withTotal = (name: keyof Totals, by: Decimal = cent): Invoice => ({
  ...richInvoice,
  totals: { ...richInvoice.totals, [name]: add(richInvoice.totals[name] ?? decimal("0"), by) },
});

describe("one cent too much in a total breaks the rules that hold it, and no others", () => {
  test.each([
    ["lines", ["BR-CO-10", "BR-CO-13"]],
    ["allowances", ["BR-CO-11", "BR-CO-13"]],
    ["charges", ["BR-CO-12", "BR-CO-13"]],
    ["net", ["BR-CO-13", "BR-CO-15"]],
    ["vat", ["BR-CO-14", "BR-CO-15"]],
    ["gross", ["BR-CO-15", "BR-CO-16"]],
    ["prepaid", ["BR-CO-16"]],
    ["rounding", ["BR-CO-16"]],
    ["thirdParty", ["BR-CO-16"]],
    ["payable", ["BR-CO-16"]],
  ] as const)("%s", (name, rules) => {
    expect(rulesOf(withTotal(name))).toEqual(rules);
  });
});

describe("VAT", () => {
  const [vat] = plainInvoice.vat;
  const withVat = (part: object): Invoice => ({ ...plainInvoice, vat: [{ ...vat!, ...part }] });

  test("of a category is base × rate, to a minor unit for each of its lines", () => {
    expect(rulesOf(withVat({ tax: decimal("3.81") }))).toEqual(["BR-CO-14"]);
    expect(rulesOf(withVat({ tax: decimal("3.82") }))).toEqual(["BR-CO-14", "BR-CO-17"]);
    expect(rulesOf(withVat({ rate: decimal("7") }))).toContain("BR-CO-17");
  });

  test("has the base that its lines make, and is none under reverse charge", () => {
    expect(rulesOf(withVat({ base: decimal("19.99") }))).toEqual(["BR-S-08"]);
    const reverse = richInvoice.vat.map((one) =>
      one.category === "AE" ? { ...one, rate: decimal("19"), tax: decimal("22.80") } : one,
    );
    expect(rulesOf({ ...richInvoice, vat: reverse })).toEqual(["BR-AE-05", "BR-CO-14", "BR-CO-17"]);
    expect(rulesOf({ ...plainInvoice, vat: [] })).toContain("BR-CO-18");
  });
});

describe("the rest", () => {
  test("a line is quantity × price, with its allowances", () => {
    const [line] = plainInvoice.lines;
    const wrong = { ...plainInvoice, lines: [{ ...line!, price: decimal("10.02") }] };
    expect(rulesOf(wrong)).toEqual(["R120"]);
    expect(rulesOf({ ...plainInvoice, lines: [{ ...line!, baseQuantity: decimal("0") }] })).toEqual(["R121"]);
  });

  test("what is owed has a due date or terms", () => {
    const { dueDate: _, ...undated } = plainInvoice;
    expect(rulesOf(undated)).toEqual(["BR-CO-25"]);
    expect(rulesOf({ ...undated, paymentTerms: "at once" })).toEqual([]);
  });

  test.each([
    ["JPY", 0],
    ["EUR", 2],
    ["KWD", 3],
  ] as const)("%s has %i digits, and no amount has more", (currency, digits) => {
    expect(currencyDigits(currency)).toBe(digits);
    const draft = { ...plainInvoice, account: "X", currency, lines: [{ name: "x", quantity: "3", price: "33.3335" }] };
    const { seller, buyer, number, issueDate } = plainInvoice;
    const invoice = invoiceOf({
      ...draft,
      seller,
      buyer,
      number,
      issueDate,
      dueDate: "2026-04-01",
      orderReference: "x",
      allowances: [],
      charges: [],
      payeeName: "x",
    });
    expect(checkArithmetic(invoice)).toEqual([]);
    const fine = { units: 1n, scale: digits + 1 };
    const { totals } = invoice;
    expect(rulesOf({ ...invoice, totals: { ...totals, rounding: fine, payable: add(totals.payable, fine) } })).toEqual([
      "BR-DEC",
    ]);
  });

  test("every rule has its words", () => {
    const broken: Invoice = {
      ...withTotal("lines"),
      vat: [],
      lines: richInvoice.lines.map(({ category: _, ...line }) => line),
    };
    for (const rule of rulesOf(broken)) expect(ruleTexts[rule]).toBeDefined();
  });
});
