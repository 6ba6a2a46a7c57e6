import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { memoryJournal } from "../../packages/core/src/journal/memory.ts";
import { sqliteJournal } from "../../packages/core/src/journal/sqlite.ts";
import { journalContract } from "./journal.ts";

const folder = mkdtempSync(join(tmpdir(), "remit-journal-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

journalContract("memory", () => ({ journal: memoryJournal() }));

let files = 0;
journalContract("sqlite", () => {
  const path = join(folder, `journal-${files++}.db`);
  const journal = sqliteJournal({ path });
  return {
    journal,
    reopen: async () => {
      await journal.close();
      return sqliteJournal({ path });
    },
  };
});
