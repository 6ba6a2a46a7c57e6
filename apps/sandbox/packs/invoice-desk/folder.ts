import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InvoiceError } from "../../src/einvoice/errors.ts";
import { compact } from "../../src/einvoice/fields.ts";
import type { Invoice } from "../../src/einvoice/invoice.ts";
import { pdfLimits } from "../../src/einvoice/pdf.ts";
import { xmlLimits } from "../../src/einvoice/xml.ts";
import { SandboxError } from "../../src/errors.ts";
import { copyTables, type Frozen, put } from "../../src/world/table.ts";
import type { World } from "../../src/world/world.ts";
import { fieldText, firstFault } from "../../src/yaml-document.ts";
import { checkDocument } from "./check.ts";
import { fieldNames } from "./extracted.ts";
import { readStored, takeIn } from "./intake.ts";
import type { Truth } from "./maker.ts";
import { type DeskState, type OrderLine, rows, type StoredDocument } from "./state.ts";
import { deskTools } from "./tools.ts";

/** The desk on a folder of somebody's own e-invoices: what it knows of them stands in `desk.json` beside them. */

const filesMax = 500;
const number = z.string().regex(/^\d{1,12}(\.\d{1,6})?$/, 'a decimal number as a text, such as "12.50"');
const party = z.strictObject({
  name: z.string().min(1).max(200),
  vatId: z.string().min(4).max(20).transform(compact).optional(),
  country: z.string().length(2).default("DE"),
});
const deskFile = z.strictObject({
  today: z.iso.date().optional(),
  company: party.optional(),
  vendors: z
    .array(
      party.extend({
        status: z.enum(["active", "blocked", "onboarding"]).default("active"),
        accounts: z.array(z.string().min(4).max(40).transform(compact)).default([]),
      }),
    )
    .max(5_000)
    .default([]),
  orders: z
    .array(
      z.strictObject({
        orderId: z.string().min(1).max(60),
        vendor: z.string().min(1),
        currency: z.string().length(3).default("EUR"),
        status: z.enum(["open", "closed"]).default("open"),
        approvedBy: z.string().min(1).optional(),
        chargesMax: number.default("0"),
        lines: z
          .array(
            z.strictObject({
              lineId: z.string().min(1).max(20).optional(),
              name: z.string().max(200).default(""),
              price: number,
              baseQuantity: number.default("1"),
              received: number,
              invoiced: number.default("0"),
            }),
          )
          .max(1_000),
      }),
    )
    .max(5_000)
    .optional(),
  rates: z.record(z.string().length(3), number).default({}),
});

/** The company of a folder; there is one. */
const companyId = "FH01";

interface Read {
  readonly document: Frozen<StoredDocument>;
  readonly invoice: Invoice | undefined;
}

