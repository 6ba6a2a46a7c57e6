import { DatabaseSync } from "node:sqlite";
import { daysBetween } from "../../../src/world/calendar.ts";
import { runbookDaysMax } from "../operations.ts";
import type { Runbook } from "./read.ts";

/** One runbook that fits a search, with where it comes from and whether it may be gone by. */
export interface RunbookHit {
  /** `RB-101@7`: id and revision. */
  readonly sourceId: string;
  readonly runbookId: string;
  readonly title: string;
  readonly revision: number;
  readonly reviewedOn: string | undefined;
  readonly standing: Standing;
}

/** `outdated`: nobody has looked at it for too long. */
export type Standing = "current" | "outdated" | "retired";

export interface RunbookIndex {
  /**
   * Runbooks that share words with the query, best first. What is outdated or retired is left out unless it is asked for.
   * @param options.most 1 to 50; 5 when absent
   */
  readonly search: (
    query: string,
    options?: { readonly most?: number; readonly outdated?: boolean },
  ) => readonly RunbookHit[];
  readonly get: (runbookId: string) => Runbook | undefined;
  readonly close: () => void;
}

/** Whether a runbook may be gone by on a day. One that does not say when it was reviewed counts as its status says. */
export function standingOf({ status, reviewedOn }: Pick<Runbook, "status" | "reviewedOn">, today: string): Standing {
  if (status === "retired") return "retired";
  return reviewedOn !== undefined && daysBetween(reviewedOn, today) > runbookDaysMax ? "outdated" : "current";
}

export function sourceIdOf({ runbookId, revision }: Pick<Runbook, "runbookId" | "revision">): string {
  return `${runbookId}@${revision}`;
}

/** Full-text search over runbooks (FTS5, in memory): words of the title and of the alerts count more than those of the text. */
export function openRunbookIndex(runbooks: readonly Runbook[], today: string): RunbookIndex {
  const byId = new Map(runbooks.map((one) => [one.runbookId, one]));
  const database = new DatabaseSync(":memory:");
  database.exec(
    "CREATE VIRTUAL TABLE found USING fts5(title, alerts, body, content='', tokenize='porter unicode61 remove_diacritics 2')",
  );
  const insert = database.prepare("INSERT INTO found (rowid, title, alerts, body) VALUES (?, ?, ?, ?)");
  runbooks.forEach(({ runbookId, title, alerts, text }, index) => {
    const names = [runbookId, title, ...alerts];
    insert.run(index + 1, `${runbookId} ${spaced(title)}`, names.map(spaced).join(" "), text);
  });
  const find = database.prepare(
    "SELECT rowid AS id FROM found WHERE found MATCH ? ORDER BY bm25(found, 8, 8, 1), rowid",
  );
  return {
    get: (runbookId) => byId.get(runbookId),
    search: (query, { most = 5, outdated = false } = {}) => {
      const words = wordsOf(query);
      if (words.length === 0) return [];
      const rows = find.all(words.map((word) => `"${word}"`).join(" OR ")) as unknown as readonly {
        readonly id: number;
      }[];
      return rows
        .flatMap(({ id }) => runbooks[id - 1] ?? [])
        .map((one) => ({ one, standing: standingOf(one, today) }))
        .filter(({ standing }) => outdated || standing === "current")
        .slice(0, Math.min(Math.max(1, most), 50))
        .map(({ one, standing }) => ({
          sourceId: sourceIdOf(one),
          runbookId: one.runbookId,
          title: one.title,
          revision: one.revision,
          reviewedOn: one.reviewedOn,
          standing,
        }));
    },
    close: () => database.close(),
  };
}

const wordsMax = 64;

/** The words of a query, each once; of a name like `DiskFilling` its parts, too. */
function wordsOf(text: string): readonly string[] {
  const plain = spaced(text).normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return [...new Set(plain.match(/[\p{L}\p{N}]+/gu) ?? [])].slice(0, wordsMax);
}

/** `DiskFilling` also as `Disk Filling`. */
function spaced(text: string): string {
  const parted = text.replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1 $2");
  return parted === text ? text : `${text} ${parted}`;
}
