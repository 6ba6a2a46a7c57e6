import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { type PdfPlan, writePdf } from "../../packs/invoice-desk/documents/write-pdf.ts";
import { ciiText } from "./documents.test.data.ts";
import { InvoiceError } from "./errors.ts";
import { isPdf, openPdfReader, type PdfReader } from "./pdf.ts";
import { lineText } from "./pdf-lines.ts";
import type { PdfLimits } from "./pdf-message.ts";
import { readInvoice } from "./read.ts";

const open: PdfReader[] = [];
function reader(limits: Partial<PdfLimits> = {}): PdfReader {
  // A machine under load takes its time; what is to be too slow says so.
  const made = openPdfReader({ limitMs: 60_000, ...limits });
  open.push(made);
  return made;
}
afterAll(() => {
  for (const one of open) one.close();
});

const shared = reader();
const texts = [
  { x: 400, y: 70, text: "1.234,50" },
  { x: 50, y: 50, text: "Łódź, Şişli, Köln: 10 €" },
  { x: 50, y: 70.4, text: "Gesamt" },
];
const plain: PdfPlan = { pages: [texts] };
const file = writePdf(plain);
const longPage = Array.from({ length: 48 }, (_, line) => ({ x: 20, y: 20 + 16 * line, text: "abcdefgh ".repeat(60) }));
const long = writePdf({ pages: Array.from({ length: 4 }, () => longPage) });

function codeOf(source: Uint8Array, by: PdfReader = shared): string {
  try {
    by.readNow(source);
    return "read";
  } catch (error) {
    if (error instanceof InvoiceError) return error.code;
    throw error;
  }
}

describe("a PDF with text", () => {
  test("is read as lines from the top, and each as cells from the left", () => {
    const { pages, lines, attached, others } = shared.readNow(writePdf({ pages: [texts, texts] }));
    expect([pages, attached, others]).toEqual([2, undefined, 0]);
    expect(lines.map((line) => [line.page, line.line, lineText(line)])).toEqual([
      [1, 1, "Łódź, Şişli, Köln: 10 €"],
      [1, 2, "Gesamt   1.234,50"],
      [2, 1, "Łódź, Şişli, Köln: 10 €"],
      [2, 2, "Gesamt   1.234,50"],
    ]);
    expect(lines[1]?.cells.map(({ x }) => x)).toEqual([50, 400]);
  });

  test("says the same however it is asked, two at a time as well", async () => {
    const now = shared.readNow(file);
    expect(await Promise.all([shared.read(file), shared.read(file)])).toEqual([now, now]);
  });

  test("that is drawn twice for bold letters says it once, and what stands there twice says it twice", () => {
    const bold = [0, 0.3].flatMap((off) => [
      { x: 50 + off, y: 50, text: "Gesamt" },
      { x: 400 + off, y: 50, text: "11,00" },
    ]);
    const twice = [
      { x: 50, y: 90, text: "11" },
      { x: 65, y: 90, text: "11" },
    ];
    const { lines } = shared.readNow(writePdf({ pages: [[...bold, ...twice]] }));
    expect(lines.map(lineText)).toEqual(["Gesamt   11,00", "11 11"]);
  });

  test("may have something before its beginning", () => {
    const before = Buffer.concat([Buffer.from("\n\n"), file]);
    expect([isPdf(before), codeOf(before)]).toEqual([true, "read"]);
  });
});

describe("a PDF with an electronic invoice in it", () => {
  test.each(["factur-x.xml", "zugferd-invoice.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml"])("as %s", (name) => {
    const others = { name: "photo.jpg", content: "x" };
    const content = shared.readNow(writePdf({ ...plain, attachments: [others, { name, content: ciiText }] }));
    expect([content.attached?.name, content.others]).toEqual([name.toLowerCase(), 1]);
    expect(readInvoice(Buffer.from(content.attached?.contentBase64 ?? "", "base64")).number).toBe("H-1");
  });

  test("needs no text; an attachment of another name is none", () => {
    const attachments = [{ name: "factur-x.xml", content: ciiText }];
    expect(codeOf(writePdf({ pages: [[]], attachments }))).toBe("read");
    expect(codeOf(writePdf({ pages: [[]], attachments: [{ name: "a.xml", content: ciiText }] }))).toBe(
      "invoice/pdf-no-text",
    );
  });
});

