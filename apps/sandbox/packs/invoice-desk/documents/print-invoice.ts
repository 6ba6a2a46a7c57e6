import { add, type Decimal, decimalText } from "../../../src/einvoice/decimal.ts";
import { currencyDigits, type Invoice } from "../../../src/einvoice/invoice.ts";
import type { PdfText } from "./write-pdf.ts";

/** How an invoice is printed; what it says is the same in any of them, unless something is blurred. */
export interface PrintStyle {
  readonly language?: keyof typeof languages;
  /** What a scanner made of a text, by what it is. */
  readonly blur?: (text: string, kind: PrintKind) => string;
  /** Says number and date once more at the foot, on the slip for the bank. */
  readonly slip?: boolean;
  /** Lines of text below the sums. */
  readonly remarks?: readonly string[];
}

export type PrintKind = "label" | "name" | "code" | "day" | "amount" | "account" | "vatId";

interface Language {
  readonly title: string;
  readonly number: string;
  readonly issueDate: string;
  readonly dueDate: string;
  readonly order: string;
  readonly vatId: string;
  readonly buyer: string;
  readonly buyerVatId: string;
  readonly columns: readonly [string, string, string, string, string, string];
  readonly net: string;
  readonly vat: string;
  readonly gross: string;
  readonly prepaid: string;
  readonly payable: string;
  readonly slip: string;
  readonly reverse: string;
  readonly thousands: string;
  readonly point: string;
  readonly day: (year: string, month: string, day: string) => string;
}

const dotted: Language["day"] = (year, month, day) => `${day}.${month}.${year}`;
const slashed: Language["day"] = (year, month, day) => `${day}/${month}/${year}`;

