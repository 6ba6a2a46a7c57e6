import { ciiSpaces, readCii } from "./cii.ts";
import { InvoiceError } from "./errors.ts";
import type { Invoice } from "./invoice.ts";
import { readUbl, ublSpaces } from "./ubl.ts";
import { parseXml, type XmlLimits, xmlLimits } from "./xml.ts";

/**
 * Reads an electronic invoice of EN 16931: UBL 2.1 or UN/CEFACT CII, whichever it is. What it returns is what the sender
 * wrote; whether the numbers agree says `checkArithmetic`.
 * @param source the file's bytes, or its text
 * @throws InvoiceError `invoice/*`: it cannot be read, or not in one way only
 */
export function readInvoice(source: string | Uint8Array, limits: XmlLimits = xmlLimits): Invoice {
  const root = parseXml(source, limits);
  const { name, space, line } = root;
  if (name === "Invoice" && space === ublSpaces.invoice) return readUbl(root);
  if (name === "CreditNote" && space === ublSpaces.creditNote) return readUbl(root);
  if (name === "CrossIndustryInvoice" && space === ciiSpaces.rsm) return readCii(root);
  throw new InvoiceError("invoice/syntax-unknown", { root: name.slice(0, 60), space: space.slice(0, 120), line });
}
