import { DatabaseSync } from "node:sqlite";
import { plain, type QueryTerm, separated, spaced } from "./words.ts";

/**
 * Ranks passages by BM25, with SQLite's full-text index (FTS5) in memory. Each word of a query, and each pair of neighbours, is
 * asked for by itself, and what they say of a passage is added up: that is the same sum, it can weigh what a query says several
 * times, and a query of a thousand words costs no more than its words.
 */
export interface Ranking {
  /** Scores of all passages that say any of it, by their place in the list. */
  readonly scores: (terms: readonly QueryTerm[]) => ReadonlyMap<number, number>;
  readonly close: () => void;
}

export interface RankedText {
  /** Title of the document and names that it goes by; their words count more than those of the text. */
  readonly title: string;
  readonly text: string;
}

const titleWeight = 5;
/** A word that a query says again and again counts at most this many times more. */
const timesMost = 8;

export function createRanking(texts: readonly RankedText[]): Ranking {
  const database = new DatabaseSync(":memory:");
  database.exec(
    "CREATE VIRTUAL TABLE found USING fts5(title, body, content='', tokenize='porter unicode61 remove_diacritics 2'); BEGIN",
  );
  const insert = database.prepare("INSERT INTO found (rowid, title, body) VALUES (?, ?, ?)");
  for (const [index, { title, text }] of texts.entries())
    insert.run(index + 1, plain(spaced(title)), plain(separated(text)));
  database.exec("COMMIT");
  const find = database.prepare(
    `SELECT rowid AS id, -bm25(found, ${titleWeight}, 1) AS score FROM found WHERE found MATCH ?`,
  );
  return {
    scores: (terms) => {
      const sums = new Map<number, number>();
      for (const { words, times } of terms) {
        const weight = (times * (timesMost + 1)) / (times + timesMost);
        // Words are letters and digits alone, so nothing in them is an operator of the query language.
        for (const row of find.iterate(`"${words}"`)) {
          const { id, score } = row as unknown as { readonly id: number; readonly score: number };
          sums.set(id - 1, (sums.get(id - 1) ?? 0) + weight * score);
        }
      }
      return sums;
    },
    close: () => database.close(),
  };
}
