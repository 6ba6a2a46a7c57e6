import { createSupervisor, defineAgent, definePolicy, memoryEngine, type ToolContext, user } from "@remit/core";
import { answers, callsAll, scriptedModel } from "@remit/core/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ToolsError } from "../errors.ts";
import { invokeTool } from "../invoke.ts";
import { type LibraryDocument, openLibrary, readCharsMax } from "./index.ts";

const day = Date.parse("2026-06-08");
const at = (documents: readonly LibraryDocument[], more: object = {}) =>
  openLibrary({ name: "handbook", documents, ...more });

const handbook: readonly LibraryDocument[] = [
  {
    id: "returns",
    title: "Returning goods",
    text: "Goods come back within 30 days.\n\n## Damaged\n\nSend a picture of the damage first.",
  },
  { id: "vouchers", title: "Vouchers", text: "A voucher is never paid out. It ends after three years.", revision: 4 },
  {
    id: "DiskFilling",
    title: "DiskFilling",
    text: "The node has no space left. Remove old logs.",
    names: ["NodeDiskPressure"],
  },
  { id: "tea", title: "Tea", text: "The kitchen has tea. The tea is green. Whoever drinks the tea makes the tea." },
];
const context = (tenant: string): ToolContext => ({
  ...{ signal: new AbortController().signal, idempotencyKey: "", tenant, runId: "run_1", agent: "finder" },
  ...{ path: "finder#1/tool#1", attempt: 1, attributes: {} },
});
const ids = (found: readonly { readonly documentId: string }[]) => found.map(({ documentId }) => documentId);

