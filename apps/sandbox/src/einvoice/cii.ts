import type { Decimal } from "./decimal.ts";
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

export const ciiSpaces = {
  rsm: "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
  ram: "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
  udt: "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
  qdt: "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
} as const;

/** Reads a CrossIndustryInvoice of UN/CEFACT D16B, as XRechnung, ZUGFeRD and Factur-X use it. */
export function readCii(root: XmlElement): Invoice {
  const fields = new Fields(ciiSpaces);
  const head = fields.one(root, "rsm:ExchangedDocument", "document");
  const trade = fields.one(root, "rsm:SupplyChainTradeTransaction", "transaction");
  const agreement = fields.one(trade, "ram:ApplicableHeaderTradeAgreement", "agreement");
  const settlement = fields.one(trade, "ram:ApplicableHeaderTradeSettlement", "settlement");
  const day = (from: XmlElement, path: string, field: string) => {
    const text = fields.text(from, path, field);
    if (text === undefined) return undefined;
    return fields.date(text, { path, field, line: fields.one(from, path).line, digits: true });
  };
  const typeCode = fields.required(head, "ram:TypeCode", "typeCode");
  const issued = "ram:IssueDateTime/udt:DateTimeString";
  const issueDate = day(head, issued, "issueDate");
  if (issueDate === undefined) fields.required(head, issued, "issueDate");
  const currencyPath = "ram:InvoiceCurrencyCode";
  const currency = fields.currency(fields.required(settlement, currencyPath, "currency"), {
    path: currencyPath,
    field: "currency",
    line: fields.one(settlement, currencyPath).line,
  });
  const linePath = "ram:IncludedSupplyChainTradeLineItem";
  const lines = fields.all(trade, linePath).map((line) => lineOf(fields, line));
  if (lines.length === 0)
    throw new InvoiceError("invoice/field-missing", { field: "lines", path: linePath, line: trade.line });
  const [allowances, charges] = allowancesOf(fields, settlement, "ram:SpecifiedTradeAllowanceCharge");
  return {
    syntax: "cii",
    kind: kindOf(typeCode),
    typeCode,
    number: fields.required(head, "ram:ID", "number"),
    issueDate: issueDate ?? "",
    currency,
    precedingInvoices: fields
      .all(settlement, "ram:InvoiceReferencedDocument/ram:IssuerAssignedID")
      .map(({ text }) => text),
    seller: partyOf(fields, agreement, "ram:SellerTradeParty", "seller"),
    buyer: partyOf(fields, agreement, "ram:BuyerTradeParty", "buyer"),
    accounts: accountsOf(fields, settlement),
    notes: fields.all(head, "ram:IncludedNote/ram:Content").map(({ text }) => text),
    lines,
    allowances,
    charges,
    vat: fields.all(settlement, "ram:ApplicableTradeTax").map((one) => vatOf(fields, one)),
    totals: totalsOf(fields, settlement, currency),
    ...present({
      profile: fields.text(root, "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID"),
      dueDate: day(settlement, "ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString", "dueDate"),
      paymentTerms: fields.text(settlement, "ram:SpecifiedTradePaymentTerms/ram:Description"),
      taxCurrency: fields.text(settlement, "ram:TaxCurrencyCode", "taxCurrency"),
      buyerReference: fields.text(agreement, "ram:BuyerReference", "buyerReference"),
      orderReference: fields.text(agreement, "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID", "orderReference"),
      payeeName: fields.text(settlement, "ram:PayeeTradeParty/ram:Name", "payeeName"),
    }),
    locations: fields.locations,
  };
}

