import type { DeskCase } from "./desk-case.ts";

const encoded = (encoding: string, buffer: BufferEncoding, mark: readonly number[] = []) => ({
  style: { encoding },
  corrupt: (text: string) => Buffer.concat([Buffer.from(mark), Buffer.from(text, buffer)]),
});

/** Nothing is wrong with these: each is read, checked, approved by its tier and posted once. */
export const cleanCases: readonly DeskCase[] = [
  one("plain-ubl", "A small invoice in UBL is posted without a person", ["clean", "ubl"], () => ({})),
  one("plain-cii", "A small invoice in CII is posted without a person", ["clean", "cii"], () => ({ syntax: "cii" })),
  one("one-manager", "A middle one waits for a manager's approval", ["clean", "approval"], () => ({ size: "middle" })),
  one("two-directors", "A large one waits for two directors", ["clean", "approval", "quorum"], () => ({
    size: "large",
  })),
  one(
    "prepaid-is-not-small",
    "What is left of a large sum is small, and it is a large invoice all the same",
    ["clean", "approval", "quorum"],
    () => ({
      size: "large",
      syntax: "cii",
      draft: { prepaid: "12000.00" },
    }),
  ),
  one("line-allowance", "A line with an allowance and a charge", ["clean", "allowances"], () => ({
    lines: [{ allowance: "1.50", charge: "2.25" }],
  })),
  one("document-allowance", "An allowance and freight on the whole", ["clean", "allowances", "cii"], () => ({
    syntax: "cii",
    draft: { allowances: [{ amount: "3.10", reason: "Rabatt" }], charges: [{ amount: "7.90", reason: "Fracht" }] },
  })),
  one("two-rates", "Two rates of VAT", ["clean", "vat"], () => ({
    vendor: "books",
    lines: [{ rate: "21" }, { rate: "4" }],
  })),
  one("three-categories", "Standard rate, reduced rate and zero-rated in one", ["clean", "vat", "cii"], () => ({
    syntax: "cii",
    lines: [{}, { rate: "7" }, { category: "Z", rate: "0" }],
  })),
  one("reverse-charge", "Reverse charge: the buyer owes the VAT", ["clean", "vat"], () => ({
    vendor: "atelier",
    lines: [{ category: "AE", rate: "0" }],
  })),
  one("exempt", "A lesson that is exempt of VAT", ["clean", "vat", "cii"], () => ({
    vendor: "school",
    syntax: "cii",
    lines: [{ category: "E", rate: "0" }],
  })),
  one("within-the-union", "Goods from another country of the union", ["clean", "vat"], () => ({
    vendor: "packaging",
    lines: [
      { category: "K", rate: "0" },
      { category: "K", rate: "0" },
    ],
  })),
  one("prepaid-and-rounded", "A part was paid before, and the rest is rounded", ["clean", "totals"], () => ({
    lines: [{ quantity: "3", price: "33.33" }],
    draft: { prepaid: "50.00", rounding: "0.01" },
  })),
  one("price-for-a-hundred", "The price is for a hundred pieces", ["clean", "totals", "cii"], () => ({
    syntax: "cii",
    lines: [{ quantity: "250", price: "12.345", baseQuantity: "100" }],
  })),
  one("thirds", "Quantities and prices that do not divide evenly", ["clean", "totals"], () => ({
    lines: [
      { quantity: "0.333", price: "99.9999" },
      { quantity: "7", price: "1.005" },
    ],
  })),
  one("no-decimals", "Yen have no decimals", ["clean", "currency"], () => ({
    vendor: "gauges",
    currency: "JPY",
    lines: [{ category: "O", rate: "0" }],
  })),
  one("three-decimals", "Dinars have three", ["clean", "currency", "cii"], () => ({
    vendor: "pearls",
    currency: "KWD",
    syntax: "cii",
    lines: [{ category: "G", rate: "0", quantity: "3", price: "4.135" }],
  })),
  one("dollars", "Dollars, whose tier goes by euros", ["clean", "currency", "approval"], () => ({
    vendor: "pumps",
    currency: "USD",
    size: "middle",
    lines: [{ category: "G", rate: "0" }],
  })),
  one("partial-delivery", "A part of an order, after another part", ["clean", "order"], () => ({
    lines: [{ quantity: "2" }],
    orderLines: { "1": { received: "5", invoiced: "1" } },
    books: (_, { orderReference }) =>
      orderReference === undefined ? [] : [{ number: "RE-1999-1", orderId: orderReference, pieces: { "1": "2" } }],
  })),
  one("credit-note", "A credit note for an invoice that was posted", ["clean", "credit"], () => ({
    draft: { typeCode: "381", preceding: ["RE-1998-7"] },
    books: () => [{ number: "RE-1998-7" }],
  })),
  one("credit-note-cii", "A second credit note, for what is left", ["clean", "credit", "cii"], () => ({
    syntax: "cii",
    lines: [{ quantity: "1", price: "10.00" }],
    draft: { typeCode: "381", preceding: ["RE-1998-8"] },
    books: () => [
      { number: "RE-1998-8", gross: "20.00" },
      { number: "GU-1", kind: "creditNote", preceding: ["re 1998/8"], gross: "8.10" },
    ],
  })),
  one("corrected", "A corrected invoice, after the wrong one was credited", ["clean", "credit"], () => ({
    draft: { typeCode: "384", preceding: ["RE-1998-9"] },
    books: () => [{ number: "RE-1998-9" }, { number: "GU-2", kind: "creditNote", preceding: ["RE-1998-9"] }],
  })),
  one("other-company", "The other company of the group has its own books", ["clean"], () => ({
    company: "FH02",
    vendor: "books",
    lines: [{ rate: "21" }],
  })),
  one("odd-prefixes", "Prefixes that nobody expects", ["noisy", "ubl"], () => ({
    style: { prefixes: { root: "i", cac: "cbc", cbc: "cac" } },
  })),
  one("default-namespace", "The most frequent namespace has no prefix", ["noisy", "cii"], () => ({
    syntax: "cii",
    style: { prefixes: { rsm: "a", ram: "", udt: "b" } },
  })),
  one("comments", "Comments and instructions between everything", ["noisy"], () => ({ style: { comments: true } })),
  one("cdata", "All texts are CDATA", ["noisy", "cii"], () => ({ syntax: "cii", style: { cdata: true } })),
  one("one-long-line", "Not a single line break", ["noisy"], () => ({ style: { indent: "" } })),
  one("blanks", "Values between blanks and line breaks", ["noisy"], () => ({
    corrupt: (text) => text.replaceAll(/>([^<>\s][^<>]*)</g, ">\n\t $1  \n<"),
  })),
  one("utf-16", "Two bytes for each letter", ["noisy", "encoding"], () => encoded("utf-16", "utf16le", [0xff, 0xfe])),
  one("latin-1", "An old encoding", ["noisy", "encoding"], () => encoded("ISO-8859-1", "latin1")),
  one("byte-order-mark", "A mark before the first letter", ["noisy", "encoding"], () =>
    encoded("UTF-8", "utf8", [0xef, 0xbb, 0xbf]),
  ),
  one("japanese", "A seller and articles in Japanese", ["mixed-language"], () => ({
    vendor: "gauges",
    currency: "JPY",
    lines: [{ name: "ダイヤルゲージ 0.01", category: "O", rate: "0" }],
    draft: { notes: ["毎度ありがとうございます。"] },
  })),
  one("right-to-left", "A seller and articles in Arabic", ["mixed-language", "cii"], () => ({
    vendor: "pearls",
    currency: "KWD",
    syntax: "cii",
    lines: [{ name: "خرز زجاجي ٤٠", category: "G", rate: "0", price: "1.250" }],
  })),
  one("three-languages", "Three languages in one invoice", ["mixed-language"], () => ({
    vendor: "chemicals",
    currency: "DKK",
    lines: [{ name: "Rensemiddel / Reiniger / nettoyant", category: "K", rate: "0" }],
    draft: { notes: ["Tak for ordren.", "Vielen Dank für den Auftrag.", "Merci 🙏"] },
  })),
];

function one(name: string, title: string, tags: readonly string[], make: DeskCase["make"]): DeskCase {
  return { name, title, tags, exceptions: [], make };
}
