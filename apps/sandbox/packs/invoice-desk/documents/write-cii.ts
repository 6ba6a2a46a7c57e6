import { ciiSpaces } from "../../../src/einvoice/cii.ts";
import { type Decimal, decimalText } from "../../../src/einvoice/decimal.ts";
import { type AllowanceCharge, currencyDigits, type Invoice, type Party } from "../../../src/einvoice/invoice.ts";
import { around, element, maybe, renderXml, type XmlNode, type XmlStyle } from "./xml.ts";

/** Writes an invoice in UN/CEFACT CII (D16B), as XRechnung and ZUGFeRD have it. Whether its numbers agree is not looked at. */
export function writeCii(invoice: Invoice, style: XmlStyle = {}): string {
  const { rsm, ram, udt } = ciiSpaces;
  return renderXml(ciiTree(invoice), { rsm, ram, udt }, style);
}

function day(name: string, text: string | undefined): XmlNode | undefined {
  if (text === undefined) return undefined;
  return element(name, [element("udt:DateTimeString", text.replaceAll("-", ""), { format: "102" })]);
}

function ciiTree(invoice: Invoice): XmlNode {
  const { currency, totals } = invoice;
  const money = (name: string, value: Decimal | undefined, attributes?: XmlNode["attributes"]) =>
    maybe(name, value && decimalText(value, currencyDigits(currency)), attributes);
  const allowance = (charge: boolean) => (one: AllowanceCharge) =>
    element("ram:SpecifiedTradeAllowanceCharge", [
      element("ram:ChargeIndicator", [element("udt:Indicator", String(charge))]),
      money("ram:ActualAmount", one.amount),
      maybe("ram:Reason", one.reason),
      one.category === undefined
        ? undefined
        : element("ram:CategoryTradeTax", [
            element("ram:TypeCode", "VAT"),
            element("ram:CategoryCode", one.category),
            maybe("ram:RateApplicablePercent", one.rate && decimalText(one.rate)),
          ]),
    ]);
  return element("rsm:CrossIndustryInvoice", [
    element("rsm:ExchangedDocumentContext", [
      around("ram:GuidelineSpecifiedDocumentContextParameter", maybe("ram:ID", invoice.profile)),
    ]),
    element("rsm:ExchangedDocument", [
      element("ram:ID", invoice.number),
      element("ram:TypeCode", invoice.typeCode),
      day("ram:IssueDateTime", invoice.issueDate),
      invoice.notes.map((note) => element("ram:IncludedNote", [element("ram:Content", note)])),
    ]),
    element("rsm:SupplyChainTradeTransaction", [
      invoice.lines.map((line) => lineTree(line, money, allowance)),
      element("ram:ApplicableHeaderTradeAgreement", [
        maybe("ram:BuyerReference", invoice.buyerReference),
        party("ram:SellerTradeParty", invoice.seller),
        party("ram:BuyerTradeParty", invoice.buyer),
        around("ram:BuyerOrderReferencedDocument", maybe("ram:IssuerAssignedID", invoice.orderReference)),
      ]),
      element("ram:ApplicableHeaderTradeDelivery", []),
      element("ram:ApplicableHeaderTradeSettlement", [
        maybe("ram:TaxCurrencyCode", invoice.taxCurrency),
        element("ram:InvoiceCurrencyCode", currency),
        around("ram:PayeeTradeParty", maybe("ram:Name", invoice.payeeName)),
        invoice.accounts.map((account) =>
          element("ram:SpecifiedTradeSettlementPaymentMeans", [
            element("ram:TypeCode", "58"),
            element("ram:PayeePartyCreditorFinancialAccount", [element("ram:IBANID", account)]),
          ]),
        ),
        invoice.vat.map((one) =>
          element("ram:ApplicableTradeTax", [
            money("ram:CalculatedAmount", one.tax),
            element("ram:TypeCode", "VAT"),
            maybe("ram:ExemptionReason", one.reason),
            money("ram:BasisAmount", one.base),
            element("ram:CategoryCode", one.category),
            maybe("ram:RateApplicablePercent", one.rate && decimalText(one.rate)),
          ]),
        ),
        invoice.allowances.map(allowance(false)),
        invoice.charges.map(allowance(true)),
        around(
          "ram:SpecifiedTradePaymentTerms",
          maybe("ram:Description", invoice.paymentTerms),
          day("ram:DueDateDateTime", invoice.dueDate),
        ),
        element("ram:SpecifiedTradeSettlementHeaderMonetarySummation", [
          money("ram:LineTotalAmount", totals.lines),
          money("ram:ChargeTotalAmount", totals.charges),
          money("ram:AllowanceTotalAmount", totals.allowances),
          money("ram:TaxBasisTotalAmount", totals.net),
          money("ram:TaxTotalAmount", totals.vat, { currencyID: currency }),
          money("ram:RoundingAmount", totals.rounding),
          money("ram:GrandTotalAmount", totals.gross),
          money("ram:TotalPrepaidAmount", totals.prepaid),
          money("ram:DuePayableAmount", totals.payable),
        ]),
        invoice.precedingInvoices.map((number) =>
          element("ram:InvoiceReferencedDocument", [element("ram:IssuerAssignedID", number)]),
        ),
      ]),
    ]),
  ]);
}

function lineTree(
  line: Invoice["lines"][number],
  money: (name: string, value: Decimal | undefined) => XmlNode | undefined,
  allowance: (charge: boolean) => (one: AllowanceCharge) => XmlNode,
): XmlNode {
  return element("ram:IncludedSupplyChainTradeLineItem", [
    element("ram:AssociatedDocumentLineDocument", [element("ram:LineID", line.id)]),
    element("ram:SpecifiedTradeProduct", [element("ram:Name", line.name)]),
    element("ram:SpecifiedLineTradeAgreement", [
      around("ram:BuyerOrderReferencedDocument", maybe("ram:LineID", line.orderLine)),
      around(
        "ram:NetPriceProductTradePrice",
        maybe("ram:ChargeAmount", line.price && decimalText(line.price)),
        maybe("ram:BasisQuantity", line.baseQuantity && decimalText(line.baseQuantity)),
      ),
    ]),
    element("ram:SpecifiedLineTradeDelivery", [
      maybe(
        "ram:BilledQuantity",
        line.quantity && decimalText(line.quantity),
        line.unit === undefined ? undefined : { unitCode: line.unit },
      ),
    ]),
    element("ram:SpecifiedLineTradeSettlement", [
      line.category === undefined
        ? undefined
        : element("ram:ApplicableTradeTax", [
            element("ram:TypeCode", "VAT"),
            element("ram:CategoryCode", line.category),
            maybe("ram:RateApplicablePercent", line.rate && decimalText(line.rate)),
          ]),
      line.allowances.map((amount) => allowance(false)({ amount })),
      line.charges.map((amount) => allowance(true)({ amount })),
      element("ram:SpecifiedTradeSettlementLineMonetarySummation", [money("ram:LineTotalAmount", line.net)]),
    ]),
  ]);
}

function party(name: string, { name: registered, tradeName, vatId, taxNumber, country }: Party): XmlNode {
  const registration = (schemeID: string, id: string | undefined) =>
    id === undefined ? undefined : element("ram:SpecifiedTaxRegistration", [element("ram:ID", id, { schemeID })]);
  return element(name, [
    element("ram:Name", registered),
    around("ram:SpecifiedLegalOrganization", maybe("ram:TradingBusinessName", tradeName)),
    around("ram:PostalTradeAddress", maybe("ram:CountryID", country)),
    registration("VA", vatId),
    registration("FC", taxNumber),
  ]);
}
