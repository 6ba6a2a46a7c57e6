import { add } from "./decimal.ts";
import { InvoiceError } from "./errors.ts";
import { compact, Fields, present } from "./fields.ts";
import {
  type AllowanceCharge,
  type Invoice,
  type InvoiceLine,
  kindOf,
  type Party,
  type Totals,
  type VatBreakdown,
} from "./invoice.ts";
import type { XmlElement } from "./xml.ts";

export const ublSpaces = {
  invoice: "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
  creditNote: "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2",
  cac: "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
  cbc: "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
} as const;

/** Reads an Invoice or CreditNote of UBL 2.1. Of lines within lines only the outer ones count, as the totals do. */
export function readUbl(root: XmlElement): Invoice {
  const fields = new Fields(ublSpaces);
  const credit = root.name === "CreditNote";
  const typePath = credit ? "cbc:CreditNoteTypeCode" : "cbc:InvoiceTypeCode";
  const typeCode = fields.required(root, typePath, "typeCode");
  // A root that says one thing and a code that says the other: whether money comes or goes must not be a guess.
  if (credit !== (kindOf(typeCode) === "creditNote")) {
    const { line } = fields.one(root, typePath);
    throw new InvoiceError("invoice/field-invalid", {
      field: "typeCode",
      wanted: `code of a ${root.name}`,
      path: typePath,
      line,
    });
  }
  const day = (from: XmlElement, path: string, field: string) => {
    const text = fields.text(from, path, field);
    return text === undefined ? undefined : fields.date(text, { path, field, line: fields.one(from, path).line });
  };
  const issueDate = day(root, "cbc:IssueDate", "issueDate");
  if (issueDate === undefined) fields.required(root, "cbc:IssueDate", "issueDate");
  const currency = fields.currency(fields.required(root, "cbc:DocumentCurrencyCode", "currency"), {
    path: "cbc:DocumentCurrencyCode",
    field: "currency",
    line: fields.one(root, "cbc:DocumentCurrencyCode").line,
  });
  const taxCurrency = fields.text(root, "cbc:TaxCurrencyCode", "taxCurrency");
  const taxTotal = taxTotalOf(fields, root, currency);
  const dueOfMeans = fields.all(root, "cac:PaymentMeans/cbc:PaymentDueDate")[0];
  const dueDate =
    day(root, "cbc:DueDate", "dueDate") ??
    (dueOfMeans &&
      fields.date(dueOfMeans.text, {
        path: "cac:PaymentMeans/cbc:PaymentDueDate",
        field: "dueDate",
        line: dueOfMeans.line,
      }));
  const linePath = credit ? "cac:CreditNoteLine" : "cac:InvoiceLine";
  const lines = fields.all(root, linePath).map((line) => lineOf(fields, line, currency, credit));
  if (lines.length === 0)
    throw new InvoiceError("invoice/field-missing", { field: "lines", path: linePath, line: root.line });
  const [allowances, charges] = allowancesOf(fields, root, currency);
  return {
    syntax: "ubl",
    kind: credit ? "creditNote" : "invoice",
    typeCode,
    number: fields.required(root, "cbc:ID", "number"),
    issueDate: issueDate ?? "",
    currency,
    precedingInvoices: fields
      .all(root, "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID")
      .map(({ text }) => text),
    seller: partyOf(fields, root, "cac:AccountingSupplierParty", "seller"),
    buyer: partyOf(fields, root, "cac:AccountingCustomerParty", "buyer"),
    accounts: accountsOf(fields, root),
    notes: fields.all(root, "cbc:Note").map(({ text }) => text),
    lines,
    allowances,
    charges,
    vat: taxTotal ? fields.all(taxTotal, "cac:TaxSubtotal").map((one) => vatOf(fields, one, currency)) : [],
    totals: totalsOf(fields, root, currency, taxTotal),
    ...present({
      profile: fields.text(root, "cbc:CustomizationID"),
      dueDate,
      paymentTerms: fields.all(root, "cac:PaymentTerms/cbc:Note")[0]?.text || undefined,
      taxCurrency,
      buyerReference: fields.text(root, "cbc:BuyerReference", "buyerReference"),
      orderReference: fields.text(root, "cac:OrderReference/cbc:ID", "orderReference"),
      payeeName: fields.text(root, "cac:PayeeParty/cac:PartyName/cbc:Name", "payeeName"),
    }),
    locations: fields.locations,
  };
}