describe("finding", () => {
  const library = at(handbook);

  test("other forms of a word, accents, parts of a name and other names lead to a document", () => {
    expect(ids(library.find("a picture of what was dàmaged"))[0]).toBe("returns");
    expect(ids(library.find("disk filling"))[0]).toBe("DiskFilling");
    expect(ids(library.find("NodeDiskPressure"))[0]).toBe("DiskFilling");
    expect(ids(library.find("paying out vouchers"))[0]).toBe("vouchers");
  });

  test("a hit is evidence: the passage that fits best, its heading, its place, and the id of its source", () => {
    const text = `${"Nothing of interest. ".repeat(60)}\n\n## Keys\n\nLost keys are reported to the porter.`;
    const [found] = at([{ id: "house", title: "House rules", text, revision: 2 }]).find("lost keys");
    expect(found).toMatchObject({ sourceId: "house@2", documentId: "house", section: "Keys", standing: "current" });
    expect(found?.text).toContain("reported to the porter");
    expect(text.slice(found?.from).startsWith(found?.text ?? "-")).toBe(true);
  });

  test("a document is one hit, however many of its passages fit", () => {
    const text = Array.from({ length: 40 }, (_, index) => `Chapter ${index}: ${"tea and more tea. ".repeat(20)}`).join(
      "\n\n",
    );
    expect(
      at([
        { id: "tea", title: "Tea", text },
        { id: "one", title: "Once", text: "tea" },
      ]).find("tea", { most: 10 }),
    ).toHaveLength(2);
  });

  test("words that say nothing find nothing beside others, and are looked for when there is nothing else", () => {
    expect(ids(library.find("what is the tea"))).toEqual(["tea"]);
    expect(library.find("whoever the").length).toBeGreaterThan(0);
    expect(library.find("")).toEqual([]);
  });

  test("neighbours count: who has the words side by side comes before who has them apart", () => {
    const found = at([
      { id: "apart", title: "A", text: "The gold is in the card room. The silver has a reward." },
      { id: "beside", title: "B", text: "The gold card is in the room. The reward has silver." },
    ]).find("gold card");
    expect(ids(found)).toEqual(["beside", "apart"]);
  });

  test("scripts without spaces are searched by their signs", () => {
    const found = at([
      { id: "a", title: "返品", text: "商品は三十日以内に返品できます。" },
      { id: "b", title: "配送", text: "配送には三日かかります。" },
    ]).find("返品できますか");
    expect(ids(found)[0]).toBe("a");
  });

  test("words of Korean are found with their particles, and ß is ss", () => {
    const texts = ["환불을 요청하면 삼일 안에 처리합니다.", "배송은 삼일 걸립니다.", "Wir sind in der Straße."];
    const found = at(texts.map((text, index) => ({ id: `d${index}`, title: "", text })));
    expect(ids(found.find("환불"))).toEqual(["d0"]);
    expect(ids(found.find("환불은".normalize("NFD")))[0]).toBe("d0");
    expect(ids(found.find("Strasse"))).toEqual(["d2"]);
  });

  test("a mark that makes another letter is none of its accents, and other forms of a letter are the letter", () => {
    const texts = [
      "\u304c\u304f\u3057\u3085\u3046",
      "\u0939\u093f\u0928\u094d\u0926\u0940",
      "\uff21\uff22\uff23",
      "e\u0301cole",
      "\uac00\ub098",
    ];
    const forms = at(texts.map((text, index) => ({ id: `d${index}`, title: "", text })));
    const queries = [
      "\u304b\u3099\u304f\u3057\u3085\u3046",
      "\u0939\u093f\u0928\u094d\u0926\u0940",
      "abc",
      "ECOLE",
      "\uac00\ub098",
    ];
    expect(queries.map((query) => forms.find(query)[0]?.documentId)).toEqual(["d0", "d1", "d2", "d3", "d4"]);
    const letters = at([
      { id: "ka", title: "", text: "\u304b" },
      { id: "ga", title: "", text: "\u304c" },
    ]);
    expect(ids(letters.find("\u304c"))).toEqual(["ga"]);
  });

  test("any text may be searched for, and gives the same each time", () => {
    for (const query of [
      '"',
      "NEAR(a b)",
      "title:x OR *",
      "-",
      "a".repeat(5_000),
      "'; DROP TABLE found; --",
      "\0",
      "😀",
    ]) {
      expect(Array.isArray(library.find(query))).toBe(true);
    }
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (query) => {
        expect(library.find(query)).toEqual(library.find(query));
      }),
    );
    const long = Array.from({ length: 20_000 }, (_, index) => `word${index % 3_000}`).join(" ");
    expect(library.find(`${long} voucher voucher`).length).toBeGreaterThanOrEqual(0);
  });

  test("no more than was wanted, and no more than a hundred", () => {
    const many = at(Array.from({ length: 300 }, (_, index) => ({ id: `d${index}`, title: "Tea", text: "tea" })));
    expect(many.find("tea")).toHaveLength(5);
    expect(many.find("tea", { most: 1_000 })).toHaveLength(100);
    expect(many.find("tea", { most: 3 }).map(({ documentId }) => documentId)).toEqual(["d0", "d1", "d2"]);
  });

  test("closing lets the index go, and the next search makes it again", () => {
    library.close();
    library.close();
    expect(ids(library.find("voucher"))).toEqual(["vouchers"]);
  });
});

