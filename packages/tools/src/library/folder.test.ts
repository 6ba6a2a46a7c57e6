import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ToolsError } from "../errors.ts";
import { readDocuments } from "./folder.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "library-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const codeOf = (work: () => unknown) => {
  try {
    work();
    return "read";
  } catch (thrown) {
    return ToolsError.is(thrown) ? `${thrown.code}: ${thrown.data.reason ?? thrown.data.path}` : String(thrown);
  }
};

test("Markdown, text and JSON lines are read, at any depth, in the order of their paths", () => {
  mkdirSync(join(folder, "cards"));
  write(
    "cards/gold.md",
    '\uFEFF---\r\nid: gold\r\ntitle: "The gold card"\r\nrevision: 3\r\nreviewed: 2026-02-01\r\nnames: [golden, "au"]\r\nowner: who knows\r\n---\r\n# Gold\r\n\r\nIt is gold.\r\n',
  );
  write("cards/plain.md", "Words first.\n\n# Then a heading\n");
  write("notes.txt", "\n  A note.\nMore of it.");
  write(
    "lines.jsonl",
    '{"id":"x","title":"X","content":"about x"}\n\n{"path":"a/y.md","text":"# Y\\nabout y","operator":"z"}\n',
  );
  write("picture.png", "no");
  const elsewhere = mkdtempSync(join(tmpdir(), "elsewhere-"));
  writeFileSync(join(elsewhere, "secret.md"), "# Somebody else's");
  symlinkSync(elsewhere, join(folder, "cards", "out"));
  symlinkSync(join(elsewhere, "secret.md"), join(folder, "secret.md"));
  expect(readDocuments(folder)).toEqual([
    {
      id: "gold",
      title: "The gold card",
      text: "# Gold\n\nIt is gold.\n",
      revision: 3,
      reviewedOn: "2026-02-01",
      names: ["golden", "au"],
    },
    { id: "cards/plain", title: "Then a heading", text: "Words first.\n\n# Then a heading\n" },
    { id: "x", title: "X", text: "about x" },
    { id: "a/y", title: "Y", text: "# Y\nabout y" },
    { id: "notes", title: "A note.", text: "\n  A note.\nMore of it." },
  ]);
  rmSync(elsewhere, { recursive: true });
});

test("what cannot be read is refused with its place", () => {
  expect(codeOf(() => readDocuments(join(folder, "nowhere")))).toContain("library/none-there");
  expect(codeOf(() => readDocuments(folder))).toContain("library/none-there");
  write("a.md", "---\nrevision: many\n---\ntext");
  expect(codeOf(() => readDocuments(folder))).toContain("library/not-read: revision");
  rmSync(join(folder, "a.md"));
  write("b.jsonl", '{"text":"one"}\nnot json\n');
  expect(codeOf(() => readDocuments(folder))).toBe("library/not-read: not JSON");
  write("b.jsonl", '{"title":"nothing in it"}\n');
  expect(codeOf(() => readDocuments(folder))).toContain("neither");
  write("b.jsonl", '{"text":"one","revision":"x"}\n');
  expect(codeOf(() => readDocuments(folder))).toContain("library/not-read: revision");
});

const head = (...lines: readonly string[]) => `---\n${lines.join("\n")}\n---\n# T\n`;

test.each([
  ["a list below", head("tenants:", "  - acme", '  - "globex" # both', "revision: 2"), ["acme", "globex"]],
  ["a list below that is not indented", head("tenants:", "- acme", "", "- globex"), ["acme", "globex"]],
  ["quotes in a list", head(`tenants: ["acme", 'globex']`), ["acme", "globex"]],
  ["no space at all", head("tenants:acme"), ["acme"]],
  ["a comment", head("tenants: acme # and nobody else"), ["acme"]],
  ["space before the colon", head("tenants : acme"), ["acme"]],
  ["an empty list", head("tenants: []"), [""]],
  ["space behind the dashes", "--- \ntenants: acme\n---\t\n# T\n", ["acme"]],
  ["the other end of a head", "---\ntenants: acme\n...\n# T\n", ["acme"]],
])("tenants of a head bind however they are written: %s", (_, text, tenants) => {
  write("a.md", text);
  expect(readDocuments(folder)).toMatchObject([{ tenants, text: "# T\n" }]);
});

test.each([
  ["another name", "a.md", head("tenant: acme")],
  ["capitals", "a.md", head("Tenants: acme")],
  ["in quotes", "a.md", head('"tenants": acme')],
  ["further in", "a.md", head(" tenants: acme")],
  ["none", "a.md", head("tenants:")],
  ["a list of another form", "a.md", head("tenants:", "  acme: true")],
  ["an equals sign", "a.md", head("tenants = acme")],
  ["a list of more lines", "a.md", head("tenants: [acme,", "  globex]")],
  ["a text of more lines", "a.md", head("tenants: >", "  acme")],
  ["a blank line before", "a.md", `\n${head("title: T", "tenants: acme")}`],
  ["a head that is indented", "a.md", ` ${head("tenants: acme")}`],
  ["a head between four dashes", "a.md", "----\ntenants: acme\n----\n# T\n"],
  ["a head of another language", "a.md", '+++\ntitle = "T"\ntenants = ["acme"]\n+++\n# T\n'],
  ["a head in a text", "a.txt", head("tenants: acme")],
  ["a head without an end", "a.md", "---\ntenants: acme\n# T\n"],
  ["another name in a line", "a.jsonl", '{"text":"x","tenant":"acme"}\n'],
])("who a document is for is not guessed: %s", (_, name, text) => {
  write(name, text);
  expect(codeOf(() => readDocuments(folder))).toContain("library/not-read");
});

test.each(["retird", "draft", "currentt"])("what a head calls %s is not taken for current", (status) => {
  write("a.md", head(`status: ${status}`));
  write("b.jsonl", `${JSON.stringify({ text: "x", status })}\n`);
  expect(codeOf(() => readDocuments(join(folder, "a.md")))).toContain("library/not-read: status: ");
  expect(codeOf(() => readDocuments(join(folder, "b.jsonl")))).toContain("library/not-read: status: ");
});

test("words of other systems for what is current and what is not are understood in heads", () => {
  write("a.md", head("status: Published"));
  write("b.md", head("status: deprecated"));
  expect(readDocuments(folder).map(({ status }) => status)).toEqual(["current", "retired"]);
});

test("a text may begin with a line across it, a head may be empty, and what is retired may say so loudly", () => {
  write("a.md", "---\n\nWords: many.\n");
  write("b.md", "---\n---\n# B\n");
  write("c.md", head("status: Retired # in May"));
  write("d.md", "---\nWho our tenants are.\n\nTenants: many.\n");
  write("e.md", "---\rtitle: E\r---\r# Old\r");
  expect(readDocuments(folder)).toEqual([
    { id: "a", title: "---", text: "---\n\nWords: many.\n" },
    { id: "b", title: "B", text: "# B\n" },
    { id: "c", title: "T", text: "# T\n", status: "retired" },
    { id: "d", title: "---", text: "---\nWho our tenants are.\n\nTenants: many.\n" },
    { id: "e", title: "E", text: "# Old\n" },
  ]);
});

test.each([
  ["Latin-1", Buffer.from("Käse", "latin1")],
  ["UTF-16", Buffer.from("\uFEFFKäse", "utf16le")],
])("%s is not read as nonsense", (_, bytes) => {
  writeFileSync(join(folder, "a.txt"), bytes);
  expect(codeOf(() => readDocuments(folder))).toContain("library/not-read: it is no text in UTF-8");
});