export const languages = {
  en: {
    title: "INVOICE",
    number: "Invoice number",
    issueDate: "Invoice date",
    dueDate: "Due date",
    order: "Purchase order",
    vatId: "VAT no.",
    buyer: "Bill to",
    buyerVatId: "Your VAT no.",
    columns: ["Pos", "Description", "Qty", "Unit price", "VAT %", "Amount"],
    net: "Subtotal",
    vat: "VAT",
    gross: "Total incl. VAT",
    prepaid: "Prepaid",
    payable: "Amount due",
    slip: "Reference",
    reverse: "Reverse charge",
    thousands: ",",
    point: ".",
    day: (year, month, day) => `${year}-${month}-${day}`,
  },
  de: {
    title: "RECHNUNG",
    number: "Rechnungsnummer",
    issueDate: "Rechnungsdatum",
    dueDate: "Fällig am",
    order: "Bestellnummer",
    vatId: "USt-IdNr.",
    buyer: "Rechnung an",
    buyerVatId: "Ihre USt-IdNr.",
    columns: ["Pos", "Bezeichnung", "Menge", "Einzelpreis", "MwSt %", "Betrag"],
    net: "Summe netto",
    vat: "MwSt",
    gross: "Gesamtbetrag",
    prepaid: "Anzahlung",
    payable: "Zahlbetrag",
    slip: "Verwendungszweck",
    reverse: "Steuerschuldnerschaft des Leistungsempfängers",
    thousands: ".",
    point: ",",
    day: dotted,
  },
  fr: {
    title: "FACTURE",
    number: "Numéro de facture",
    issueDate: "Date de facture",
    dueDate: "Date d'échéance",
    order: "Bon de commande",
    vatId: "N° TVA",
    buyer: "Adresse de facturation",
    buyerVatId: "Votre N° TVA",
    columns: ["N°", "Désignation", "Quantité", "Prix unitaire", "TVA %", "Montant HT"],
    net: "Total HT",
    vat: "TVA",
    gross: "Total TTC",
    prepaid: "Acompte",
    payable: "Net à payer",
    slip: "Référence",
    reverse: "Autoliquidation",
    thousands: " ",
    point: ",",
    day: slashed,
  },
  es: {
    title: "FACTURA",
    number: "Número de factura",
    issueDate: "Fecha de factura",
    dueDate: "Fecha de vencimiento",
    order: "Pedido",
    vatId: "NIF",
    buyer: "Facturar a",
    buyerVatId: "NIF del cliente",
    columns: ["N", "Descripción", "Cantidad", "Precio unitario", "IVA %", "Importe"],
    net: "Base imponible",
    vat: "IVA",
    gross: "Total factura",
    prepaid: "Anticipo",
    payable: "Total a pagar",
    slip: "Concepto",
    reverse: "Inversión del sujeto pasivo",
    thousands: ".",
    point: ",",
    day: slashed,
  },
  it: {
    title: "FATTURA",
    number: "Numero fattura",
    issueDate: "Data fattura",
    dueDate: "Data di scadenza",
    order: "Ordine n.",
    vatId: "Partita IVA",
    buyer: "Fatturato a",
    buyerVatId: "Partita IVA cliente",
    columns: ["Pos", "Descrizione", "Quantità", "Prezzo unitario", "IVA %", "Importo"],
    net: "Imponibile",
    vat: "Imposta",
    gross: "Totale fattura",
    prepaid: "Acconto",
    payable: "Totale da pagare",
    slip: "Causale",
    reverse: "Inversione contabile",
    thousands: ".",
    point: ",",
    day: slashed,
  },
  nl: {
    title: "FACTUUR",
    number: "Factuurnummer",
    issueDate: "Factuurdatum",
    dueDate: "Vervaldatum",
    order: "Bestelnummer",
    vatId: "Btw-nr.",
    buyer: "Factuur aan",
    buyerVatId: "Uw btw-nummer",
    columns: ["Nr", "Omschrijving", "Aantal", "Stukprijs", "Btw %", "Bedrag"],
    net: "Subtotaal",
    vat: "Btw",
    gross: "Totaal incl. btw",
    prepaid: "Aanbetaling",
    payable: "Te betalen",
    slip: "Kenmerk",
    reverse: "Btw verlegd",
    thousands: ".",
    point: ",",
    day: (year, month, day) => `${day}-${month}-${year}`,
  },
  pl: {
    title: "FAKTURA VAT",
    number: "Numer faktury",
    issueDate: "Data wystawienia",
    dueDate: "Termin płatności",
    order: "Numer zamówienia",
    vatId: "NIP",
    buyer: "Nabywca",
    buyerVatId: "NIP nabywcy",
    columns: ["Lp", "Nazwa towaru", "Ilość", "Cena netto", "Stawka VAT", "Wartość"],
    net: "Razem netto",
    vat: "Kwota VAT",
    gross: "Razem brutto",
    prepaid: "Zaliczka",
    payable: "Do zapłaty",
    slip: "Tytułem",
    reverse: "Odwrotne obciążenie",
    thousands: " ",
    point: ",",
    day: dotted,
  },
  tr: {
    title: "FATURA",
    number: "Fatura No",
    issueDate: "Fatura Tarihi",
    dueDate: "Vade Tarihi",
    order: "Sipariş No",
    vatId: "Vergi No",
    buyer: "Alıcı",
    buyerVatId: "Alıcı Vergi No",
    columns: ["Sıra", "Açıklama", "Miktar", "Birim Fiyat", "KDV %", "Tutar"],
    net: "Ara Toplam",
    vat: "Hesaplanan KDV",
    gross: "Genel Toplam",
    prepaid: "Ön Ödeme",
    payable: "Ödenecek Tutar",
    slip: "Açıklama",
    reverse: "Reverse charge",
    thousands: ".",
    point: ",",
    day: dotted,
  },
} as const satisfies Readonly<Record<string, Language>>;

const at = { left: 50, value: 190, columns: [50, 85, 270, 330, 425, 495], sums: 330, amount: 485 } as const;
const step = 16;
const linesOnPage = 20;

export interface PrintedPages {
  readonly pages: readonly (readonly PdfText[])[];
  /** Where each field stands: page, and line on it from the top, both from 1. */
  readonly places: Readonly<Record<string, { readonly page: number; readonly line: number }>>;
}

