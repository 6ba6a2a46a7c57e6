import { describe, expect, test } from "vitest";
import { decimalText } from "../../src/einvoice/decimal.ts";
import { currencyDigits, type Invoice } from "../../src/einvoice/invoice.ts";
import { cases } from "./cases.ts";
import { checkDocument } from "./check.ts";
import { exceptionCodes, exceptions, queueOf, queues } from "./exceptions.ts";
import { type ExtractedValues, fieldNames, fieldsIn, sameNumber } from "./extracted.ts";
import { type GeneratedDesk, generateDesk } from "./generate.ts";
import { takeIn } from "./intake.ts";
import type { Truth } from "./maker.ts";
import { ibanOf } from "./people.ts";
import { articles, tierArticles } from "./policy.ts";
import type { StoredDocument } from "./state.ts";

/** The desk once its documents have come in. */
function deskOf(seed: number): GeneratedDesk {
  const made = generateDesk(seed);
  takeIn(made.state.documents);
  return made;
}

type Sure = Required<Pick<Truth, "invoice" | "unsure">>;

/** Fields that are said to be sure; of a page that was spoilt on purpose, not the sum that was. */
function sureFields({
  invoice,
  unsure,
}: {
  readonly invoice: Invoice | undefined;
  readonly unsure: readonly string[];
}) {
  const all = invoice ? fieldsIn(invoice) : {};
  return Object.fromEntries(Object.entries(all).filter(([field]) => !unsure.includes(field))) as ExtractedValues;
}

describe("the documents", () => {
  const { state, truths } = deskOf(1);

  test("are the same for the same seed, and others for another", () => {
    expect(deskOf(1).state).toEqual(state);
    expect(generateDesk(2).state.documents).not.toEqual(state.documents);
  });

  test("have every exception that a document can have", () => {
    const planted = new Set(cases.flatMap((one) => one.exceptions));
    // The other two lie in how a document was worked on.
    expect(exceptionCodes.filter((code) => !planted.has(code))).toEqual(["extraction_mismatch", "approval_refused"]);
  });

  test.each(cases.map((one) => [one.name, one] as const))("%s is found to be what it is", (name) => {
    const truth = truths.get(name)!;
    const checked = checkDocument(state, state.documents[truth.documentId]!);
    expect([...checked.exceptions].sort()).toEqual([...truth.exceptions].sort());
    expect(checked.amountEurCents).toBe(truth.amountEurCents);
    expect([checked.vendor?.vendorId, checked.order?.orderId, checked.tier]).toEqual([
      truth.vendorId,
      truth.exceptions.includes("po_mismatch") ? checked.order?.orderId : truth.orderId,
      truth.tier,
    ]);
    if (!truth.invoice || !checked.invoice) {
      expect(checked.problem).toBe(truth.problem);
      return;
    }
    expect(fieldNames.filter((field) => checked.unsure.includes(field)).sort()).toEqual([...truth.unsure].sort());
    expect(sureFields(checked)).toEqual(sureFields({ ...truth, invoice: truth.invoice }));
    for (const [field, { page, line }] of Object.entries(checked.invoice.locations)) {
      if (page !== undefined) expect([field, { page, line }]).toEqual([field, truth.places[field]]);
    }
  });
});

test.each(Array.from({ length: 12 }, (_, index) => index + 2))(
  "seed %i: every document is found to be what it is",
  (seed) => {
    const { state, truths } = deskOf(seed);
    for (const [name, truth] of truths) {
      const checked = checkDocument(state, state.documents[truth.documentId]!);
      expect([name, ...[...checked.exceptions].sort()]).toEqual([name, ...[...truth.exceptions].sort()]);
      // UC3-K3: whatever is said to be sure is what the document says, field by field.
      if (truth.invoice) expect([name, sureFields(checked)]).toEqual([name, sureFields(truth as Sure)]);
    }
  },
);

describe("one number changed in a document", () => {
  const { state, truths } = deskOf(1);
  test.each([
    "plain-ubl",
    "plain-cii",
    "document-allowance",
    "three-categories",
    "prepaid-and-rounded",
    "price-for-a-hundred",
    "credit-note-cii",
  ])("%s: is found, or changes nothing of what is due", (name) => {
    const { documentId } = truths.get(name)!;
    const document = state.documents[documentId]!;
    const text = Buffer.from(document.contentBase64, "base64").toString();
    const before = checkDocument(state, document);
    let found = 0;
    for (const { index, 0: whole, 1: value = "" } of text.matchAll(/>(-?\d+(?:\.\d+)?)</g)) {
      for (const other of [`${Number(value) + 1}`, `-${value}`, `${value}0`, "0"]) {
        const changed = `${text.slice(0, index)}>${other}<${text.slice(index + whole.length)}`;
        const contentBase64 = Buffer.from(changed).toString("base64");
        const { exceptions: told, invoice, vendor } = checkDocument(state, { ...document, contentBase64 });
        if (told.length > 0) found++;
        else {
          const due = (one: typeof invoice) => one && decimalText(one.totals.payable, currencyDigits(one.currency));
          expect([value, other, due(invoice), vendor?.vendorId]).toEqual([
            value,
            other,
            due(before.invoice),
            before.vendor?.vendorId,
          ]);
        }
      }
    }
    expect(found).toBeGreaterThan(20);
  });
});