describe("what cannot be read is refused, with a code", () => {
  const both = ["factur-x.xml", "xrechnung.xml"].map((name) => ({ name, content: ciiText }));
  test.each([
    ["no PDF", Buffer.from("<html>"), "invoice/pdf-not-one"],
    ["nothing", new Uint8Array(), "invoice/pdf-not-one"],
    ["a torn one", file.slice(0, file.length - 40), "invoice/pdf-truncated"],
    ["a head alone", Buffer.from("%PDF-1.7\n%%EOF"), "invoice/pdf-truncated"],
    ["no objects", Buffer.from("%PDF-1.7\nstartxref\n0\n%%EOF\n"), "invoice/pdf-malformed"],
    ["a password", writePdf({ ...plain, locked: true }), "invoice/pdf-encrypted"],
    ["a program", writePdf({ ...plain, script: "app.alert(1)" }), "invoice/pdf-active"],
    ["pictures alone", writePdf({ pages: [[], []] }), "invoice/pdf-no-text"],
    ["two invoices", writePdf({ ...plain, attachments: both }), "invoice/pdf-two-invoices"],
    ["too many pages", writePdf({ pages: Array.from({ length: 101 }, () => []) }), "invoice/too-large"],
    [
      "too many columns",
      writePdf({ pages: [Array.from({ length: 101 }, (_, x) => ({ x: x * 5.5, y: 9, size: 2, text: "a" }))] }),
      "invoice/too-large",
    ],
  ])("%s", (_, source, code) => {
    expect(codeOf(source)).toBe(code);
  });

  test.each([
    ["bytes", { bytes: 100 }, file],
    ["characters", { characters: 10 }, file],
    ["lines", { lines: 1 }, file],
    ["attachments", { attachments: 1 }, writePdf({ ...plain, attachments: both })],
    ["bytes of an attachment", { attachedBytes: 10 }, writePdf({ ...plain, attachments: both.slice(0, 1) })],
  ])("more %s than may be", (what, limits, source) => {
    expect(() => reader(limits).readNow(source)).toThrow(what);
  });

  test("a text whose place is no number", () => {
    const endless = "9".repeat(400) as unknown as number;
    expect(codeOf(writePdf({ pages: [[{ x: 10, y: 10, size: endless, text: "Hello" }]] }))).toBe(
      "invoice/pdf-malformed",
    );
  });

  test("an error holds no text of the document", () => {
    const bytes = Buffer.from(file);
    const at = bytes.indexOf("/Type /Pages");
    bytes.write("/SECRETS [(SECRET)]".slice(0, 12), at, "latin1");
    const told: unknown[] = [];
    try {
      shared.readNow(bytes);
    } catch (error) {
      told.push(error);
    }
    expect(JSON.stringify(told)).not.toContain("SECRET");
  });
});

describe("P1 what takes too long or too much ends the thread, and the next PDF has another", () => {
  test("time", () => {
    const quick = reader({ limitMs: 0 });
    expect(codeOf(long, quick)).toBe("invoice/pdf-too-slow");
    expect(codeOf(long, reader())).toBe("read");
  });

  test("memory, which a small attachment fills", () => {
    const bomb = writePdf({ ...plain, attachments: [{ name: "factur-x.xml", content: new Uint8Array(300_000_000) }] });
    expect(bomb.length).toBeLessThan(1_000_000);
    const small = reader({ memoryBytes: 150_000_000 });
    expect(codeOf(file, small)).toBe("read");
    expect(codeOf(bomb, small)).toBe("invoice/too-large");
    expect(codeOf(file, small)).toBe("read");
  });

  test("somebody who does not want it any more", async () => {
    const stopped = reader();
    const reason = new Error("enough");
    await expect(stopped.read(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(stopped.read(file, { signal: AbortSignal.abort("a word") })).rejects.toBe("a word");
    const controller = new AbortController();
    const reading = stopped.read(long, { signal: controller.signal });
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    expect((await stopped.read(file)).pages).toBe(1);
  });

  test("one that is given up in the midst of a page leaves the next ones alone", async () => {
    const short = reader({ characters: 1_000, limitMs: 3_000 });
    for (let round = 0; round < 2; round++) {
      expect(codeOf(long, short)).toBe("invoice/too-large");
      expect(codeOf(file, short)).toBe("read");
      await expect(short.read(long)).rejects.toMatchObject({ code: "invoice/too-large" });
      expect((await short.read(file)).pages).toBe(1);
    }
  });

  test("a thread that ended between two PDFs costs the second one nothing", async () => {
    const threads: Worker[] = [];
    const heard = (worker: Worker) => void threads.push(worker);
    process.on("worker", heard);
    const made = reader({ limitMs: 3_000 });
    try {
      expect((await made.read(file)).pages).toBe(1);
      await threads.at(-1)?.terminate();
      expect((await made.read(file)).pages).toBe(1);
      await threads.at(-1)?.terminate();
      expect(codeOf(file, made)).toBe("read");
      await new Promise((resolve) => setImmediate(resolve));
      // Nobody has heard of its end yet.
      void threads.at(-1)?.terminate();
      expect(codeOf(file, made)).toBe("read");
      await new Promise((resolve) => setImmediate(resolve));
      expect(threads.length).toBe(4);
    } finally {
      process.off("worker", heard);
    }
  });

  test("and a reader that was closed reads again", async () => {
    const closed = reader();
    closed.close();
    closed.close();
    expect((await closed.read(file)).pages).toBe(1);
    const reading = closed.read(long);
    const refused = expect(reading).rejects.toMatchObject({ code: "invoice/pdf-malformed" });
    await new Promise((resolve) => setImmediate(resolve));
    closed.close();
    await refused;
  });
});

test("the library is named by the thread's module alone, so nothing else loads it", () => {
  const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const naming = names.filter((name) => readFileSync(join(import.meta.dirname, name), "utf8").includes('"unpdf'));
  expect(naming).toEqual(["pdf-worker.ts"]);
  const starting = names.filter((name) =>
    /from "\.\/pdf-worker\.ts"/.test(readFileSync(join(import.meta.dirname, name), "utf8")),
  );
  expect(starting).toEqual([]);
});

test("whatever somebody does to the bytes, it is read or refused", () => {
  const hybrid = writePdf({ ...plain, attachments: [{ name: "factur-x.xml", content: ciiText }] });
  const change = fc.array(fc.tuple(fc.nat(hybrid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(change, fc.nat(200), (bytes, cut) => {
      const spoilt = Uint8Array.from(hybrid);
      for (const [at, value] of bytes) spoilt[at] = value;
      expect(codeOf(cut < 20 ? spoilt.slice(0, spoilt.length - cut) : spoilt)).toMatch(/^(read|invoice\/)/);
    }),
    { numRuns: 120 },
  );
});