/** The pages of an invoice on paper, as a text layer has them. */
export function printInvoice(invoice: Invoice, style: PrintStyle = {}): PrintedPages {
  const { language = "de", blur = (text) => text, slip = false, remarks = [] } = style;
  const words: Language = languages[language];
  const digits = currencyDigits(invoice.currency);
  const label = (text: string) => `${blur(text, "label")}:`;
  const amount = (value: Decimal, least = digits) => blur(written(value, least, words), "amount");
  const money = (value: Decimal) => `${amount(value)} ${invoice.currency}`;
  const day = (text: string) => {
    const [year = "", month = "", date = ""] = text.split("-");
    return blur(words.day(year, month, date), "day");
  };
  const pages: PdfText[][] = [];
  const places: Record<string, { readonly page: number; readonly line: number }> = {};
  let page: PdfText[] = [];
  let [y, lines] = [0, 0];
  const turn = () => {
    page = [];
    pages.push(page);
    [y, lines] = [50, 0];
  };
  const put = (...cells: readonly (readonly [x: number, text: string])[]) => {
    for (const [x, text] of cells) if (text !== "") page.push({ x, y, text });
    y += step;
    lines++;
  };
  const here = (field: string) => {
    places[field] ??= { page: pages.length, line: lines };
  };
  const pair = (name: string, text: string | undefined, field?: string) => {
    if (text === undefined) return;
    put([at.left, label(name)], [at.value, text]);
    if (field !== undefined) here(field);
  };
  const head = () => put(...words.columns.map((text, index) => [at.columns[index] ?? 0, blur(text, "label")] as const));
  turn();
  put([at.left, blur(invoice.seller.name, "name")]);
  pair(words.vatId, invoice.seller.vatId && blur(invoice.seller.vatId, "vatId"), "sellerVatId");
  y += step;
  put([at.left, blur(words.title, "label")]);
  pair(words.buyer, blur(invoice.buyer.name, "name"));
  pair(words.buyerVatId, invoice.buyer.vatId && blur(invoice.buyer.vatId, "vatId"));
  pair(words.number, blur(invoice.number, "code"), "number");
  pair(words.issueDate, day(invoice.issueDate), "issueDate");
  pair(words.dueDate, invoice.dueDate && day(invoice.dueDate));
  pair(words.order, invoice.orderReference && blur(invoice.orderReference, "code"), "orderReference");
  y += step;
  head();
  for (const [index, line] of invoice.lines.entries()) {
    if (index > 0 && index % linesOnPage === 0) {
      turn();
      head();
    }
    const { quantity, price, rate, net } = line;
    const cells = [
      line.id,
      blur(line.name, "name"),
      quantity ? amount(quantity, 0) : "",
      price ? amount(price, 2) : "",
      rate ? `${amount(rate, 0)} %` : "",
      amount(net),
    ];
    put(...cells.map((text, place) => [at.columns[place] ?? 0, text] as const));
  }
  y += step;
  const sum = (name: string, value: Decimal, field: string) => {
    put([at.sums, blur(name, "label")], [at.amount, money(value)]);
    here("currency");
    here(field);
  };
  sum(words.net, invoice.totals.net, "net");
  for (const { rate, tax } of invoice.vat) {
    if (rate && rate.units > 0n) sum(`${words.vat} ${amount(rate, 0)} %`, tax, "vat");
  }
  sum(words.gross, invoice.totals.gross, "gross");
  if (invoice.totals.prepaid) sum(words.prepaid, invoice.totals.prepaid, "prepaid");
  sum(words.payable, invoice.totals.payable, "payable");
  y += step;
  if (invoice.vat.some(({ category }) => category === "AE")) put([at.left, words.reverse]);
  for (const account of invoice.accounts) {
    pair("IBAN", blur(account.replaceAll(/(.{4})(?=.)/g, "$1 "), "account"), "account");
  }
  if (slip)
    put([at.left, label(words.slip)], [at.value, `${invoice.number} ${words.day(...parts(invoice.issueDate))}`]);
  for (const remark of remarks) put([at.left, remark]);
  return { pages, places };
}

function parts(day: string): [string, string, string] {
  const [year = "", month = "", date = ""] = day.split("-");
  return [year, month, date];
}

function written(value: Decimal, least: number, { thousands, point }: Language): string {
  const [whole = "0", fraction] = decimalText(add(value), least).split(".");
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, thousands);
  return fraction === undefined ? grouped : `${grouped}${point}${fraction}`;
}
