/**
 * What invoices call their fields, in the languages that are known: English, German, French, Spanish, Italian, Dutch,
 * Polish, Turkish. Written as `folded` leaves them: no case, no accents, no signs, and letters that scanners take for each
 * other as one of them.
 */

export type PrintLabel =
  | "number"
  | "issueDate"
  | "dueDate"
  | "orderReference"
  | "account"
  | "sellerVatId"
  | "buyerVatId"
  | "buyerName"
  | "net"
  | "vat"
  | "gross"
  | "prepaid"
  | "payable"
  | "credit";

export type PrintColumn = "position" | "name" | "quantity" | "price" | "rate" | "net";
export type PrintLanguage = "en" | "de" | "fr" | "es" | "it" | "nl" | "pl" | "tr";

type Words = Readonly<Partial<Record<PrintLanguage, string>>>;

const labels: Readonly<Record<PrintLabel, Words>> = {
  number: {
    en: "invoice no|invoice number|invoice nr|invoice #|document number",
    de: "rechnungsnummer|rechnungs nr|rechnung nr|belegnummer",
    fr: "facture no|facture n|numero de facture|no de facture",
    es: "factura no|factura n|numero de factura|no de factura",
    it: "fattura n|numero fattura|fattura nr",
    nl: "factuurnummer|factuur nr",
    pl: "numer faktury|faktura nr|faktura vat nr",
    tr: "fatura no|fatura numarasi",
  },
  issueDate: {
    en: "invoice date|date of issue|issue date|date",
    de: "rechnungsdatum|datum|ausstellungsdatum",
    fr: "date de facture|date de la facture|date d emission",
    es: "fecha de factura|fecha de emision|fecha",
    it: "data fattura|data di emissione|data",
    nl: "factuurdatum",
    pl: "data wystawienia|data faktury",
    tr: "fatura tarihi|duzenleme tarihi|tarih",
  },
  dueDate: {
    en: "due date|payment due|pay by",
    de: "faellig am|zahlbar bis|faelligkeit|falligkeit|fallig am",
    fr: "date d echeance|echeance|payable le",
    es: "fecha de vencimiento|vencimiento",
    it: "scadenza|data di scadenza",
    nl: "vervaldatum",
    pl: "termin platnosci",
    tr: "vade tarihi|son odeme tarihi",
  },
  orderReference: {
    en: "purchase order|your order|order no|order number|po number|po",
    de: "bestellnummer|bestell nr|ihre bestellung|auftragsnummer",
    fr: "bon de commande|commande no|votre commande|no de commande",
    es: "pedido|numero de pedido|su pedido|pedido no",
    it: "ordine|ordine n|numero d ordine|vostro ordine",
    nl: "bestelnummer|uw bestelling|ordernummer",
    pl: "numer zamowienia|zamowienie|zamowienie nr",
    tr: "siparis no|siparis numarasi",
  },
  account: { en: "iban|iban no|account iban|bank account iban", de: "iban nr", fr: "iban compte" },
  sellerVatId: {
    en: "vat no|vat id|vat number|vat reg no|our vat no",
    de: "ust idnr|ust id nr|ust id|umsatzsteuer identifikationsnummer|unsere ust idnr",
    fr: "no tva|n tva|numero de tva|tva intracommunautaire|no de tva",
    es: "nif|cif|nif iva|nuestro nif",
    it: "partita iva|p iva",
    nl: "btw nr|btw nummer|btw id",
    pl: "nip|nip ue|nip sprzedawcy",
    tr: "vergi no|vkn|vergi kimlik no",
  },
  buyerVatId: {
    en: "your vat no|customer vat no|customer vat id|buyer vat no",
    de: "ihre ust idnr|ust idnr kunde|kunden ust idnr|ihre ust id",
    fr: "votre no tva|votre n tva|tva client|votre numero de tva",
    es: "su nif|nif del cliente|nif cliente",
    it: "partita iva cliente|vostra partita iva",
    nl: "uw btw nummer|uw btw nr",
    pl: "nip nabywcy",
    tr: "alici vergi no",
  },
  buyerName: {
    en: "bill to|billed to|invoice to|customer|buyer",
    de: "rechnung an|rechnungsempfaenger|rechnungsempfanger|kunde|an",
    fr: "facture a|adresse de facturation|client",
    es: "facturar a|facturado a|cliente",
    it: "fatturato a|cliente|spett le",
    nl: "factuur aan|klant",
    pl: "nabywca",
    tr: "alici|musteri|sayin",
  },
  net: {
    en: "subtotal|net total|total net|net amount|total excl vat|total before vat",
    de: "summe netto|nettobetrag|zwischensumme|netto|gesamt netto|nettosumme",
    fr: "total ht|sous total|montant ht",
    es: "base imponible|subtotal|total sin iva",
    it: "imponibile|totale imponibile|subtotale",
    nl: "subtotaal|totaal excl btw",
    pl: "wartosc netto|razem netto|suma netto",
    tr: "ara toplam|mal hizmet toplam tutari",
  },
  vat: {
    en: "vat|vat total|total vat|sales tax",
    de: "mwst|ust|mehrwertsteuer|umsatzsteuer|zzgl mwst|zzgl ust",
    fr: "tva|montant tva|total tva",
    es: "iva|cuota iva|total iva",
    it: "iva imposta|imposta",
    nl: "btw|btw bedrag",
    pl: "kwota vat|podatek vat",
    tr: "kdv|hesaplanan kdv|toplam kdv",
  },
  gross: {
    en: "total|grand total|total incl vat|invoice total|total amount|gross total",
    de: "gesamtbetrag|rechnungsbetrag|bruttobetrag|summe brutto|gesamt brutto|gesamtsumme",
    fr: "total ttc|montant ttc",
    es: "total factura|importe total|total con iva",
    it: "totale fattura|totale documento|totale",
    nl: "totaal|totaal incl btw|totaalbedrag",
    pl: "wartosc brutto|razem brutto|suma brutto",
    tr: "genel toplam|vergiler dahil toplam|vergiler dahil toplam tutar",
  },
  prepaid: {
    en: "paid|prepaid|less deposit|deposit|advance payment",
    de: "anzahlung|bereits gezahlt|abzgl anzahlung",
    fr: "acompte|deja paye",
    es: "anticipo|pagado a cuenta",
    it: "acconto",
    nl: "aanbetaling",
    pl: "zaliczka|zaplacono",
    tr: "on odeme",
  },
  payable: {
    en: "amount due|balance due|total due|amount payable|please pay",
    de: "zahlbetrag|zu zahlen|zahlbarer betrag|offener betrag|zu zahlender betrag",
    fr: "net a payer|reste a payer|montant a payer",
    es: "total a pagar|importe a pagar|a pagar",
    it: "totale da pagare|netto a pagare|da pagare",
    nl: "te betalen",
    pl: "do zaplaty|razem do zaplaty",
    tr: "odenecek tutar|odenecek",
  },
  credit: {
    en: "credit note|credit memo",
    de: "gutschrift|rechnungskorrektur|stornorechnung",
    fr: "avoir|note de credit|facture d avoir",
    es: "nota de credito|abono|factura rectificativa",
    it: "nota di credito",
    nl: "creditnota|creditfactuur",
    pl: "faktura korygujaca|korekta",
    tr: "iade faturasi",
  },
};

