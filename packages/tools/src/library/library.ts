import { type Clock, defineTool, OrchestrationError, type Tool, type ToolContext, ToolRefusal } from "@remit/core";
import { z } from "zod";
import { ToolsError } from "../errors.ts";
import { checkedDocuments, type LibraryDocument, sourceIdOf } from "./document.ts";
import { type Passage, passagesOf, wholeTo } from "./passage.ts";
import { createRanking, type Ranking } from "./ranking.ts";
import { englishStopWords, termsOf } from "./words.ts";

/**
 * A library: documents in, two governed tools out, one that finds and one that reads. What they answer is evidence: each
 * passage with the id of its source, its revision, and whether it may be gone by.
 */

/** `outdated`: nobody has looked at it for too long. */
export type Standing = "current" | "outdated" | "retired";

/** Who reads: what a tool knows of its caller. */
export type Reader = Pick<ToolContext, "tenant" | "attributes" | "principal" | "agent">;

export interface LibraryOptions<Name extends string> {
  /** In the names of its tools (`search_handbook`), and its name as a retrieval source, of which grants and policies speak. */
  readonly name: Name;
  /** What there is to find, for models: "Policies and procedures of the bank." */
  readonly description?: string;
  readonly documents: readonly LibraryDocument[];
  /** Whether somebody may read a document, as it was given, beside its `tenants`. Pure; what it throws is a no. */
  readonly mayRead?: (document: LibraryDocument, reader: Reader) => boolean;
  /** Days after its last review for which a document may be gone by; for ever when absent. */
  readonly freshForDays?: number;
  /** Asked for the day, where `freshForDays` is set. */
  readonly clock?: Pick<Clock, "now">;
  /** Origin labels of what it says; none when absent: the operator's own word. */
  readonly labels?: readonly string[];
  /** Words that are not looked for; those of English when absent. */
  readonly stopWords?: readonly string[];
  /** Raise it when the documents are others (D4). */
  readonly version?: string;
}

/** What of a library is wanted. */
export interface Wanted {
  /** 1 to 100; 5 when absent. */
  readonly most?: number;
  /** Also what is outdated or retired. */
  readonly outdated?: boolean;
  /** `YYYY-MM-DD`: only what was reviewed then or later. */
  readonly reviewedSince?: string;
  /** Only what this reader may read; everything when absent. */
  readonly reader?: Reader;
}

const hit = z.object({
  sourceId: z.string(),
  documentId: z.string(),
  title: z.string(),
  /** The heading that the passage stands under. */
  section: z.string(),
  /** The passage of the document that fits best. */
  text: z.string(),
  /** Where it begins: `from` of the tool that reads. */
  from: z.int(),
  /** How well it fits; to be compared within one answer alone. */
  score: z.number(),
  standing: z.enum(["current", "outdated", "retired"]),
  revision: z.int().optional(),
  reviewedOn: z.string().optional(),
});
/** One document that fits a query, with the passage of it that fits best. */
export type Hit = z.output<typeof hit>;

const searchInput = z.strictObject({
  query: z.string().min(1).max(8_000).describe("What is looked for: words of the matter, names, or a sentence"),
  most: z.int().min(1).max(20).default(5),
  outdated: z.boolean().default(false).describe("Also what may not be gone by any more"),
  reviewedSince: z.iso.date().optional().describe("Only what was reviewed on this day or later"),
});
const searchOutput = z.object({ hits: z.array(hit) });

const readInput = z.strictObject({
  id: z.string().min(1).max(200).describe("Id of a source or of a document, as the search gives it"),
  from: z.int().min(0).default(0).describe("Character to read on from"),
});
const readOutput = hit.omit({ section: true, score: true }).extend({
  /** Characters of the whole document. */
  chars: z.int(),
  /** `from` of the rest; absent where this was all. */
  next: z.int().optional(),
});

/** Characters of a document that are read at once: a passage of evidence holds no more. */
export const readCharsMax = 20_000;

export interface Library<Name extends string = string> {
  readonly name: Name;
  readonly documents: readonly LibraryDocument[];
  /** The tool `search_<name>`. */
  readonly search: Tool<`search_${Name}`, typeof searchInput, typeof searchOutput, "read">;
  /** The tool `read_<name>`. */
  readonly read: Tool<`read_${Name}`, typeof readInput, typeof readOutput, "read">;
  /** The same search, outside of a run: one hit a document, best first. */
  readonly find: (query: string, wanted?: Wanted) => readonly Hit[];
  /** By id, with or without its revision. */
  readonly get: (id: string) => LibraryDocument | undefined;
  readonly standingOf: (document: Pick<LibraryDocument, "status" | "reviewedOn">) => Standing;
  /** Lets the index go; it is made again by the next search. */
  readonly close: () => void;
  /** `close`, for `using library = …`. */
  readonly [Symbol.dispose]: () => void;
}

const known: { readonly [Name in keyof Required<LibraryOptions<string>>]: true } = {
  ...{ name: true, description: true, documents: true, mayRead: true, freshForDays: true, clock: true, labels: true },
  ...{ stopWords: true, version: true },
};

/** A misspelt `mayRead` would keep nobody out. */
function assertKnown(options: Partial<LibraryOptions<string>> | undefined): void {
  if (!Array.isArray(options?.documents)) {
    const wants = "a list of documents, such as `readDocuments` gives it,";
    const value = options?.documents === undefined ? "nothing" : `a ${typeof options.documents}`;
    throw new OrchestrationError("options/invalid", { where: "a library", member: "documents", wants, value });
  }
  for (const [member, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, member)) continue;
    throw new OrchestrationError("options/unknown", { where: "a library", member, known: Object.keys(known) });
  }
}

