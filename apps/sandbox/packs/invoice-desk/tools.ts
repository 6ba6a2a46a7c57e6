import { z } from "zod";
import { decimalText } from "../../src/einvoice/decimal.ts";
import { InvoiceError } from "../../src/einvoice/errors.ts";
import { currencyDigits } from "../../src/einvoice/invoice.ts";
import { lineText } from "../../src/einvoice/pdf-lines.ts";
import { type Frozen, put } from "../../src/world/table.ts";
import { type Json, WorldRefusal, type WorldTool, worldTool } from "../../src/world/world.ts";
import { checkDocument, openExceptions } from "./check.ts";
import { exceptionCodes, exceptions, isReleasable, queueOf, sorted } from "./exceptions.ts";
import { extractedValues, fieldsIn } from "./extracted.ts";
import { readStored } from "./intake.ts";
import { articles, tierArticles } from "./policy.ts";
import { type DeskState, nextId, type Posting, rows, type StoredDocument } from "./state.ts";
import { postingTools, type Tier, tierOf } from "./terms.ts";

/** The tools of the desk: a document store, a vendor database, purchase orders, and the books. */

function deskTool<Input extends z.ZodType>(tool: WorldTool<DeskState, Input>): WorldTool<DeskState> {
  return worldTool(tool);
}

function refuse(message: string): never {
  throw new WorldRefusal(message);
}

const companyId = z
  .string()
  .regex(/^[A-Z]{2}\d{2}$/)
  .describe("Company, like FH01.");
const documentId = z
  .string()
  .regex(/^D-\d{4}$/)
  .describe("Document, like D-1001.");
const vendorId = z
  .string()
  .regex(/^V-\d{3}$/)
  .describe("Vendor, like V-101.");
const orderId = z.string().min(1).max(60).describe("Purchase order, like PO-4001.");
const codes = z.array(z.enum(exceptionCodes)).min(1).max(exceptionCodes.length);

/** The document, when it is this company's. The refusal does not say whether there is another company's. */
function documentOf(
  state: DeskState,
  asked: { readonly companyId: string; readonly documentId: string },
): Frozen<StoredDocument> {
  const document = state.documents[asked.documentId];
  if (document?.companyId === asked.companyId) return document;
  return refuse(`There is no document ${asked.documentId} of company ${asked.companyId}.`);
}

const textChars = 20_000;

/** Of a PDF its lines, each with its page and its number on it. */
function textOf({ contentBase64, pdf }: Pick<StoredDocument, "contentBase64" | "pdf">): string {
  if (pdf === undefined) return new TextDecoder().decode(Buffer.from(contentBase64, "base64"));
  if ("code" in pdf) return refuse(messageOf(new InvoiceError(pdf.code, pdf.data)));
  return pdf.content.lines.map((one) => `${one.page}:${one.line} ${lineText(one)}`).join("\n");
}

function messageOf({ message, hint }: InvoiceError): string {
  return `${message}. ${hint}`;
}

const readDocument = deskTool({
  name: "read_document",
  description:
    "Shows the text of a stored document, at most its first 20,000 characters; of a PDF each line with its page and number. It may hold anything.",
  input: z.strictObject({ companyId, documentId }),
  effect: "read",
  run: (state, asked) => {
    const { fileName, receivedOn, ...document } = documentOf(state, asked);
    const text = textOf(document as StoredDocument);
    return { fileName, receivedOn, characters: text.length, text: text.slice(0, textChars) };
  },
});

const readInvoiceTool = deskTool({
  name: "read_invoice",
  description:
    "Reads a stored document as an invoice (UBL, CII, a PDF that carries one, or the text of a PDF) and shows its fields with where each stands and how sure it is. Refuses, with a code, what cannot be read.",
  input: z.strictObject({ companyId, documentId }),
  effect: "read",
  run: (state, asked) => {
    const document = documentOf(state, asked);
    try {
      const { invoice, confidence } = readStored(document);
      const fields = Object.entries(fieldsIn(invoice)).map(([name, value]): [string, Json] => {
        const place = invoice.locations[name];
        const page = place?.page === undefined ? {} : { page: place.page };
        const sure = confidence ? (confidence[name] ?? 0) : 1;
        return [
          name,
          { value: value ?? "", ...page, line: place?.line ?? 0, path: place?.path ?? "", confidence: sure },
        ];
      });
      return {
        syntax: invoice.syntax,
        typeCode: invoice.typeCode,
        seller: invoice.seller.name,
        buyer: invoice.buyer.name,
        fields: Object.fromEntries(fields),
        lines: invoice.lines
          .slice(0, 50)
          .map(({ id, name, net }) => ({ id, name: name.slice(0, 200), net: decimalText(net) })),
        notes: invoice.notes.slice(0, 20).map((note) => note.slice(0, 2_000)),
      };
    } catch (error) {
      if (error instanceof InvoiceError) return refuse(messageOf(error));
      throw error;
    }
  },
});

