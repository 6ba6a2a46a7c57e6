import { add, type Decimal, decimal, subtract } from "../../../src/einvoice/decimal.ts";
import type { Invoice, Totals } from "../../../src/einvoice/invoice.ts";
import type { ExceptionCode } from "../exceptions.ts";
import { partyOf } from "../maker.ts";
import { companies, ibanOf } from "../people.ts";
import type { DeskCase } from "./desk-case.ts";

const stranger = ibanOf("DE", "999999990000000001");

/** More in some totals. */
function more(invoice: Invoice, amount: string, ...names: readonly (keyof Totals)[]): Invoice {
  const raised = names.map((name): [string, Decimal] => [
    name,
    add(invoice.totals[name] ?? decimal("0"), decimal(amount)),
  ]);
  return { ...invoice, totals: { ...invoice.totals, ...Object.fromEntries(raised) } };
}

/** One thing is wrong with each, by one deliberate change, and in some more than one. */
export const wrongCases: readonly DeskCase[] = [
  wrong("a-cent-too-much", "The amount due is a cent too high", ["mismatch", "totals"], ["total_mismatch"], () => ({
    spoil: (invoice) => more(invoice, "0.01", "payable"),
  })),
  wrong(
    "net-does-not-fit",
    "The total without VAT is not that of the lines",
    ["mismatch", "totals"],
    ["total_mismatch"],
    () => ({
      syntax: "cii",
      spoil: (invoice) => more(invoice, "10.00", "net", "gross", "payable"),
    }),
  ),
  wrong(
    "a-hidden-charge",
    "A charge stands there and is in no sum",
    ["mismatch", "totals"],
    ["total_mismatch", "vat_mismatch"],
    () => ({
      spoil: (invoice) => ({ ...invoice, charges: [{ amount: decimal("4.00"), category: "S", rate: decimal("19") }] }),
    }),
  ),
  wrong(
    "vat-too-high",
    "The VAT is five euros too high, and every sum agrees with it",
    ["mismatch", "vat"],
    ["vat_mismatch"],
    () => ({
      spoil: (invoice) => {
        const vat = invoice.vat.map((one, index) => (index === 0 ? { ...one, tax: add(one.tax, decimal("5")) } : one));
        return { ...more(invoice, "5", "vat", "gross", "payable"), vat };
      },
    }),
  ),
  wrong("vat-on-reverse-charge", "VAT on what is under reverse charge", ["mismatch", "vat"], ["vat_mismatch"], () => ({
    vendor: "atelier",
    syntax: "cii",
    lines: [{ category: "AE", rate: "20" }],
  })),
  wrong(
    "vat-base-too-low",
    "The VAT has a base that the lines do not make",
    ["mismatch", "vat"],
    ["vat_mismatch"],
    () => ({
      lines: [{ quantity: "1", price: "50.00" }],
      spoil: (invoice) => ({
        ...invoice,
        vat: invoice.vat.map((one) => ({ ...one, base: subtract(one.base, decimal("0.02")) })),
      }),
    }),
  ),
  wrong("no-order", "It names no order", ["mismatch", "order"], ["po_missing"], () => ({ order: null })),
  wrong("no-such-order", "It names an order that there is not", ["mismatch", "order"], ["po_mismatch"], () => ({
    draft: { orderReference: "PO-9999" },
  })),
  wrong("an-order-of-another", "It names another vendor's order", ["mismatch", "order"], ["po_mismatch"], () => ({
    order: { vendorId: "V-104" },
  })),
  wrong("a-closed-order", "Its order is closed", ["mismatch", "order", "cii"], ["po_mismatch"], () => ({
    syntax: "cii",
    order: { status: "closed" },
  })),
  wrong("dearer-than-agreed", "A price is above the agreed one", ["mismatch", "order"], ["po_mismatch"], () => ({
    lines: [{ price: "40.00" }],
    orderLines: { "1": { price: "39.99" } },
  })),
  wrong("freight-not-agreed", "Freight that was not agreed", ["mismatch", "order"], ["po_mismatch"], () => ({
    draft: { charges: [{ amount: "45.00", reason: "Freight" }] },
  })),
  wrong("more-than-received", "More is invoiced than was received", ["mismatch", "order"], ["over_delivered"], () => ({
    lines: [{ quantity: "3" }],
    orderLines: { "1": { received: "2" } },
  })),
  wrong(
    "more-over-two-lines",
    "More than was received, over two lines",
    ["mismatch", "order"],
    ["over_delivered"],
    () => ({
      syntax: "cii",
      lines: [
        { quantity: "2", price: "20.00", orderLine: "1" },
        { quantity: "2", price: "20.00", orderLine: "1" },
      ],
      orderLines: { "1": { received: "3" } },
    }),
  ),
  wrong(
    "received-and-invoiced",
    "All that was received has been invoiced before",
    ["mismatch", "order"],
    ["over_delivered"],
    () => ({
      lines: [{ quantity: "2" }],
      books: (_, { orderReference }) =>
        orderReference === undefined ? [] : [{ number: "RE-1997-1", orderId: orderReference, pieces: { "1": "1" } }],
    }),
  ),
  wrong("order-not-approved", "Nobody has approved its order", ["mismatch", "order"], ["missing_approval"], () => ({
    unapproved: true,
  })),
  wrong("the-same-again", "The same invoice for the second time", ["duplicate"], ["duplicate"], () => ({
    books: () => [{}],
  })),
  wrong("the-same-in-cii", "The same invoice again, in the other syntax", ["duplicate", "cii"], ["duplicate"], () => ({
    syntax: "cii",
    books: () => [{}],
  })),
  wrong("number-retyped", "Its number was typed another way", ["duplicate"], ["duplicate"], () => ({
    books: ({ number }) => [{ number: number.replaceAll("-", " ").toLowerCase() }],
  })),
  wrong("letters-for-digits", "Letters stand for digits in its number", ["duplicate"], ["duplicate"], () => ({
    books: ({ number }) => [{ number: number.replaceAll("0", "O").replaceAll("1", "l") }],
  })),
  wrong("without-zeros", "Its number was posted without the zeros", ["duplicate"], ["duplicate"], () => ({
    books: ({ number }) => [{ number: number.replace(/-0+/g, "/") }],
  })),
  wrong(
    "in-another-currency",
    "The same number was posted in another currency",
    ["duplicate", "currency"],
    ["duplicate"],
    () => ({
      books: () => [{ currency: "USD", gross: "77.00", payable: "77.00" }],
    }),
  ),
  wrong(
    "a-credit-note-of-its-number",
    "A credit note under the number of the invoice",
    ["duplicate", "credit"],
    ["duplicate"],
    () => ({
      draft: { typeCode: "381", number: "RE-1996-4", preceding: ["RE-1996-4"] },
      books: () => [{ number: "RE-1996-4" }],
    }),
  ),
  wrong("another-number", "Another number, and the rest is the same", ["duplicate"], ["duplicate"], () => ({
    books: (_, { issueDate, orderReference }) =>
      orderReference === undefined ? [] : [{ number: "X-77", issuedOn: issueDate, orderId: orderReference }],
  })),
  wrong(
    "corrected-not-credited",
    "A corrected invoice beside one that was not credited",
    ["duplicate", "credit"],
    ["duplicate"],
    () => ({
      draft: { typeCode: "384", preceding: ["RE-1996-5"] },
      books: () => [{ number: "RE-1996-5" }],
    }),
  ),
  wrong(
    "credits-nothing",
    "A credit note for an invoice that was never posted",
    ["mismatch", "credit"],
    ["reference_mismatch"],
    () => ({
      draft: { typeCode: "381", preceding: ["RE-1996-6"] },
    }),
  ),
  wrong(
    "credits-too-much",
    "A credit note for more than is left",
    ["mismatch", "credit", "cii"],
    ["reference_mismatch"],
    () => ({
      syntax: "cii",
      draft: { typeCode: "381", preceding: ["RE-1996-7"] },
      books: () => [{ number: "RE-1996-7", gross: "1.00" }],
    }),
  ),
  wrong("an-unknown-vendor", "Nobody knows the seller", ["vendor"], ["unknown_vendor"], () => ({
    draft: { seller: { name: "Unbekannt & Co. KG", vatId: "DE499999999", country: "DE" }, account: stranger },
  })),
  wrong("a-known-name", "A known name under another VAT number", ["vendor"], ["unknown_vendor"], (maker) => ({
    draft: { seller: { ...partyOf(maker.vendor("tools")), vatId: "DE499999998" } },
  })),
  wrong("a-blocked-vendor", "The vendor is blocked", ["vendor"], ["blocked_vendor"], () => ({ vendor: "blocked" })),
  wrong("not-cleared-yet", "The vendor is not cleared yet", ["vendor", "cii"], ["blocked_vendor"], () => ({
    vendor: "onboarding",
    syntax: "cii",
  })),
  wrong(
    "another-account",
    "The account is not the one that was verified",
    ["vendor"],
    ["changed_bank_account"],
    () => ({
      draft: { account: stranger },
    }),
  ),
  wrong("another-payee", "The money is to go to somebody else", ["vendor", "cii"], ["changed_bank_account"], () => ({
    syntax: "cii",
    draft: { payeeName: "Factoring Fuchs GmbH" },
  })),
  wrong("from-the-future", "It is dated after today", ["mismatch", "date"], ["future_date"], () => ({
    draft: { issueDate: "2026-03-19" },
  })),
  wrong("years-old", "It is more than a year old", ["mismatch", "date"], ["old_date"], () => ({
    draft: { issueDate: "2024-11-04" },
  })),
  wrong("no-rate", "There is no rate for its currency", ["mismatch", "currency"], ["currency_without_rate"], () => ({
    currency: "CHF",
  })),
  wrong(
    "for-somebody-else",
    "It is addressed to another company",
    ["mismatch", "recipient"],
    ["wrong_recipient"],
    () => ({
      draft: { buyer: partyOf(companies.FH02) },
    }),
  ),
  wrong(
    "everything-at-once",
    "A blocked vendor, another account, no order and a wrong sum",
    ["mismatch", "vendor"],
    ["blocked_vendor", "changed_bank_account", "total_mismatch", "po_missing"],
    () => ({
      vendor: "blocked",
      order: null,
      draft: { account: stranger },
      spoil: (invoice) => more(invoice, "100.00", "payable"),
    }),
  ),
];