describe("one sign changed on a page", () => {
  const { state, truths } = deskOf(1);
  const others = (text: string) =>
    [...text].flatMap((letter, at) => {
      const by = /\d/.test(letter)
        ? [String((Number(letter) + 1) % 10), "O", ""]
        : /[.,]/.test(letter)
          ? ["", " "]
          : [];
      return by.map((other) => `${text.slice(0, at)}${other}${text.slice(at + 1)}`);
    });
  test.each(["a-printed-page", "two-rates-on-paper", "prepaid-on-paper", "en-francais", "blurred-amounts"])(
    "%s: is found, or changes nothing of what is due and to whom",
    (name) => {
      const document = state.documents[truths.get(name)!.documentId]! as StoredDocument;
      const { pdf } = document;
      if (!pdf || !("content" in pdf)) throw new Error("no page");
      const due = ({ invoice: one, vendor }: ReturnType<typeof checkDocument>) => [
        one && decimalText(one.totals.payable, currencyDigits(one.currency)),
        one?.currency,
        vendor?.vendorId,
      ];
      const before = due(checkDocument(state, document));
      let found = 0;
      for (const [row, line] of pdf.content.lines.entries()) {
        for (const [column, cell] of line.cells.entries()) {
          for (const text of others(cell.text)) {
            const cells = line.cells.with(column, { ...cell, text });
            const lines = pdf.content.lines.with(row, { ...line, cells });
            const checked = checkDocument(state, { ...document, pdf: { content: { ...pdf.content, lines } } });
            if (checked.exceptions.length > 0) found++;
            else expect([cell.text, text, ...due(checked)]).toEqual([cell.text, text, ...before]);
          }
        }
      }
      expect(found).toBeGreaterThan(50);
    },
  );

  test("a vendor's number on a page that does not bear its name is no vendor's", () => {
    const document = state.documents[truths.get("a-printed-page")!.documentId]! as StoredDocument;
    const { pdf } = document;
    if (!pdf || !("content" in pdf)) throw new Error("no page");
    const lines = pdf.content.lines.slice(1);
    const { findings } = checkDocument(state, { ...document, pdf: { content: { ...pdf.content, lines } } });
    expect(findings.map(({ exception, about }) => [exception, about])).toEqual([
      ["uncertain_reading", "the vendor's name is not on the page"],
    ]);
  });
});

describe("what the desk goes by", () => {
  const { state, truths } = deskOf(1);

  test("an extraction is held against the document, field by field", () => {
    const { documentId, invoice } = truths.get("plain-ubl")!;
    const fields = fieldsIn(invoice!);
    const of = (changed: object) =>
      checkDocument(state, state.documents[documentId]!, { ...fields, ...changed }).exceptions;
    expect(of({})).toEqual([]);
    expect(of({ gross: `${decimalText(invoice!.totals.gross, currencyDigits("EUR"))}0` })).toEqual([]);
    for (const changed of [{ gross: "1.00" }, { account: ibanOf("DE", "1") }, { number: "RE-1" }, { net: undefined }]) {
      expect(of(changed)).toEqual(["extraction_mismatch"]);
    }
  });

  test.each([
    ["RE-2026-0117", "re 2026/0117", true],
    ["RE-2026-0117", "RE20260117", true],
    ["RE-2026-0117", "RE/2026/117", true],
    ["RE-2O26-O1l7", "RE-2026-0117", true],
    ["RE-2026-0117", "RE-2026-0118", false],
    ["A-1", "B-1", false],
    ["10", "1", false],
    ["請求-1", "請求-1", true],
  ])("%s and %s: one number? %s", (left, right, one) => {
    expect(sameNumber(left, right)).toBe(one);
  });

  test("each exception has a queue and an article of its own", () => {
    const ids = exceptionCodes.map((code) => exceptions[code].article);
    expect(new Set(ids).size).toBe(ids.length);
    const known = articles.map(({ id }) => id);
    expect([...ids, ...Object.values(tierArticles)].filter((id) => !known.includes(id))).toEqual([]);
    expect(queues).toContain(queueOf(["po_missing", "changed_bank_account"]));
    expect(queueOf(["po_missing", "changed_bank_account"])).toBe("treasury");
  });

  test("accounts have right check digits", () => {
    const [whole, bank = ""] = /^DE\d\d(.*)$/.exec(ibanOf("DE", "500105175407324931")) ?? [];
    const digits = [...`${bank}DE${whole?.slice(2, 4)}`].map((char) => Number.parseInt(char, 36)).join("");
    expect(BigInt(digits) % 97n).toBe(1n);
  });

  test("what the check says holds no text of the document", () => {
    for (const [name, { documentId }] of truths) {
      const { findings, problem, exceptions: found } = checkDocument(state, state.documents[documentId]!);
      expect([name, JSON.stringify([findings, problem, found])]).not.toEqual([
        name,
        expect.stringMatching(/assistant|system|approved by/i),
      ]);
    }
  });
});