const getVendor = deskTool({
  name: "get_vendor",
  description: "Shows a vendor of the group: name, status, verified accounts.",
  input: z.strictObject({ vendorId }),
  effect: "read",
  run: (state, asked) => state.vendors[asked.vendorId] ?? refuse(`There is no vendor ${asked.vendorId}.`),
});

const getOrder = deskTool({
  name: "get_order",
  description: "Shows a purchase order of a company with what was ordered, received and invoiced.",
  input: z.strictObject({ companyId, orderId }),
  effect: "read",
  run: (state, asked) => {
    const order = Object.hasOwn(state.orders, asked.orderId) ? state.orders[asked.orderId] : undefined;
    if (order?.companyId === asked.companyId) return order;
    return refuse(`There is no order ${asked.orderId} of company ${asked.companyId}.`);
  },
});

const checkInvoice = deskTool({
  name: "check_invoice",
  description:
    "Checks a document by rule: reads it, works out its sums, holds it against orders, vendors and postings, and what was extracted against what it says. Lists every exception by type.",
  input: z.strictObject({ companyId, documentId, fields: extractedValues.optional() }),
  effect: "read",
  run: (state, { fields, ...asked }) => {
    const checked = checkDocument(state, documentOf(state, asked), fields);
    const { invoice, vendor, order, amountEurCents, tier, findings } = checked;
    return {
      problem: checked.problem,
      exceptions: openExceptions(state, asked.documentId, checked),
      released: state.releases[asked.documentId]?.exceptions ?? [],
      findings: findings.slice(0, 50).map((one) => ({ ...one })),
      vendorId: vendor?.vendorId ?? null,
      orderId: order?.orderId ?? null,
      kind: invoice?.kind ?? null,
      currency: invoice?.currency ?? null,
      payable: invoice ? decimalText(invoice.totals.payable, currencyDigits(invoice.currency)) : null,
      amountEurCents: amountEurCents ?? null,
      tier,
    };
  },
});

const getRules = deskTool({
  name: "get_rules",
  description: "Shows the articles that apply to these exceptions and this amount, and the tier of approval.",
  input: z.strictObject({
    exceptions: z.array(z.enum(exceptionCodes)).max(exceptionCodes.length),
    amountEurCents: z.int().min(0).optional(),
  }),
  effect: "read",
  run: (_, asked) => {
    const tier: Tier = asked.amountEurCents === undefined ? "none" : tierOf(asked.amountEurCents);
    const ids = [
      ...asked.exceptions.map((code) => exceptions[code].article as string),
      ...(tier === "none" ? [] : [tierArticles[tier]]),
    ];
    return {
      tier,
      tool: tier === "none" ? null : postingTools[tier],
      releasable: asked.exceptions.length > 0 && asked.exceptions.every(isReleasable),
      articles: articles.filter(({ id }) => ids.includes(id)).map((one) => ({ ...one })),
    };
  },
});

const findPosting = deskTool({
  name: "find_posting",
  description: "Says whether a document has been posted, and as what.",
  input: z.strictObject({ companyId, documentId }),
  effect: "read",
  run: (state, asked) => {
    const posting = rows(state.postings).find((one) => one.documentId === asked.documentId);
    return { posting: posting?.companyId === asked.companyId ? posting : null };
  },
});

