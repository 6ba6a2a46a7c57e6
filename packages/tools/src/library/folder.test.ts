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
      names: ["golden", '"au"'],
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