const columns: Readonly<Record<PrintColumn, string>> = {
  position: "pos|no|nr|lp|item|sira|position|#|n",
  name: "description|bezeichnung|artikel|beschreibung|designation|libelle|descripcion|concepto|descrizione|omschrijving|nazwa|nazwa towaru|aciklama|mal hizmet|leistung",
  quantity: "qty|quantity|menge|anzahl|quantite|qte|cantidad|quantita|aantal|ilosc|miktar",
  price:
    "price|unit price|einzelpreis|preis|e preis|prix unitaire|pu|pu ht|precio|precio unitario|prezzo|prezzo unitario|prijs|stukprijs|cena|cena netto|birim fiyat|fiyat",
  rate: "vat|vat %|mwst|mwst %|ust|ust %|tva|tva %|iva|iva %|btw|btw %|stawka|stawka vat|kdv|kdv %",
  net: "amount|line total|total|betrag|gesamt|gesamtpreis|montant|montant ht|total ht|importe|importo|bedrag|wartosc|wartosc netto|tutar",
};

/** Why no VAT is asked for, by its category of UNCL 5305. */
const reasons: Readonly<Record<string, string>> = {
  AE: "reverse charge|steuerschuldnerschaft des leistungsempfaengers|steuerschuldnerschaft des leistungsempfangers|autoliquidation|inversion del sujeto pasivo|inversione contabile|btw verlegd|odwrotne obciazenie",
  K: "intra community supply|intracommunity supply|innergemeinschaftliche lieferung|livraison intracommunautaire|entrega intracomunitaria|cessione intracomunitaria|intracommunautaire levering|wewnatrzwspolnotowa dostawa",
  G: "export outside the eu|ausfuhrlieferung|exportation hors ue|exportacion|ihracat",
};