describe("what may be read", () => {
  const dated: readonly LibraryDocument[] = [
    { id: "new", title: "Tea", text: "tea", reviewedOn: "2026-06-01" },
    { id: "old", title: "Tea", text: "tea", reviewedOn: "2024-01-01" },
    { id: "gone", title: "Tea", text: "tea", status: "retired" },
    { id: "undated", title: "Tea", text: "tea" },
  ];
  const fresh = at(dated, { freshForDays: 365, clock: { now: () => day } });

  test("what is outdated or retired comes only when it is asked for, and says so", () => {
    expect(ids(fresh.find("tea"))).toEqual(["new", "undated"]);
    expect(fresh.find("tea", { outdated: true }).map(({ standing }) => standing)).toEqual([
      "current",
      "outdated",
      "retired",
      "current",
    ]);
    expect(ids(fresh.find("tea", { reviewedSince: "2026-01-01" }))).toEqual(["new"]);
  });

  test("days that count need a clock", () => {
    expect(() => at(dated, { freshForDays: 1 })).toThrowError(/library\/clock-missing/);
  });

  const owned: readonly LibraryDocument[] = [
    { id: "all", title: "Prices", text: "prices for everybody" },
    { id: "acme", title: "Prices", text: "prices of acme", tenants: ["acme"] },
    { id: "none", title: "Prices", text: "prices of nobody", tenants: [] },
  ];

  test("another tenant's document is neither found nor read, and nothing tells that it is there", async () => {
    const library = at(owned);
    const search = async (tenant: string) => {
      const done = await invokeTool(library.search, { query: "prices" }, context(tenant));
      return done.status === "returned" ? ids((done.output as { hits: { documentId: string }[] }).hits) : done.status;
    };
    expect(await search("acme")).toEqual(["all", "acme"]);
    expect(await search("globex")).toEqual(["all"]);
    const asked = async (id: string) => {
      const done = await invokeTool(library.read, { id }, context("globex"));
      return done.status === "refused" ? done.message.replace(id, "it") : done.status;
    };
    expect(await asked("acme")).toBe(await asked("nowhere"));
    expect(await asked("all")).toBe("returned");
  });

  test("who may read is asked of the library's owner, and a throw is a no", () => {
    const reader = { tenant: "acme", attributes: { desk: "b" }, agent: "finder" };
    const library = at(owned, {
      mayRead: ({ id }: LibraryDocument, { attributes }: typeof reader) => {
        if (id === "all") throw new Error("nobody knows");
        return attributes.desk === "b";
      },
    });
    expect(ids(library.find("prices", { reader }))).toEqual(["acme"]);
    expect(ids(library.find("prices", { reader: { ...reader, attributes: { desk: "a" } } }))).toEqual([]);
  });
});

test("who decides by another member of a document is told of it as it was given, and a misspelt guard is refused", () => {
  const open = { id: "open", title: "Prices", text: "prices", level: 1 };
  const secret = { id: "secret", title: "Prices", text: "prices", level: 3 };
  const library = at([open, secret], {
    mayRead: (document: LibraryDocument) => !((document as typeof open).level > 2),
  });
  const reader = { tenant: "acme", attributes: {}, agent: "finder" };
  expect(ids(library.find("prices", { reader }))).toEqual(["open"]);
  expect(() => at([open], { mayread: () => false })).toThrow(/options\/unknown.*mayread/);
  for (const none of [undefined, { name: "handbook" }, { name: "handbook", documents: "docs" }])
    expect(() => openLibrary(none as never)).toThrow(/options\/invalid.*list of documents/);
  expect(() => at([{ ...open, tenant: "acme" } as never])).toThrow(/library\/document-invalid.*tenants/);
});

test("no sign of two halves is parted, in what is found and in what is read", async () => {
  const text = `x${"😀".repeat(readCharsMax)}`;
  const library = at([{ id: "signs", title: "Signs", text }]);
  expect(library.find("signs")[0]?.text.isWellFormed()).toBe(true);
  let read = "";
  for (let from: number | undefined = 0; from !== undefined; ) {
    const done = await invokeTool(library.read, { id: "signs", from }, context("acme"));
    if (done.status !== "returned") throw new Error(done.status);
    const part = done.output as { text: string; from: number; next?: number };
    expect(part.text.isWellFormed()).toBe(true);
    read += part.text;
    from = part.next;
  }
  expect(read).toBe(text);
  const cut = at([{ id: "cut", title: "Cut \ud83d", text: "cut off here: \ud83d" }]).find("cut")[0];
  expect([cut?.title, cut?.text]).toEqual(["Cut \ufffd", "cut off here: \ufffd"]);
  const within = await invokeTool(library.read, { id: "signs", from: 2 }, context("acme"));
  expect(within).toMatchObject({ output: { from: 1, next: readCharsMax + 1 } });
});

test("a letter with ever so many accents takes no time to speak of", () => {
  const piled = `damage${"\u0301".repeat(60_000)}`;
  expect(ids(at(handbook).find(piled))).toEqual(["returns"]);
  expect(ids(at([{ id: "piled", title: "Piled", text: piled }]).find("damage"))).toEqual(["piled"]);
});

