import { InvoiceError } from "../../src/einvoice/errors.ts";
import type { Invoice } from "../../src/einvoice/invoice.ts";
import { isPdf, openPdfReader, type PdfReader } from "../../src/einvoice/pdf.ts";
import type { PdfAnswer, PdfContent } from "../../src/einvoice/pdf-message.ts";
import { readPrinted } from "../../src/einvoice/print.ts";
import { readInvoice } from "../../src/einvoice/read.ts";
import { type Frozen, put } from "../../src/world/table.ts";
import { type DeskState, rows, type StoredDocument } from "./state.ts";

/**
 * How documents come into the store. A PDF is read once, when it comes in; whatever the desk decides later goes by what
 * was found then, and says the same wherever it is asked.
 */
export function takeIn(documents: DeskState["documents"]): void {
  let reader: PdfReader | undefined;
  try {
    for (const document of rows(documents)) {
      if (document.pdf !== undefined || !isPdfFile(document)) continue;
      reader ??= openPdfReader({ limitMs });
      put(documents, document.documentId, { ...document, pdf: answerOf(reader, bytesOf(document)) });
    }
  } finally {
    reader?.close();
  }
}

/** An invoice is read in milliseconds; the rest of a folder waits for one that is not. */
const limitMs = 5_000;

/** By its name or by how it begins: what is called one and is none is not read as something else. */
function isPdfFile(document: Frozen<StoredDocument>): boolean {
  return /\.pdf$/i.test(document.fileName) || isPdf(bytesOf(document));
}

function bytesOf({ contentBase64 }: Pick<StoredDocument, "contentBase64">): Uint8Array {
  return Buffer.from(contentBase64, "base64");
}

function answerOf(reader: PdfReader, bytes: Uint8Array): PdfAnswer {
  try {
    return { content: reader.readNow(bytes) };
  } catch (error) {
    if (error instanceof InvoiceError) return { code: error.code, data: error.data };
    throw error;
  }
}

/** An invoice as a stored document has it. */
export interface ReadDocument {
  readonly invoice: Invoice;
  /** How sure each field is, from 0 to 1, where it was read off a page; what an electronic invoice says is what it says. */
  readonly confidence?: Readonly<Record<string, number>>;
  /** The pages, of a PDF: what the invoice was read off, or what its electronic invoice came with. */
  readonly pages?: PdfContent;
}

/** @throws InvoiceError `invoice/*` */
export function readStored(document: Pick<Frozen<StoredDocument>, "contentBase64" | "pdf">): ReadDocument {
  const { pdf } = document as Pick<StoredDocument, "contentBase64" | "pdf">;
  if (pdf === undefined) return { invoice: readInvoice(bytesOf(document)) };
  if ("code" in pdf) throw new InvoiceError(pdf.code, pdf.data);
  const { content } = pdf;
  if (!content.attached) return { ...readPrinted(content), pages: content };
  return { invoice: readInvoice(bytesOf(content.attached)), pages: content };
}
