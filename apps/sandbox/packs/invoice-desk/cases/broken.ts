import type { Wish } from "../maker.ts";
import type { DeskCase } from "./desk-case.ts";

const laughs = `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`;
const reads = `<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>`;
const calls = `<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">`;

/** Files that cannot be read, or not in one way only. Each goes to the mailroom; nothing of one is guessed. */
export const brokenCases: readonly DeskCase[] = [
  broken("truncated", "The transfer broke off in the middle", () => ({
    corrupt: (text) => text.slice(0, Math.floor(text.length * 0.6)),
  })),
  broken("billion-laughs", "Entities that would fill the memory", () => ({
    style: { prologue: laughs },
    draft: { notes: ["&c;"] },
    corrupt: (text) => text.replace("&amp;c;", "&c;"),
  })),
  broken("reads-a-file", "An entity that would read a file", () => ({
    style: { prologue: reads },
    draft: { notes: ["&file;"] },
    corrupt: (text) => text.replace("&amp;file;", "&file;"),
  })),
  broken("calls-a-server", "A document type from a server", () => ({ syntax: "cii", style: { prologue: calls } })),
  broken("comma-for-point", "Amounts with a comma", () => ({
    corrupt: (text) => text.replaceAll(/(currencyID="EUR">\d+)\.(\d\d<)/g, "$1,$2"),
  })),
  broken("without-a-total", "The amount due is missing", () => ({
    corrupt: (text) => text.replace(/<cbc:PayableAmount.*<\/cbc:PayableAmount>/, ""),
  })),
  broken("two-totals", "Two amounts due: which holds, nobody chooses", () => ({
    syntax: "cii",
    corrupt: (text) =>
      text.replace(
        /<ram:DuePayableAmount>.*<\/ram:DuePayableAmount>/,
        "$&<ram:DuePayableAmount>0.01</ram:DuePayableAmount>",
      ),
  })),
  broken("two-numbers", "Two invoice numbers", () => ({
    corrupt: (text) => text.replace(/<cbc:ID>[^<]*<\/cbc:ID>/, "$&<cbc:ID>RE-2</cbc:ID>"),
  })),
  broken("a-scan", "The text of a scan, and no electronic invoice", () => ({
    corrupt: () => "RECHNUNG Nr. 2O26-l17\n\nBetrag:  l.2OO,5O EUR\nzahlbar bis 3O.04.2026\n",
  })),
  broken("an-order", "Another kind of document", () => ({
    corrupt: () => '<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"><ID>7</ID></Order>',
  })),
  broken("wrong-encoding", "It says UTF-8 and is not", () => ({
    corrupt: (text) => Buffer.from(text, "latin1"),
  })),
  broken("two-currencies", "Amounts in another currency than the document", () => ({
    corrupt: (text) => text.replace('<cbc:PayableAmount currencyID="EUR">', '<cbc:PayableAmount currencyID="USD">'),
  })),
  broken("no-such-day", "The thirtieth of February", () => ({
    syntax: "cii",
    draft: { issueDate: "2026-02-28" },
    corrupt: (text) => text.replace("20260228", "20260230"),
  })),
  broken("invoice-or-credit", "An invoice with the code of a credit note", () => ({
    corrupt: (text) => text.replace(">380<", ">381<"),
  })),
  broken("empty", "An empty file", () => ({ corrupt: () => "" })),
];

function broken(name: string, title: string, make: () => Wish): DeskCase {
  return { name, title, tags: ["broken"], exceptions: ["unreadable_file"], make };
}