/** @throws SandboxError `invoices/folder-unfit`, `invoices/desk-wrong`, `system/refused` */
export function loadFolder(folder: string): {
  readonly state: DeskState;
  readonly truths: ReadonlyMap<string, Truth>;
} {
  const files = readFolder(folder);
  const known = readDesk(join(folder, "desk.json"));
  const days = files.flatMap(({ invoice }) => (invoice ? [invoice.issueDate] : [])).sort();
  const state: DeskState = {
    today: known.today ?? days.at(-1) ?? "1970-01-01",
    counters: { posting: 5001, case: 301 },
    companies: {},
    vendors: {},
    orders: {},
    documents: {},
    rates: {},
    postings: {},
    cases: {},
    releases: {},
    ...(known.orders === undefined ? { withoutOrders: true as const } : {}),
  };
  put(state.companies, companyId, { companyId, country: "DE", ...defined(known.company ?? mostFrequentBuyer(files)) });
  known.vendors.forEach((vendor, index) => {
    const vendorId = `V-${101 + index}`;
    put(state.vendors, vendorId, { vendorId, ...defined(vendor) });
  });
  for (const { vendor, approvedBy, lines, ...order } of known.orders ?? []) {
    const [vendorId = ""] = Object.entries(state.vendors).find(([, { name }]) => name === vendor) ?? [];
    if (vendorId === "") {
      const reason = `no vendor is called ${vendor}`;
      throw new SandboxError("invoices/desk-wrong", { file: join(folder, "desk.json"), field: order.orderId, reason });
    }
    const named = lines.map((line, index): [string, OrderLine] => {
      const lineId = line.lineId ?? String(index + 1);
      return [lineId, { ...line, lineId }];
    });
    put(state.orders, order.orderId, {
      ...order,
      companyId,
      vendorId,
      ...(approvedBy === undefined ? {} : { approvedBy }),
      lines: Object.fromEntries(named),
    });
  }
  for (const [currency, rate] of Object.entries(known.rates)) put(state.rates, currency, { currency, rate });
  for (const { document } of files) {
    put(state.documents, document.documentId, { ...(document as StoredDocument), receivedOn: state.today });
  }
  const truths = files.map(({ document }): [string, Truth] => {
    const { invoice, exceptions, vendor, order, amountEurCents, tier, unsure, problem } = checkDocument(
      state,
      document,
    );
    const { documentId, fileName } = document;
    const ids = { vendorId: vendor?.vendorId, account: vendor?.accounts[0], orderId: order?.orderId };
    const read = {
      invoice,
      places: invoice?.locations ?? {},
      unsure: fieldNames.filter((name) => unsure.includes(name)),
    };
    const because = problem === "none" ? {} : { problem };
    return [fileName, { documentId, companyId, exceptions, ...read, ...because, ...ids, amountEurCents, tier }];
  });
  return { state, truths: new Map(truths) };
}

/** The world of such a folder. */
export function invoiceFolderWorld({ folder }: { readonly folder: string }): World<DeskState> {
  return folderWorld(loadFolder(folder).state);
}

export function folderWorld(state: DeskState): World<DeskState> {
  return { name: "invoice-desk", initial: () => copyTables(state), clone: copyTables, tools: deskTools };
}

function readFolder(folder: string): readonly Read[] {
  const names = readdirSync(folder)
    .filter((name) => /\.(xml|pdf)$/i.test(name) && statSync(join(folder, name)).isFile())
    .sort();
  if (names.length === 0 || names.length > filesMax) {
    throw new SandboxError("invoices/folder-unfit", { folder, count: names.length, most: filesMax });
  }
  const documents: DeskState["documents"] = {};
  for (const [index, fileName] of names.entries()) {
    // One that is too large is cut, and so refused as what it then is: nobody reads half of it.
    const content = readFileSync(join(folder, fileName)).subarray(0, Math.max(xmlLimits.bytes, pdfLimits.bytes) + 1);
    const documentId = `D-${1001 + index}`;
    const contentBase64 = content.toString("base64");
    put(documents, documentId, { documentId, companyId, fileName, receivedOn: "", contentBase64 });
  }
  takeIn(documents);
  return rows(documents).map((document) => ({ document, invoice: invoiceIn(document) }));
}

function invoiceIn(document: Frozen<StoredDocument>): Invoice | undefined {
  try {
    return readStored(document).invoice;
  } catch (error) {
    if (error instanceof InvoiceError) return undefined;
    throw error;
  }
}

function readDesk(file: string): z.output<typeof deskFile> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return deskFile.parse({});
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SandboxError("invoices/desk-wrong", { file, field: "it", reason: "not JSON" }, { cause });
  }
  const parsed = deskFile.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, reason } = firstFault(parsed.error);
  throw new SandboxError("invoices/desk-wrong", { file, field: fieldText(path), reason });
}

function mostFrequentBuyer(files: readonly Read[]): { readonly name: string; readonly vatId?: string } {
  const buyers = Map.groupBy(
    files.flatMap(({ invoice }) => (invoice ? [invoice.buyer] : [])),
    ({ name, vatId = "" }) => `${name} ${vatId}`,
  );
  const [most] = [...buyers.values()].sort((left, right) => right.length - left.length);
  const { name = "nobody", vatId } = most?.[0] ?? {};
  return { name, ...(vatId === undefined ? {} : { vatId }) };
}

/** Without members that are undefined: a table's rows are JSON. */
function defined<Row extends object>(row: Row): { [Key in keyof Row]: Exclude<Row[Key], undefined> } {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Row]: Exclude<Row[Key], undefined>;
  };
}