/**
 * Opens a library. Its index is made in memory by the first search.
 * @throws ToolsError `library/document-invalid`, `library/too-large`, `library/clock-missing`; OrchestrationError `options/unknown`, `options/invalid`
 */
export function openLibrary<const Name extends string>(options: LibraryOptions<Name>): Library<Name> {
  assertKnown(options);
  const { name, mayRead, freshForDays, clock, labels = [], version = "0" } = options;
  const about = options.description ?? `The documents of ${name}.`;
  const documents = checkedDocuments(name, options.documents);
  if (freshForDays !== undefined && clock === undefined)
    throw new ToolsError("library/clock-missing", { library: name });
  const stopWords = new Set(options.stopWords ?? englishStopWords);
  const byId = new Map(documents.flatMap((one) => [[sourceIdOf(one), one] as const, [one.id, one] as const]));
  let index:
    | { readonly passages: readonly (Passage & { readonly of: LibraryDocument })[]; ranking: Ranking }
    | undefined;

  const standingOf: Library["standingOf"] = ({ status, reviewedOn }) => {
    if (status === "retired") return "retired";
    if (freshForDays === undefined || reviewedOn === undefined || clock === undefined) return "current";
    return daysBetween(reviewedOn, clock.now()) > freshForDays ? "outdated" : "current";
  };
  const isFor = (document: LibraryDocument, reader: Reader | undefined): boolean => {
    if (reader === undefined) return true;
    if (document.tenants !== undefined && !document.tenants.includes(reader.tenant)) return false;
    try {
      return mayRead === undefined || mayRead(document, reader) === true;
    } catch {
      return false; // Who cannot be told apart from a stranger is one.
    }
  };
  const find: Library["find"] = (query, { most = 5, outdated = false, reviewedSince, reader } = {}) => {
    const terms = termsOf(query, stopWords);
    if (terms.length === 0) return [];
    index ??= indexOf(documents);
    const scored = [...index.ranking.scores(terms)].sort(([one, left], [other, right]) => right - left || one - other);
    const seen = new Set<LibraryDocument>();
    const hits: Hit[] = [];
    for (const [place, score] of scored) {
      const passage = index.passages[place];
      if (passage === undefined || seen.has(passage.of)) continue;
      const { of: document } = passage;
      seen.add(document);
      if (!isFor(document, reader)) continue;
      const standing = standingOf(document);
      if (!outdated && standing !== "current") continue;
      if (reviewedSince !== undefined && (document.reviewedOn ?? "") < reviewedSince) continue;
      const { section, text, from } = passage;
      hits.push({ ...factsOf(document, standing), section, text, from, score: Math.round(score * 1_000) / 1_000 });
      if (hits.length >= Math.min(Math.max(1, most), 100)) break;
    }
    return hits;
  };

  const common = { effect: "read", source: name, labels, version, timeoutMs: 10_000 } as const;
  const search = defineTool({
    ...common,
    name: `search_${name}`,
    description: `Finds documents by words, best first, each with the passage that fits best and the id of its source. ${about}`,
    input: searchInput,
    output: searchOutput,
    execute: ({ query, most, outdated, reviewedSince }, reader) => ({
      hits: [...find(query, { most, outdated, ...(reviewedSince === undefined ? {} : { reviewedSince }), reader })],
    }),
  });
  const read = defineTool({
    ...common,
    name: `read_${name}`,
    description: `Reads a document whole, ${readCharsMax} characters at a time. ${about}`,
    input: readInput,
    output: readOutput,
    execute: ({ id, from: wanted }, reader) => {
      const document = byId.get(id);
      // The same answer for what is not there and for what is not for this reader.
      if (document === undefined || !isFor(document, reader)) throw new ToolRefusal(`there is no document ${id}`);
      const chars = document.text.length;
      if (wanted > chars) throw new ToolRefusal(`${id} has ${chars} characters`);
      const from = wanted < chars ? wholeTo(document.text, wanted) : chars;
      const next = from + readCharsMax < chars ? wholeTo(document.text, from + readCharsMax) : chars;
      const text = document.text.slice(from, next);
      return { ...factsOf(document, standingOf(document)), text, from, chars, ...(next < chars ? { next } : {}) };
    },
  });
  return {
    ...{ name, documents, search, read, find, standingOf },
    get: (id) => byId.get(id),
    close: () => {
      index?.ranking.close();
      index = undefined;
    },
    [Symbol.dispose]() {
      this.close();
    },
  };
}

function indexOf(documents: readonly LibraryDocument[]) {
  const passages = documents.flatMap((of) => {
    const parts = passagesOf(of.text);
    // What has a title and no text is found by its title.
    return (parts.length > 0 ? parts : [{ from: 0, text: "", section: "" }]).map((part) => ({ ...part, of }));
  });
  const ranking = createRanking(
    passages.map(({ of: { id, title, names = [] }, text }) => ({ title: [id, title, ...names].join(" \n "), text })),
  );
  return { passages, ranking };
}

function factsOf(document: LibraryDocument, standing: Standing) {
  const { id, title, revision, reviewedOn } = document;
  return {
    ...{ sourceId: sourceIdOf(document), documentId: id, title, standing },
    ...(revision === undefined ? {} : { revision }),
    ...(reviewedOn === undefined ? {} : { reviewedOn }),
  };
}

const dayMs = 24 * 60 * 60 * 1_000;

function daysBetween(day: string, now: number): number {
  return Math.floor(now / dayMs) - Math.floor(Date.parse(day) / dayMs);
}
