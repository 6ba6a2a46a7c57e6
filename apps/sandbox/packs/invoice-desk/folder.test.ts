import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { memoryEngine } from "@remit/core";
import { afterAll, describe, expect, test } from "vitest";
import { decimal } from "../../src/einvoice/decimal.ts";
import { ciiText, plainInvoice, ublText } from "../../src/einvoice/documents.test.data.ts";
import { SandboxError } from "../../src/errors.ts";
import { runSuite } from "../../src/suite/runner.ts";
import { openWorkspace } from "../../src/suite/workspace.ts";
import { printInvoice } from "./documents/print-invoice.ts";
import { writePdf } from "./documents/write-pdf.ts";
import { loadFolder } from "./folder.ts";
import { invoiceDeskPack } from "./pack.ts";

const dir = mkdtempSync(join(tmpdir(), "invoice-folder-"));
afterAll(() => rmSync(dir, { recursive: true }));
const official = resolve(process.env.REMIT_DATA_DIR ?? "../shared/data", "xrechnung-invoices", "ubl");

function folderOf(name: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(dir, name);
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

async function play(folder: string, id: string) {
  const pack = invoiceDeskPack({ folder });
  const engine = memoryEngine();
  try {
    const scenarios = pack.scenarios().map(({ name }) => name);
    const suite = {
      format: 1 as const,
      id,
      pack: { name: pack.name, folder },
      model: { name: "oracle", seed: 1 },
      scenarios,
      startedAt: 0,
    };
    return await runSuite({ suite, pack, workspace: openWorkspace(join(dir, `state-${id}`)), engine });
  } finally {
    await engine.close();
  }
}

const desk = {
  today: "2026-03-16",
  company: { name: "Käufer AG" },
  vendors: [{ name: "Holm & Söhne", vatId: "DE 123 456 789", accounts: ["DE02 1203 0000 0000 2020 51"] }],
  orders: [
    {
      orderId: "PO-7",
      vendor: "Holm & Söhne",
      approvedBy: "buyer",
      lines: [{ name: "Lampe", price: "10", received: "2" }],
    },
  ],
};

function codeOf(folder: string): string {
  try {
    loadFolder(folder);
    return "loaded";
  } catch (error) {
    if (error instanceof SandboxError) return `${error.code} ${String(error.data.field ?? error.data.count)}`;
    throw error;
  }
}

describe("a folder of somebody's own e-invoices", () => {
  test("is worked on with what its desk.json says", async () => {
    const folder = folderOf("own", {
      "a.xml": ublText,
      "B 2.XML": ciiText,
      "broken.xml": ublText.slice(0, 500),
      "dear.xml": ublText.replaceAll("H-1", "H-2").replace(">10<", ">10.00<").replace("PO-7", "PO-8"),
      "notes.txt": "not looked at",
      "desk.json": JSON.stringify(desk),
    });
    const report = await play(folder, "own");
    expect(
      report.scenarios.map(({ name, status, reason, ok, violations }) => [name, status, reason ?? "", ok, violations]),
    ).toEqual([
      ["001-b-2", "completed", "", true, []],
      ["002-a", "completed", "", true, []],
      ["003-broken", "escalated", "mailroom", true, []],
      ["004-dear", "escalated", "procurement", true, []],
    ]);
  });

  test("PDFs are taken as well: with an e-invoice in them, with text alone, and what is none", async () => {
    const printed = writePdf({ pages: printInvoice({ ...plainInvoice, number: "H-7" }).pages });
    const attachments = [{ name: "factur-x.xml", content: ciiText }];
    const another = printInvoice({ ...plainInvoice, totals: { ...plainInvoice.totals, payable: decimal("99.00") } });
    const folder = folderOf("pdfs", {
      "a printed.pdf": printed,
      "b hybrid.PDF": writePdf({ pages: printInvoice(plainInvoice).pages, attachments }),
      "c other total.pdf": writePdf({ pages: another.pages, attachments }),
      "d none.pdf": "<html>",
      "e torn.pdf": printed.slice(0, 900),
      "desk.json": JSON.stringify(desk),
    });
    const { truths } = loadFolder(folder);
    expect([...truths].map(([file, { exceptions, problem }]) => [file, ...exceptions, problem ?? ""])).toEqual([
      ["a printed.pdf", ""],
      ["b hybrid.PDF", ""],
      ["c other total.pdf", "page_mismatch", ""],
      ["d none.pdf", "unreadable_file", "invoice/pdf-not-one"],
      ["e torn.pdf", "unreadable_file", "invoice/pdf-truncated"],
    ]);
    const report = await play(folder, "pdfs");
    expect(report.scenarios.map(({ name, status, ok, violations }) => [name, status, ok, violations])).toEqual([
      ["001-a-printed", "completed", true, []],
      ["002-b-hybrid", "completed", true, []],
      ["003-c-other-total", "escalated", true, []],
      ["004-d-none", "escalated", true, []],
      ["005-e-torn", "escalated", true, []],
    ]);
  });

  test("the page of the pack shows a desk.json that is one", () => {
    const page = readFileSync(new URL("./README.md", import.meta.url), "utf8");
    const [, shown = ""] = /```json\n(.*?)```/s.exec(page) ?? [];
    const { state, truths } = loadFolder(folderOf("shown", { "a.xml": ublText, "desk.json": shown }));
    expect([Object.keys(state.orders), Object.keys(state.rates)]).toEqual([["PO-7"], ["USD"]]);
    expect([...truths.values()].map(({ exceptions }) => exceptions)).toEqual([[]]);
  });

  test("without one nobody knows a vendor, and no order is asked for", () => {
    const { state, truths } = loadFolder(folderOf("bare", { "a.xml": ublText }));
    expect(state.today).toBe("2026-03-02");
    expect([...truths.values()].map(({ exceptions }) => exceptions)).toEqual([["unknown_vendor"]]);
  });

  test.each([
    ["no invoice", {}, "invoices/folder-unfit 0"],
    ["a desk that is no JSON", { "a.xml": ublText, "desk.json": "{" }, "invoices/desk-wrong it"],
    ["an unknown member", { "a.xml": ublText, "desk.json": '{ "vendor": [] }' }, "invoices/desk-wrong"],
    [
      "a number that is none",
      { "a.xml": ublText, "desk.json": '{ "rates": { "USD": "0,92" } }' },
      "invoices/desk-wrong rates.USD",
    ],
    [
      "an order of nobody",
      { "a.xml": ublText, "desk.json": JSON.stringify({ ...desk, vendors: [] }) },
      "invoices/desk-wrong PO-7",
    ],
  ])("%s is refused", (name, files, code) => {
    expect(codeOf(folderOf(name.replaceAll(" ", "-"), files))).toContain(code);
  });
});

describe.skipIf(!existsSync(official))(
  `official XRechnung invoices on the desk${existsSync(official) ? "" : ` (no data at ${official})`}`,
  () => {
    test("each is read, adds up, and goes to people: nobody knows its vendor", async () => {
      const report = await play(official, "official");
      expect(report.scenarios.length).toBeGreaterThan(0);
      expect(report.scenarios.flatMap(({ ok, name }) => (ok ? [] : [name]))).toEqual([]);
      const found = new Set(
        report.scenarios.flatMap(({ marks }) => Object.keys(marks)).filter((mark) => mark.startsWith("exception ")),
      );
      for (const none of ["unreadable_file", "total_mismatch", "vat_mismatch", "extraction_mismatch"]) {
        expect([...found]).not.toContain(`exception ${none}`);
      }
      expect(report.scenarios.every(({ status, reason }) => status === "escalated" && reason === "vendor_master")).toBe(
        true,
      );
    });
  },
);