/** The total in the document's currency; a second one is in the currency of the tax office. */
function taxTotalOf(fields: Fields, root: XmlElement, currency: string): XmlElement | undefined {
  const path = "cac:TaxTotal/cbc:TaxAmount";
  const own = fields.all(root, "cac:TaxTotal").filter((one) => {
    const said = fields.maybe(one, "cbc:TaxAmount", "vat")?.attributes.get("currencyID");
    return said === undefined || said === currency;
  });
  if (own[1]) throw new InvoiceError("invoice/field-repeated", { field: "vat", path, line: own[1].line });
  return own[0];
}

function amount(fields: Fields, from: XmlElement, path: string, field: string, currency: string) {
  const found = fields.maybe(from, path, field);
  if (!found) return undefined;
  fields.inCurrency(found, path, field, currency);
  return fields.numberOf(found, path, field);
}

function requiredAmount(fields: Fields, from: XmlElement, path: string, field: string, currency: string) {
  const found = amount(fields, from, path, field, currency);
  if (!found) throw new InvoiceError("invoice/field-missing", { field, path, line: from.line });
  return found;
}

function totalsOf(fields: Fields, root: XmlElement, currency: string, taxTotal: XmlElement | undefined): Totals {
  const sums = fields.one(root, "cac:LegalMonetaryTotal", "totals");
  const of = (path: string, field: string) => amount(fields, sums, path, field, currency);
  const collected = fields.all(root, "cac:PrepaidPayment/cbc:PaidAmount").map((one) => {
    fields.inCurrency(one, "cac:PrepaidPayment/cbc:PaidAmount", "thirdParty", currency);
    return fields.numberOf(one, "cac:PrepaidPayment/cbc:PaidAmount", "thirdParty");
  });
  return {
    lines: requiredAmount(fields, sums, "cbc:LineExtensionAmount", "lineTotal", currency),
    net: requiredAmount(fields, sums, "cbc:TaxExclusiveAmount", "net", currency),
    gross: requiredAmount(fields, sums, "cbc:TaxInclusiveAmount", "gross", currency),
    payable: requiredAmount(fields, sums, "cbc:PayableAmount", "payable", currency),
    ...present({
      allowances: of("cbc:AllowanceTotalAmount", "allowanceTotal"),
      charges: of("cbc:ChargeTotalAmount", "chargeTotal"),
      vat: taxTotal && amount(fields, taxTotal, "cbc:TaxAmount", "vat", currency),
      prepaid: of("cbc:PrepaidAmount", "prepaid"),
      rounding: of("cbc:PayableRoundingAmount", "rounding"),
      thirdParty: collected.length > 0 ? add(...collected) : undefined,
    }),
  };
}

function partyOf(fields: Fields, root: XmlElement, path: string, field: "seller" | "buyer"): Party {
  const party = fields.one(root, `${path}/cac:Party`, field);
  const schemes = fields.all(party, "cac:PartyTaxScheme").map((one) => ({
    id: fields.text(one, "cbc:CompanyID"),
    scheme: fields.text(one, "cac:TaxScheme/cbc:ID"),
  }));
  const tax = (vat: boolean) => schemes.find(({ id, scheme }) => id !== undefined && (scheme === "VAT") === vat)?.id;
  const vatId = tax(true);
  if (vatId !== undefined) {
    const [found = party] = fields.all(party, "cac:PartyTaxScheme/cbc:CompanyID");
    fields.note(`${field}VatId`, `${path}/cac:Party/cac:PartyTaxScheme/cbc:CompanyID`, found);
  }
  return {
    name: fields.required(party, "cac:PartyLegalEntity/cbc:RegistrationName", `${field}Name`),
    ...present({
      tradeName: fields.text(party, "cac:PartyName/cbc:Name"),
      vatId: vatId === undefined ? undefined : compact(vatId),
      taxNumber: tax(false),
      country: fields.text(party, "cac:PostalAddress/cac:Country/cbc:IdentificationCode"),
    }),
  };
}