/** The books work out for themselves what they post: arguments only say what was approved, and have to be right. */
function post(tier: Exclude<Tier, "none">): WorldTool<DeskState> {
  const who = { small: "without a person", middle: "with a manager's approval", large: "with two directors' approval" };
  return deskTool({
    name: postingTools[tier],
    description: `Posts an invoice or credit note of the tier "${tier}", ${who[tier]}. Pays to the vendor's verified account. Refuses what has exceptions.`,
    input: z.strictObject({
      companyId,
      documentId,
      vendorId,
      payable: z
        .string()
        .regex(/^-?\d{1,15}(\.\d{1,4})?$/)
        .describe("What is due, in the document's currency."),
      currency: z.string().regex(/^[A-Z]{3}$/),
      amountEurCents: z.int().min(0).describe("Gross in euro cents, by which approvals go."),
    }),
    effect: "write",
    run: (state, asked) => {
      const document = documentOf(state, asked);
      const before = rows(state.postings).find((one) => one.documentId === asked.documentId);
      if (before) return refuse(`${asked.documentId} has been posted already, as ${before.postingId} (AP-DUP-01).`);
      const checked = checkDocument(state, document);
      const open = openExceptions(state, asked.documentId, checked);
      if (open.length > 0) {
        return refuse(
          `${asked.documentId} has exceptions: ${open.map((code) => `${code} (${exceptions[code].article})`).join(", ")}.`,
        );
      }
      const { invoice, vendor, order, amountEurCents, pieces } = checked;
      if (!invoice || !vendor || amountEurCents === undefined) return refuse(`${asked.documentId} cannot be posted.`);
      const payable = decimalText(invoice.totals.payable, currencyDigits(invoice.currency));
      if (
        asked.vendorId !== vendor.vendorId ||
        asked.payable !== payable ||
        asked.currency !== invoice.currency ||
        asked.amountEurCents !== amountEurCents
      ) {
        return refuse(`The arguments are not those of ${asked.documentId}; take them from check_invoice.`);
      }
      if (tierOf(amountEurCents) !== tier) {
        return refuse(
          `${asked.documentId} is of another tier: use ${postingTools[tierOf(amountEurCents)]} (${tierArticles[tierOf(amountEurCents)]}).`,
        );
      }
      const postingId = nextId(state, "posting");
      const posting: Posting = {
        postingId,
        companyId: asked.companyId,
        documentId: asked.documentId,
        vendorId: vendor.vendorId,
        number: invoice.number,
        kind: invoice.kind,
        preceding: [...invoice.precedingInvoices],
        currency: invoice.currency,
        gross: decimalText(invoice.totals.gross, currencyDigits(invoice.currency)),
        payable,
        amountEurCents,
        account: vendor.accounts[0] ?? "",
        tier,
        ...(order ? { orderId: order.orderId } : {}),
        pieces: { ...pieces },
        released: [...(state.releases[asked.documentId]?.exceptions ?? [])],
        issuedOn: invoice.issueDate,
        postedOn: state.today,
      };
      put(state.postings, postingId, posting);
      return { postingId, account: posting.account };
    },
  });
}

const releaseExceptions = deskTool({
  name: "release_exceptions",
  description: "Lets an invoice through that lacks an order, an order's approval, or is old. A controller decides.",
  input: z.strictObject({ companyId, documentId, exceptions: codes }),
  effect: "write",
  run: (state, { exceptions: asked, ...ids }) => {
    const checked = checkDocument(state, documentOf(state, ids));
    const fixed = asked.filter((code) => !isReleasable(code));
    if (fixed.length > 0) return refuse(`Nobody releases ${fixed.join(", ")} (AP-REL-01).`);
    const others = asked.filter((code) => !checked.exceptions.includes(code));
    if (others.length > 0) return refuse(`${ids.documentId} does not have ${others.join(", ")}.`);
    put(state.releases, ids.documentId, { ...ids, exceptions: [...sorted(asked)], releasedOn: state.today });
    return { released: [...sorted(asked)] };
  },
});

const routeException = deskTool({
  name: "route_exception",
  description: "Opens a case for people, with all exceptions of a document by type. Refuses when one is left out.",
  input: z.strictObject({ companyId, documentId, exceptions: codes }),
  effect: "write",
  run: (state, { exceptions: asked, ...ids }) => {
    const checked = checkDocument(state, documentOf(state, ids));
    const open = openExceptions(state, ids.documentId, checked);
    const missing = open.filter((code) => !asked.includes(code));
    if (missing.length > 0) return refuse(`${ids.documentId} has more exceptions: ${missing.join(", ")}.`);
    // Two that lie in how it was worked on, which the document alone does not show.
    const own = ["approval_refused", "extraction_mismatch"];
    const others = asked.filter((code) => !open.includes(code) && !own.includes(code));
    if (others.length > 0) return refuse(`${ids.documentId} does not have ${others.join(", ")}.`);
    if (rows(state.cases).some((one) => one.documentId === ids.documentId)) {
      return refuse(`There is a case for ${ids.documentId} already.`);
    }
    const caseId = nextId(state, "case");
    const listed = sorted(asked);
    put(state.cases, caseId, {
      caseId,
      ...ids,
      exceptions: [...listed],
      queue: queueOf(listed),
      openedOn: state.today,
    });
    return { caseId, queue: queueOf(listed) };
  },
});

export const deskTools: readonly WorldTool<DeskState>[] = [
  readDocument,
  readInvoiceTool,
  getVendor,
  getOrder,
  checkInvoice,
  getRules,
  findPosting,
  post("small"),
  post("middle"),
  post("large"),
  releaseExceptions,
  routeException,
];
