import { type Decimal, parseDecimal } from "./decimal.ts";
import { InvoiceError } from "./errors.ts";
import type { Location } from "./invoice.ts";
import type { XmlElement } from "./xml.ts";

/** Reads fields out of one document by paths such as `cac:Party/cbc:Name`; prefixes are ours, never the document's. */
export class Fields {
  readonly #spaces: Readonly<Record<string, string>>;
  readonly #locations: Record<string, Location> = {};

  constructor(spaces: Readonly<Record<string, string>>) {
    this.#spaces = spaces;
  }

  /** Where the fields that were read by name stand. */
  get locations(): Readonly<Record<string, Location>> {
    return this.#locations;
  }

  all(from: XmlElement, path: string): readonly XmlElement[] {
    let found: readonly XmlElement[] = [from];
    for (const step of path.split("/")) {
      const [prefix = "", name = ""] = step.split(":");
      const space = this.#spaces[prefix];
      found = found.flatMap(({ children }) => children.filter((one) => one.name === name && one.space === space));
    }
    return found;
  }

  /** @throws InvoiceError `invoice/field-repeated`: which of two holds is nobody's to choose */
  maybe(from: XmlElement, path: string, field: string = path): XmlElement | undefined {
    const [first, second] = this.all(from, path);
    if (second) throw new InvoiceError("invoice/field-repeated", { field, path, line: second.line });
    return first;
  }

  /** @throws InvoiceError `invoice/field-missing`, `invoice/field-repeated` */
  one(from: XmlElement, path: string, field: string = path): XmlElement {
    const found = this.maybe(from, path, field);
    if (!found) throw new InvoiceError("invoice/field-missing", { field, path, line: from.line });
    return found;
  }

  /** The text of a field that may be absent or empty. */
  text(from: XmlElement, path: string, field?: string): string | undefined {
    const found = this.maybe(from, path, field);
    if (!found || found.text === "") return undefined;
    if (field !== undefined) this.#locations[field] = { path, line: found.line };
    return found.text;
  }

  /** @throws InvoiceError `invoice/field-missing` where it is absent or empty */
  required(from: XmlElement, path: string, field: string): string {
    const text = this.text(from, path, field);
    if (text === undefined) throw new InvoiceError("invoice/field-missing", { field, path, line: from.line });
    return text;
  }

  number(from: XmlElement, path: string, field?: string): Decimal | undefined {
    const found = this.maybe(from, path, field);
    return found && this.numberOf(found, path, field);
  }

  requiredNumber(from: XmlElement, path: string, field: string): Decimal {
    return this.numberOf(this.one(from, path, field), path, field);
  }

  /** @throws InvoiceError `invoice/field-invalid`: `1.234,56` and `1e3` are no numbers here */
  numberOf({ text, line }: XmlElement, path: string, field: string = path): Decimal {
    const value = parseDecimal(text);
    if (value === undefined) throw new InvoiceError("invoice/field-invalid", { field, wanted: "number", path, line });
    this.#locations[field] ??= { path, line };
    return value;
  }

  /** @throws InvoiceError `invoice/field-invalid` for an amount that says another currency than the document's */
  inCurrency({ attributes, line }: XmlElement, path: string, field: string, currency: string): void {
    const said = attributes.get("currencyID");
    if (said !== undefined && said !== currency) {
      throw new InvoiceError("invoice/field-invalid", { field, wanted: `amount in ${currency}`, path, line });
    }
  }

  /** Notes where a field stands that was found in another way. */
  note(field: string, path: string, { line }: XmlElement): void {
    this.#locations[field] = { path, line };
  }

  /** @param digits `true`: written `YYYYMMDD` */
  date(text: string, { path, field, line, digits }: DatePlace): string {
    const day = digits
      ? text.replace(/^(\d{4})(\d{2})(\d{2})$|^.*$/s, "$1-$2-$3")
      : text.replace(/(Z|[+-]\d\d:\d\d)$/, "");
    if (!isDay(day)) throw new InvoiceError("invoice/field-invalid", { field, wanted: "day", path, line });
    return day;
  }

  /** ISO 4217, by its form. */
  currency(text: string, place: DatePlace): string {
    if (/^[A-Z]{3}$/.test(text)) return text;
    const { path, field, line } = place;
    throw new InvoiceError("invoice/field-invalid", { field, wanted: "currency", path, line });
  }
}

export interface DatePlace {
  readonly path: string;
  readonly field: string;
  readonly line: number;
  readonly digits?: boolean;
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(text);
}

/** The members that are there. */
export function present<Members extends object>(
  members: Members,
): { [Key in keyof Members]?: Exclude<Members[Key], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Members]?: Exclude<Members[Key], undefined>;
  };
}

/** An account or a tax number as it is compared: no spaces, capital letters. */
export function compact(text: string): string {
  return text.replaceAll(/[\s.-]/g, "").toUpperCase();
}