function accountsOf(fields: Fields, root: XmlElement): readonly string[] {
  const path = "cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID";
  const found = fields.all(root, path);
  if (found[0]) fields.note("account", path, found[0]);
  return [...new Set(found.map(({ text }) => compact(text)))];
}

function allowancesOf(
  fields: Fields,
  from: XmlElement,
  currency: string,
): readonly [readonly AllowanceCharge[], readonly AllowanceCharge[]] {
  const all = fields.all(from, "cac:AllowanceCharge").map((one) => {
    const charge = fields.required(one, "cbc:ChargeIndicator", "chargeIndicator");
    if (charge !== "true" && charge !== "false" && charge !== "1" && charge !== "0") {
      throw new InvoiceError("invoice/field-invalid", {
        field: "chargeIndicator",
        wanted: "true or false",
        path: "cac:AllowanceCharge/cbc:ChargeIndicator",
        line: one.line,
      });
    }
    const value: AllowanceCharge = {
      amount: requiredAmount(fields, one, "cbc:Amount", "allowanceAmount", currency),
      ...present({
        reason: fields.text(one, "cbc:AllowanceChargeReason"),
        category: fields.text(one, "cac:TaxCategory/cbc:ID"),
        rate: fields.number(one, "cac:TaxCategory/cbc:Percent"),
      }),
    };
    return { charge: charge === "true" || charge === "1", value };
  });
  const of = (charge: boolean) => all.filter((one) => one.charge === charge).map(({ value }) => value);
  return [of(false), of(true)];
}

function lineOf(fields: Fields, line: XmlElement, currency: string, credit: boolean): InvoiceLine {
  const quantity = fields.maybe(line, credit ? "cbc:CreditedQuantity" : "cbc:InvoicedQuantity", "quantity");
  const [allowances, charges] = allowancesOf(fields, line, currency);
  return {
    id: fields.required(line, "cbc:ID", "lineId"),
    name: fields.text(line, "cac:Item/cbc:Name") ?? "",
    allowances: allowances.map((one) => one.amount),
    charges: charges.map((one) => one.amount),
    net: requiredAmount(fields, line, "cbc:LineExtensionAmount", "lineNet", currency),
    at: line.line,
    ...present({
      quantity: quantity && fields.numberOf(quantity, "cbc:InvoicedQuantity", "quantity"),
      unit: quantity?.attributes.get("unitCode"),
      price: amount(fields, line, "cac:Price/cbc:PriceAmount", "price", currency),
      baseQuantity: fields.number(line, "cac:Price/cbc:BaseQuantity", "baseQuantity"),
      category: fields.text(line, "cac:Item/cac:ClassifiedTaxCategory/cbc:ID"),
      rate: fields.number(line, "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent"),
      orderLine: fields.text(line, "cac:OrderLineReference/cbc:LineID"),
    }),
  };
}

function vatOf(fields: Fields, one: XmlElement, currency: string): VatBreakdown {
  return {
    category: fields.required(one, "cac:TaxCategory/cbc:ID", "vatCategory"),
    base: requiredAmount(fields, one, "cbc:TaxableAmount", "vatBase", currency),
    tax: requiredAmount(fields, one, "cbc:TaxAmount", "vatTax", currency),
    at: one.line,
    ...present({
      rate: fields.number(one, "cac:TaxCategory/cbc:Percent", "vatRate"),
      reason:
        fields.text(one, "cac:TaxCategory/cbc:TaxExemptionReason") ??
        fields.text(one, "cac:TaxCategory/cbc:TaxExemptionReasonCode"),
    }),
  };
}
