import { parentPort } from "node:worker_threads";
import { getDocument, PasswordResponses, type PDFDocumentProxy } from "unpdf/pdfjs";
import { InvoiceError } from "./errors.ts";
import { linesOf, type TextPiece } from "./pdf-lines.ts";
import {
  type PdfAnswer,
  type PdfContent,
  type PdfLimits,
  type PdfLine,
  type PdfRequest,
  pdfStages,
} from "./pdf-message.ts";

/**
 * The thread that reads PDFs. Whoever asks ends it when it takes too long or too much memory. It draws nothing, runs
 * nothing, fetches nothing, and of what is attached it unpacks the electronic invoice alone.
 */

if (!parentPort) throw new Error("this module is a worker thread that reads PDFs");
// Of a page that is given up in the midst of it the library goes on with what it had begun, and fails at it. Whoever asked has
// had their answer by then, and the next one shall have theirs.
process.on("unhandledRejection", () => undefined);
parentPort.on("message", (request: PdfRequest) => void answer(request));

async function answer(request: PdfRequest): Promise<void> {
  const { port, stage } = request;
  Atomics.store(stage, 0, pdfStages.begun);
  Atomics.notify(stage, 0);
  port.postMessage(await answered(request));
  Atomics.store(stage, 0, pdfStages.answered);
  Atomics.notify(stage, 0);
}

async function answered({ bytes, limits }: PdfRequest): Promise<PdfAnswer> {
  try {
    return { content: await contentOf(bytes, limits) };
  } catch (error) {
    if (error instanceof InvoiceError) return { code: error.code, data: error.data };
    return { code: "invoice/pdf-malformed", data: { reason: plainReason(error) } };
  }
}

/** By the kind of the error alone: its message may hold text of the document. */
function plainReason(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  return /^[A-Za-z]{1,40}$/.test(name) && name !== "Error" ? name : "its objects do not fit together";
}

async function contentOf(bytes: Uint8Array, limits: PdfLimits): Promise<PdfContent> {
  const loading = getDocument({
    data: bytes,
    verbosity: 0,
    stopAtErrors: true,
    enableXfa: false,
    disableFontFace: true,
    useSystemFonts: false,
    useWorkerFetch: false,
    useWasm: false,
    // A picture is never drawn; one that says it is huge is not even looked at.
    maxImageSize: 1,
    isImageDecoderSupported: false,
    isOffscreenCanvasSupported: false,
  });
  loading.onPassword = (_: unknown, reason: number) => {
    const again = reason === PasswordResponses.INCORRECT_PASSWORD;
    throw new InvoiceError("invoice/pdf-encrypted", again ? { again } : {});
  };
  try {
    const document = await loading.promise.catch((error: Error) => {
      if (error.name === "PasswordException") throw new InvoiceError("invoice/pdf-encrypted", {});
      throw error;
    });
    return await read(document, limits);
  } finally {
    await loading.destroy();
  }
}

async function read(document: PDFDocumentProxy, limits: PdfLimits): Promise<PdfContent> {
  const { numPages } = document;
  if (numPages > limits.pages) throw new InvoiceError("invoice/too-large", { what: "pages", limit: limits.pages });
  if (await document.hasJSActions()) throw new InvoiceError("invoice/pdf-active", { what: "scripts" });
  const attached = await attachedTo(document, limits);
  const lines: PdfLine[] = [];
  let characters = 0;
  for (let number = 1; number <= numPages; number++) {
    const page = await document.getPage(number);
    if ((await page.getJSActions()) !== null) throw new InvoiceError("invoice/pdf-active", { what: "scripts" });
    const pieces: TextPiece[] = [];
    const stream = page.streamTextContent({ includeMarkedContent: false }) as ReadableStream<{ items: TextPiece[] }>;
    for await (const { items } of stream) {
      for (const { str, transform, width, height } of items) {
        characters += str.length;
        if (characters > limits.characters) {
          throw new InvoiceError("invoice/too-large", { what: "characters", limit: limits.characters });
        }
        // With numbers that no page has: it would be in no line, and its place is no JSON.
        if (str.trim() !== "" && ![...transform, width, height].every(Number.isFinite)) {
          throw new InvoiceError("invoice/pdf-malformed", { reason: "a text stands nowhere on its page" });
        }
        pieces.push({ str, transform, width, height });
      }
    }
    for (const line of linesOf(pieces, number)) lines.push(line);
    if (lines.length > limits.lines)
      throw new InvoiceError("invoice/too-large", { what: "lines", limit: limits.lines });
    if (lines.some(({ cells }) => cells.length > limits.cells)) {
      throw new InvoiceError("invoice/too-large", { what: "columns", limit: limits.cells });
    }
    page.cleanup();
  }
  if (lines.length === 0 && attached.invoice === undefined) {
    throw new InvoiceError("invoice/pdf-no-text", { pages: numPages });
  }
  return {
    pages: numPages,
    lines,
    others: attached.others,
    ...(attached.invoice === undefined ? {} : { attached: attached.invoice }),
  };
}

/** Names of the electronic invoice in ZUGFeRD 1 and 2, Factur-X, and the XRechnung profile of both. */
const invoiceNames = new Set(["factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"]);

/** Files have the keys of the document's own list; of two under one key the later is there, as in any viewer. */
async function attachedTo(
  document: PDFDocumentProxy,
  limits: PdfLimits,
): Promise<{ readonly invoice?: PdfContent["attached"]; readonly others: number }> {
  const found = (await document.getAttachments()) as ReadonlyMap<string, { filename: string }> | null;
  const files = found === null ? [] : [...found];
  if (files.length > limits.attachments) {
    throw new InvoiceError("invoice/too-large", { what: "attachments", limit: limits.attachments });
  }
  const named = files.filter(([, { filename }]) => invoiceNames.has(filename.toLowerCase()));
  const [first, second] = named;
  if (second) throw new InvoiceError("invoice/pdf-two-invoices", { count: named.length });
  if (!first) return { others: files.length };
  const [id, { filename }] = first;
  const content = (await document.getAttachmentContent(id)) as Uint8Array | null;
  if (content === null) throw new InvoiceError("invoice/pdf-malformed", { reason: "an attachment has no content" });
  if (content.length > limits.attachedBytes) {
    throw new InvoiceError("invoice/too-large", { what: "bytes of an attachment", limit: limits.attachedBytes });
  }
  const invoice = { name: filename.toLowerCase(), contentBase64: Buffer.from(content).toString("base64") };
  return { invoice, others: files.length - 1 };
}
