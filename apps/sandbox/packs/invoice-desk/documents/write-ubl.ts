import { type Decimal, decimalText } from "../../../src/einvoice/decimal.ts";
import { type AllowanceCharge, currencyDigits, type Invoice, type Party } from "../../../src/einvoice/invoice.ts";
import { ublSpaces } from "../../../src/einvoice/ubl.ts";
import { around, element, maybe, renderXml, type XmlNode, type XmlStyle } from "./xml.ts";

/** Writes an invoice in UBL 2.1, as XRechnung has it. Whether its numbers agree is not looked at. */
export function writeUbl(invoice: Invoice, style: XmlStyle = {}): string {
  const { invoice: plain, creditNote, cac, cbc } = ublSpaces;
  const credit = invoice.kind === "creditNote";
  return renderXml(
    ublTree(invoice),
    { root: credit ? creditNote : plain, cac, cbc },
    { ...style, prefixes: { root: "", ...style.prefixes } },
  );
}

function ublTree(invoice: Invoice): XmlNode {
  const { currency, totals } = invoice;
  const credit = invoice.kind === "creditNote";
  const inCurrency = { currencyID: currency };
  const money = (name: string, value: Decimal | undefined) =>
    maybe(name, value && decimalText(value, currencyDigits(currency)), inCurrency);
  const vat = element("cac:TaxScheme", [element("cbc:ID", "VAT")]);
  const category = (
    name: string,
    one: { readonly category?: string; readonly rate?: Decimal; readonly reason?: string | undefined },
  ) =>
    one.category === undefined
      ? undefined
      : element(name, [
          element("cbc:ID", one.category),
          maybe("cbc:Percent", one.rate && decimalText(one.rate)),
          maybe("cbc:TaxExemptionReason", one.reason),
          vat,
        ]);
  const allowance = (charge: boolean) => (one: AllowanceCharge) =>
    element("cac:AllowanceCharge", [
      element("cbc:ChargeIndicator", String(charge)),
      maybe("cbc:AllowanceChargeReason", one.reason),
      money("cbc:Amount", one.amount),
      category("cac:TaxCategory", { ...one, reason: undefined }),
    ]);
  return element(credit ? "root:CreditNote" : "root:Invoice", [
    maybe("cbc:CustomizationID", invoice.profile),
    element("cbc:ID", invoice.number),
    element("cbc:IssueDate", invoice.issueDate),
    credit ? undefined : maybe("cbc:DueDate", invoice.dueDate),
    element(credit ? "cbc:CreditNoteTypeCode" : "cbc:InvoiceTypeCode", invoice.typeCode),
    invoice.notes.map((note) => element("cbc:Note", note)),
    element("cbc:DocumentCurrencyCode", currency),
    maybe("cbc:TaxCurrencyCode", invoice.taxCurrency),
    maybe("cbc:BuyerReference", invoice.buyerReference),
    around("cac:OrderReference", maybe("cbc:ID", invoice.orderReference)),
    invoice.precedingInvoices.map((number) =>
      element("cac:BillingReference", [element("cac:InvoiceDocumentReference", [element("cbc:ID", number)])]),
    ),
    element("cac:AccountingSupplierParty", [party(invoice.seller, vat)]),
    element("cac:AccountingCustomerParty", [party(invoice.buyer, vat)]),
    around("cac:PayeeParty", around("cac:PartyName", maybe("cbc:Name", invoice.payeeName))),
    invoice.accounts.map((account) =>
      element("cac:PaymentMeans", [
        element("cbc:PaymentMeansCode", "58"),
        credit ? maybe("cbc:PaymentDueDate", invoice.dueDate) : undefined,
        element("cac:PayeeFinancialAccount", [element("cbc:ID", account)]),
      ]),
    ),
    around("cac:PaymentTerms", maybe("cbc:Note", invoice.paymentTerms)),
    totals.thirdParty &&
      element("cac:PrepaidPayment", [element("cbc:ID", "1"), money("cbc:PaidAmount", totals.thirdParty)]),
    invoice.allowances.map(allowance(false)),
    invoice.charges.map(allowance(true)),
    element("cac:TaxTotal", [
      money("cbc:TaxAmount", totals.vat),
      invoice.vat.map((one) =>
        element("cac:TaxSubtotal", [
          money("cbc:TaxableAmount", one.base),
          money("cbc:TaxAmount", one.tax),
          category("cac:TaxCategory", one),
        ]),
      ),
    ]),
    element("cac:LegalMonetaryTotal", [
      money("cbc:LineExtensionAmount", totals.lines),
      money("cbc:TaxExclusiveAmount", totals.net),
      money("cbc:TaxInclusiveAmount", totals.gross),
      money("cbc:AllowanceTotalAmount", totals.allowances),
      money("cbc:ChargeTotalAmount", totals.charges),
      money("cbc:PrepaidAmount", totals.prepaid),
      money("cbc:PayableRoundingAmount", totals.rounding),
      money("cbc:PayableAmount", totals.payable),
    ]),
    invoice.lines.map((line) =>
      element(credit ? "cac:CreditNoteLine" : "cac:InvoiceLine", [
        element("cbc:ID", line.id),
        maybe(
          credit ? "cbc:CreditedQuantity" : "cbc:InvoicedQuantity",
          line.quantity && decimalText(line.quantity),
          line.unit === undefined ? undefined : { unitCode: line.unit },
        ),
        money("cbc:LineExtensionAmount", line.net),
        around("cac:OrderLineReference", maybe("cbc:LineID", line.orderLine)),
        line.allowances.map((amount) => allowance(false)({ amount })),
        line.charges.map((amount) => allowance(true)({ amount })),
        element("cac:Item", [element("cbc:Name", line.name), category("cac:ClassifiedTaxCategory", line)]),
        around(
          "cac:Price",
          maybe("cbc:PriceAmount", line.price && decimalText(line.price), inCurrency),
          maybe("cbc:BaseQuantity", line.baseQuantity && decimalText(line.baseQuantity)),
        ),
      ]),
    ),
  ]);
}

function party({ name, tradeName, vatId, taxNumber, country }: Party, vat: XmlNode): XmlNode {
  return element("cac:Party", [
    around("cac:PartyName", maybe("cbc:Name", tradeName)),
    around("cac:PostalAddress", around("cac:Country", maybe("cbc:IdentificationCode", country))),
    vatId === undefined ? undefined : element("cac:PartyTaxScheme", [element("cbc:CompanyID", vatId), vat]),
    taxNumber === undefined
      ? undefined
      : element("cac:PartyTaxScheme", [
          element("cbc:CompanyID", taxNumber),
          element("cac:TaxScheme", [element("cbc:ID", "FC")]),
        ]),
    element("cac:PartyLegalEntity", [element("cbc:RegistrationName", name)]),
  ]);
}