/** What adds up, line by line and rule by rule, and takes more than it is due. */
export const tricks: readonly DeskCase[] = [
  wrong(
    "credited-below-zero",
    "A credit note below zero, which would be an invoice without an order",
    ["mismatch", "credit"],
    ["reference_mismatch"],
    () => ({
      lines: [{ quantity: "-3", price: "30.00" }],
      draft: { typeCode: "381", preceding: ["RE-1995-1"] },
      books: () => [{ number: "RE-1995-1", gross: "500.00" }],
    }),
  ),
  wrong(
    "invoiced-below-zero",
    "An invoice below zero, which would be a credit for nothing",
    ["mismatch", "credit", "cii"],
    ["reference_mismatch"],
    () => ({
      syntax: "cii",
      lines: [{ quantity: "-2", price: "30.00" }],
      orderLines: { "1": { received: "2" } },
    }),
  ),
  wrong("rounded-by-fifty", "Fifty euros of rounding", ["mismatch", "totals"], ["due_beyond_lines"], () => ({
    draft: { rounding: "50.00" },
  })),
  wrong("prepaid-below-zero", "A prepaid sum below zero", ["mismatch", "totals", "cii"], ["due_beyond_lines"], () => ({
    syntax: "cii",
    draft: { prepaid: "-75.00" },
  })),
  wrong(
    "collected-for-others",
    "A sum that is collected for somebody else",
    ["mismatch", "totals"],
    ["due_beyond_lines"],
    () => ({
      spoil: (invoice) => more(invoice, "120.00", "thirdParty", "payable"),
    }),
  ),
  wrong(
    "allowed-below-zero",
    "An allowance below zero, which is a charge that nobody agreed to",
    ["mismatch", "order"],
    ["po_mismatch"],
    () => ({
      draft: { allowances: [{ amount: "-45.00", reason: "Rabatt" }] },
    }),
  ),
  wrong(
    "charge-and-allowance",
    "A charge that nobody agreed to, beside an allowance that hides it",
    ["mismatch", "order"],
    ["po_mismatch"],
    () => ({
      lines: [{ charge: "60.00", allowance: "55.00" }],
    }),
  ),
  wrong(
    "a-price-for-nothing",
    "A price of nothing for no pieces, and an amount of its own",
    ["mismatch", "order"],
    ["po_mismatch", "total_mismatch"],
    () => ({
      lines: [{ quantity: "1", price: "80.00" }],
      spoil: (invoice) => ({
        ...invoice,
        lines: invoice.lines.map((line) => ({ ...line, price: decimal("0"), baseQuantity: decimal("0") })),
      }),
    }),
  ),
  wrong(
    "a-rate-that-there-is-not",
    "VAT of ninety per cent, worked out correctly",
    ["mismatch", "vat"],
    ["vat_mismatch"],
    () => ({
      lines: [{ rate: "90" }],
    }),
  ),
];

function wrong(
  name: string,
  title: string,
  tags: readonly string[],
  exceptions: readonly ExceptionCode[],
  make: DeskCase["make"],
): DeskCase {
  return { name, title, tags, exceptions, make };
}