test("a long document is read in parts that lead on", async () => {
  const text = "0123456789".repeat(readCharsMax / 10 + 1);
  const library = at([{ id: "long", title: "Long", text, revision: 3 }]);
  const read = async (input: object) => {
    const done = await invokeTool(library.read, input, context("acme"));
    if (done.status !== "returned") return { text: done.status, next: undefined };
    return done.output as { text: string; next?: number; sourceId: string };
  };
  const first = await read({ id: "long@3" });
  expect(first).toMatchObject({ sourceId: "long@3", next: readCharsMax });
  const rest = await read({ id: "long", from: first.next });
  expect(first.text + rest.text).toBe(text);
  expect(rest.next).toBeUndefined();
  expect((await read({ id: "long", from: text.length + 1 })).text).toBe("refused");
});

test("documents that cannot be told apart, are none, or are too large are refused by name", () => {
  const code = (documents: unknown) => {
    try {
      at(documents as readonly LibraryDocument[]);
      return "taken";
    } catch (thrown) {
      return ToolsError.is(thrown) ? `${thrown.code} ${thrown.data.document ?? thrown.data.what}` : String(thrown);
    }
  };
  const one = { id: "a", title: "A", text: "a" };
  expect(code([one, one])).toBe("library/document-invalid a");
  expect(code([one, { ...one, id: "b" }])).toBe("taken");
  expect(
    code([
      { ...one, revision: 1 },
      { ...one, id: "a@1" },
    ]),
  ).toBe("library/document-invalid a@1");
  expect(code([{ ...one, id: "" }])).toBe("library/document-invalid number 1");
  expect(code([{ ...one, reviewedOn: "yesterday" }])).toBe("library/document-invalid number 1");
  expect(code([{ id: "a", title: "A" }])).toBe("library/document-invalid number 1");
  expect(code(Array.from({ length: 50_001 }, () => one))).toBe("library/too-large documents");
});

test("in a run its tools are of a source: a grant without it takes them away, a policy is asked about it", async () => {
  const library = at(handbook);
  const finder = defineAgent({
    name: "finder",
    description: "Finds.",
    model: "fast",
    effects: "read",
    tools: [library.search, library.read],
    input: z.object({ text: z.string() }),
    output: z.object({ said: z.string() }),
    instructions: "Find.",
  });
  const desk = createSupervisor({
    name: "desk",
    agents: { finder },
    entry: "finder",
    exit: "finder",
    handoffs: [],
    engine: memoryEngine(),
    policy: definePolicy({
      name: "sources",
      version: "1",
      rules: [
        { id: "work", on: ["model", "egress", "tool"], effect: "allow", because: "it is the work" },
        {
          id: "no-tea",
          on: "source",
          effect: "deny",
          when: ({ source, query }) => source === "handbook" && query.includes("tea"),
          because: "nobody asks for tea",
        },
        { id: "sources", on: "source", effect: "allow", because: "all others" },
      ],
    }),
    models: {
      fast: scriptedModel(
        Array.from({ length: 2 }, () => [
          callsAll(finder, [
            ["search_handbook", { query: "vouchers" }],
            ["search_handbook", { query: "tea" }],
            ["read_handbook", { id: "returns" }],
          ]),
          answers(finder, { said: "found" }),
        ]).flat(),
      ),
    },
  });
  const outcomes = async (grant?: { readonly sources: readonly string[] }) => {
    const run = await desk.start(
      { text: "?" },
      { tenant: "acme", principal: user("ann"), ...(grant ? { grant } : {}) },
    );
    await run.result();
    return (await run.entries()).flatMap(({ type, body }) => {
      if (type === "tool.denied") return [(body as { error: { code: string } }).error.code];
      return type === "tool.returned" ? ["returned"] : [];
    });
  };
  expect((await outcomes()).sort()).toEqual(["policy/denied", "returned", "returned"]);
  expect(await outcomes({ sources: ["elsewhere"] })).toEqual(Array.from({ length: 3 }, () => "policy/not-granted"));
});