/** What a document is called that asks for no money, or for none of its own. */
const others: Words = {
  en: "pro forma|pro forma invoice|quotation|quote|estimate|order confirmation|delivery note|payment reminder|reminder|statement of account",
  de: "proformarechnung|pro forma rechnung|angebot|kostenvoranschlag|auftragsbestaetigung|auftragsbestatigung|lieferschein|mahnung|zahlungserinnerung|kontoauszug",
  fr: "facture pro forma|devis|confirmation de commande|bon de livraison|rappel|relance",
  es: "factura pro forma|presupuesto|confirmacion de pedido|albaran|recordatorio de pago",
  it: "fattura pro forma|preventivo|conferma d ordine|documento di trasporto|sollecito di pagamento",
  nl: "pro forma factuur|offerte|orderbevestiging|pakbon|betalingsherinnering|aanmaning",
  pl: "faktura pro forma|oferta|potwierdzenie zamowienia|wezwanie do zaplaty",
  tr: "pro forma fatura|teklif|siparis onayi|irsaliye|odeme hatirlatmasi",
};

const letters: Readonly<Record<string, string>> = { ł: "l", ß: "ss", ø: "o", ı: "i", æ: "ae", œ: "oe", đ: "d" };
const alike: Readonly<Record<string, string>> = { "0": "o", "1": "l", i: "l", "|": "l", "!": "l", "5": "s", "8": "b" };

/** Letters and digits alone, without case and accents. */
function plainly(text: string): string {
  return text
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[łßøıæœđ]/g, (letter) => letters[letter] ?? letter)
    .replaceAll(/[^\p{L}\p{N}#%|!]/gu, "");
}

/** A text as labels are compared. */
export function folded(text: string): string {
  return plainly(text)
    .replaceAll(/[015i8|!]/g, (letter) => alike[letter] ?? letter)
    .replaceAll("rn", "m");
}

/** Whether a label stands there letter by letter, as one that is known. */
export function isWhole(label: string): boolean {
  return wholeLabels.has(plainly(label));
}

export interface KnownLabel {
  readonly label: PrintLabel;
  readonly languages: readonly PrintLanguage[];
}

function labelTable(): ReadonlyMap<string, KnownLabel> {
  const table = new Map<string, KnownLabel>();
  for (const [label, words] of Object.entries(labels) as [PrintLabel, Words][]) {
    for (const [language, list] of Object.entries(words) as [PrintLanguage, string][]) {
      for (const phrase of list.split("|")) {
        const key = folded(phrase);
        const known = table.get(key);
        if (known && known.label !== label) throw new RangeError(`"${phrase}" is ${known.label} and ${label}`);
        table.set(key, { label, languages: [...(known?.languages ?? []), language] });
      }
    }
  }
  return table;
}

function byText(table: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const all = Object.entries(table);
  return new Map(all.flatMap(([name, list]) => list.split("|").map((phrase) => [folded(phrase), name])));
}

const wholeLabels: ReadonlySet<string> = new Set(
  Object.values(labels).flatMap((words) => Object.values(words).flatMap((list) => list.split("|").map(plainly))),
);

/** By their folded text. */
export const knownLabels = labelTable();
export const knownColumns = byText(columns) as ReadonlyMap<string, PrintColumn>;
/** Categories of VAT by the words that say why there is none. */
export const knownReasons = byText(reasons);
/** Titles of documents that are no invoices. */
export const otherTitles: ReadonlySet<string> = new Set(
  Object.values(others).flatMap((list) => list.split("|").map(folded)),
);
