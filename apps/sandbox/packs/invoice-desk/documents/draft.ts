import {
  add,
  type Decimal,
  decimal,
  divide,
  multiply,
  negate,
  round,
  subtract,
  zero,
} from "../../../src/einvoice/decimal.ts";
import { present } from "../../../src/einvoice/fields.ts";
import {
  type AllowanceCharge,
  currencyDigits,
  type Invoice,
  type InvoiceLine,
  kindOf,
  type Party,
  type VatBreakdown,
} from "../../../src/einvoice/invoice.ts";

/** What an invoice is about; its sums are worked out. Numbers are decimal texts. */
export interface Draft {
  readonly number: string;
  readonly typeCode?: string;
  readonly issueDate: string;
  readonly dueDate?: string;
  readonly currency: string;
  readonly seller: Party;
  readonly buyer: Party;
  readonly payeeName?: string;
  readonly account: string;
  readonly orderReference?: string;
  readonly preceding?: readonly string[];
  readonly notes?: readonly string[];
  readonly lines: readonly DraftLine[];
  readonly allowances?: readonly DraftAllowance[];
  readonly charges?: readonly DraftAllowance[];
  readonly prepaid?: string;
  readonly rounding?: string;
}

export interface DraftLine {
  readonly name: string;
  readonly quantity: string;
  readonly price: string;
  readonly baseQuantity?: string;
  readonly unit?: string;
  readonly category?: string;
  readonly rate?: string;
  readonly allowance?: string;
  readonly charge?: string;
  readonly orderLine?: string;
}

export interface DraftAllowance {
  readonly amount: string;
  readonly reason: string;
  readonly category?: string;
  readonly rate?: string;
}

const profile = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0";
const reasons: Readonly<Record<string, string>> = {
  AE: "Reverse charge",
  E: "Exempt by article 132",
  K: "Intra-community supply",
  G: "Export outside the EU",
  O: "Not subject to VAT",
};

/** The invoice that follows from a draft, by the rules of EN 16931. */
export function invoiceOf(draft: Draft): Invoice {
  const { currency } = draft;
  const digits = currencyDigits(currency);
  const typeCode = draft.typeCode ?? "380";
  const lines = draft.lines.map((line, index) => lineOf(line, index, digits));
  const allowances = (draft.allowances ?? []).map(allowanceOf);
  const charges = (draft.charges ?? []).map(allowanceOf);
  const vat = breakdownOf({ lines, allowances, charges }, digits);
  const sum = (values: readonly Decimal[]) => round(add(...values), digits);
  const lineTotal = sum(lines.map(({ net }) => net));
  const allowanceTotal = sum(allowances.map(({ amount }) => amount));
  const chargeTotal = sum(charges.map(({ amount }) => amount));
  const net = add(lineTotal, negate(allowanceTotal), chargeTotal);
  const tax = sum(vat.map((one) => one.tax));
  const gross = add(net, tax);
  const prepaid = draft.prepaid === undefined ? undefined : decimal(draft.prepaid);
  const rounding = draft.rounding === undefined ? undefined : decimal(draft.rounding);
  return {
    syntax: "ubl",
    profile,
    kind: kindOf(typeCode),
    typeCode,
    number: draft.number,
    issueDate: draft.issueDate,
    currency,
    precedingInvoices: draft.preceding ?? [],
    seller: draft.seller,
    buyer: draft.buyer,
    accounts: [draft.account],
    notes: draft.notes ?? [],
    lines,
    allowances,
    charges,
    vat,
    totals: {
      lines: lineTotal,
      net,
      vat: tax,
      gross,
      payable: add(subtract(gross, prepaid ?? zero), rounding ?? zero),
      ...present({
        allowances: allowances.length > 0 ? allowanceTotal : undefined,
        charges: charges.length > 0 ? chargeTotal : undefined,
        prepaid,
        rounding,
      }),
    },
    ...present({ dueDate: draft.dueDate, orderReference: draft.orderReference, payeeName: draft.payeeName }),
    locations: {},
  };
}

function lineOf(line: DraftLine, index: number, digits: number): InvoiceLine {
  const { quantity, price, baseQuantity = "1" } = line;
  const goods = divide(multiply(decimal(quantity), decimal(price)), decimal(baseQuantity), digits);
  const allowances = line.allowance === undefined ? [] : [decimal(line.allowance)];
  const charges = line.charge === undefined ? [] : [decimal(line.charge)];
  return {
    id: String(index + 1),
    name: line.name,
    quantity: decimal(quantity),
    unit: line.unit ?? "C62",
    price: decimal(price),
    allowances,
    charges,
    net: round(add(goods, ...charges, ...allowances.map(negate)), digits),
    category: line.category ?? "S",
    rate: decimal(line.rate ?? "19"),
    at: 0,
    ...present({
      baseQuantity: line.baseQuantity === undefined ? undefined : decimal(line.baseQuantity),
      orderLine: line.orderLine,
    }),
  };
}

function allowanceOf({ amount, reason, category = "S", rate = "19" }: DraftAllowance): AllowanceCharge {
  return { amount: decimal(amount), reason, category, rate: decimal(rate) };
}

/** One entry for each category and rate, in the order in which the lines name them. */
function breakdownOf(
  { lines, allowances, charges }: Pick<Invoice, "lines" | "allowances" | "charges">,
  digits: number,
): readonly VatBreakdown[] {
  const parts = [
    ...lines.map(({ net, category, rate }) => ({ amount: net, category, rate })),
    ...allowances.map(({ amount, category, rate }) => ({ amount: negate(amount), category, rate })),
    ...charges,
  ];
  const groups = Map.groupBy(parts, ({ category, rate }) => `${category} ${rate?.units}/${rate?.scale}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { category = "S", rate = zero } = first;
    const base = round(add(...group.map(({ amount }) => amount)), digits);
    const tax = divide(multiply(base, rate), decimal("100"), digits);
    return [{ category, rate, base, tax, at: 0, ...present({ reason: reasons[category] }) }];
  });
}