function totalsOf(fields: Fields, settlement: XmlElement, currency: string): Totals {
  const sums = fields.one(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation", "totals");
  const of = (name: string, field: string): Decimal | undefined => {
    const path = `ram:${name}`;
    const found = fields.maybe(sums, path, field);
    if (!found) return undefined;
    fields.inCurrency(found, path, field, currency);
    return fields.numberOf(found, path, field);
  };
  const required = (name: string, field: string): Decimal => {
    const found = of(name, field);
    if (!found) throw new InvoiceError("invoice/field-missing", { field, path: `ram:${name}`, line: sums.line });
    return found;
  };
  // A second one is in the currency of the tax office.
  const taxes = fields
    .all(sums, "ram:TaxTotalAmount")
    .filter(({ attributes }) => (attributes.get("currencyID") ?? currency) === currency);
  if (taxes[1]) {
    throw new InvoiceError("invoice/field-repeated", { field: "vat", path: "ram:TaxTotalAmount", line: taxes[1].line });
  }
  return {
    lines: required("LineTotalAmount", "lineTotal"),
    net: required("TaxBasisTotalAmount", "net"),
    gross: required("GrandTotalAmount", "gross"),
    payable: required("DuePayableAmount", "payable"),
    ...present({
      allowances: of("AllowanceTotalAmount", "allowanceTotal"),
      charges: of("ChargeTotalAmount", "chargeTotal"),
      vat: taxes[0] && fields.numberOf(taxes[0], "ram:TaxTotalAmount", "vat"),
      prepaid: of("TotalPrepaidAmount", "prepaid"),
      rounding: of("RoundingAmount", "rounding"),
    }),
  };
}

function partyOf(fields: Fields, agreement: XmlElement, path: string, field: "seller" | "buyer"): Party {
  const party = fields.one(agreement, path, field);
  const registered = fields.all(party, "ram:SpecifiedTaxRegistration/ram:ID");
  const vat = registered.find((one) => one.attributes.get("schemeID") === "VA");
  if (vat) fields.note(`${field}VatId`, `${path}/ram:SpecifiedTaxRegistration/ram:ID`, vat);
  return {
    name: fields.required(party, "ram:Name", `${field}Name`),
    ...present({
      tradeName: fields.text(party, "ram:SpecifiedLegalOrganization/ram:TradingBusinessName"),
      vatId: vat?.text ? compact(vat.text) : undefined,
      taxNumber: registered.find((one) => one.attributes.get("schemeID") === "FC")?.text || undefined,
      country: fields.text(party, "ram:PostalTradeAddress/ram:CountryID"),
    }),
  };
}

function accountsOf(fields: Fields, settlement: XmlElement): readonly string[] {
  const path = "ram:SpecifiedTradeSettlementPaymentMeans/ram:PayeePartyCreditorFinancialAccount";
  const found = [
    ...fields.all(settlement, `${path}/ram:IBANID`),
    ...fields.all(settlement, `${path}/ram:ProprietaryID`),
  ];
  if (found[0]) fields.note("account", path, found[0]);
  return [...new Set(found.map(({ text }) => compact(text)))];
}

function allowancesOf(
  fields: Fields,
  from: XmlElement,
  path: string,
): readonly [readonly AllowanceCharge[], readonly AllowanceCharge[]] {
  const all = fields.all(from, path).map((one) => {
    const indicator = fields.required(one, "ram:ChargeIndicator/udt:Indicator", "chargeIndicator");
    if (indicator !== "true" && indicator !== "false") {
      throw new InvoiceError("invoice/field-invalid", {
        field: "chargeIndicator",
        wanted: "true or false",
        path: `${path}/ram:ChargeIndicator`,
        line: one.line,
      });
    }
    const value: AllowanceCharge = {
      amount: fields.requiredNumber(one, "ram:ActualAmount", "allowanceAmount"),
      ...present({
        reason: fields.text(one, "ram:Reason"),
        category: fields.text(one, "ram:CategoryTradeTax/ram:CategoryCode"),
        rate: fields.number(one, "ram:CategoryTradeTax/ram:RateApplicablePercent"),
      }),
    };
    return { charge: indicator === "true", value };
  });
  const of = (charge: boolean) => all.filter((one) => one.charge === charge).map(({ value }) => value);
  return [of(false), of(true)];
}

function lineOf(fields: Fields, line: XmlElement): InvoiceLine {
  const settlement = fields.one(line, "ram:SpecifiedLineTradeSettlement", "lineSettlement");
  const price = fields.maybe(line, "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice", "price");
  const quantity = fields.maybe(line, "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity", "quantity");
  const [allowances, charges] = allowancesOf(fields, settlement, "ram:SpecifiedTradeAllowanceCharge");
  return {
    id: fields.required(line, "ram:AssociatedDocumentLineDocument/ram:LineID", "lineId"),
    name: fields.text(line, "ram:SpecifiedTradeProduct/ram:Name") ?? "",
    allowances: allowances.map((one) => one.amount),
    charges: charges.map((one) => one.amount),
    net: fields.requiredNumber(
      settlement,
      "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
      "lineNet",
    ),
    at: line.line,
    ...present({
      quantity: quantity && fields.numberOf(quantity, "ram:BilledQuantity", "quantity"),
      unit: quantity?.attributes.get("unitCode"),
      price: price && fields.number(price, "ram:ChargeAmount", "price"),
      baseQuantity: price && fields.number(price, "ram:BasisQuantity", "baseQuantity"),
      category: fields.text(settlement, "ram:ApplicableTradeTax/ram:CategoryCode"),
      rate: fields.number(settlement, "ram:ApplicableTradeTax/ram:RateApplicablePercent"),
      orderLine: fields.text(line, "ram:SpecifiedLineTradeAgreement/ram:BuyerOrderReferencedDocument/ram:LineID"),
    }),
  };
}

function vatOf(fields: Fields, one: XmlElement): VatBreakdown {
  return {
    category: fields.required(one, "ram:CategoryCode", "vatCategory"),
    base: fields.requiredNumber(one, "ram:BasisAmount", "vatBase"),
    tax: fields.requiredNumber(one, "ram:CalculatedAmount", "vatTax"),
    at: one.line,
    ...present({
      rate: fields.number(one, "ram:RateApplicablePercent", "vatRate"),
      reason: fields.text(one, "ram:ExemptionReason") ?? fields.text(one, "ram:ExemptionReasonCode"),
    }),
  };
}
