import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readRunbooks } from "./folder.ts";
import { openRunbookIndex } from "./index.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "runbooks-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
const messageOf = (act: () => unknown) => {
  try {
    act();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return "nothing thrown";
};

test("a folder of Markdown and JSON lines is read in the order of its paths, and can be searched", () => {
  mkdirSync(join(folder, "disks"));
  put("disks/full.md", "# The disk is full\n\n1. Make room: `df -h /`\n");
  put(
    "b.jsonl",
    `{"path":"net/Dns.md","text":"# Names are slow"}\n\n{"id":"X-1","text":"# Third"}\n{"text":"# Fourth"}\n`,
  );
  put("README.md", "# Not a runbook");
  put("notes.txt", "# Not a runbook either");
  symlinkSync("/etc/hostname", join(folder, "outside.md"));
  const elsewhere = mkdtempSync(join(tmpdir(), "elsewhere-"));
  writeFileSync(join(elsewhere, "secret.md"), "# Somebody else's");
  symlinkSync(elsewhere, join(folder, "elsewhere"));
  const found = readRunbooks(folder);
  expect(found.map(({ runbookId, title }) => [runbookId, title])).toEqual([
    ["net/Dns", "Names are slow"],
    ["X-1", "Third"],
    ["b-4", "Fourth"],
    ["disks/full", "The disk is full"],
  ]);
  const index = openRunbookIndex(found, "2026-06-08");
  expect(index.search("disk full")[0]).toMatchObject({ sourceId: "disks/full@0", standing: "current" });
  index.close();
  rmSync(elsewhere, { recursive: true });
});

test("what cannot be read is an error with file and line", () => {
  put("a.jsonl", '{"text":"# A"}\nnope\n');
  expect(messageOf(() => readRunbooks(folder))).toMatch(/a\.jsonl:2: no runbook that can be read: not JSON$/);
  put("a.jsonl", '{"text":7}\n');
  expect(messageOf(() => readRunbooks(folder))).toMatch(/a\.jsonl:1: .*text: /);
  put("a.jsonl", '{"id":"a","text":"# A"}\n{"id":"a","text":"# B"}\n');
  expect(messageOf(() => readRunbooks(folder))).toMatch(/a\.jsonl:2: .*the id a is taken$/);
  rmSync(join(folder, "a.jsonl"));
  expect(messageOf(() => readRunbooks(folder))).toMatch(/there is no runbook at /);
  expect(messageOf(() => readRunbooks(join(folder, "gone")))).toMatch(/there is no runbook at /);
});
