import { z } from "zod";
import { ToolsError } from "../errors.ts";

/** One document of a library: an article, a runbook, a page of a handbook. Text in it is data, and tells nobody what to do. */
export interface LibraryDocument {
  /** Unique in its library. */
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Other names that it goes by, such as alerts that a runbook is about: they count like the title. */
  readonly names?: readonly string[];
  readonly revision?: number;
  /** `YYYY-MM-DD`: when somebody last looked whether it still holds. */
  readonly reviewedOn?: string;
  /** `retired`: it holds no more, and is found only where that is asked for. */
  readonly status?: "current" | "retired";
  /** Tenants that may read it; all when absent. */
  readonly tenants?: readonly string[];
}

const text = z.string();
export const libraryDocument = z.object({
  id: text.min(1).max(190),
  title: text.max(1_000),
  text: text.max(1_000_000),
  names: z.array(text.max(200)).max(100).readonly().optional(),
  revision: z.int().min(0).optional(),
  reviewedOn: z.iso.date().optional(),
  status: z.enum(["current", "retired"]).optional(),
  tenants: z.array(text).readonly().optional(),
});

/** As it was given, with what else there is of it: `mayRead` may go by that. */
const given = z.looseObject(libraryDocument.shape);

/** A list whose name is written otherwise would bind nobody: the document would be everybody's. */
export function isMeantForTenants(key: string): boolean {
  return key !== "tenants" && /^tenants?$/i.test(key);
}

/** A library is held in memory. */
export const documentsMax = 50_000;
export const libraryCharsMax = 128 * 1024 * 1024;

/** `RB-101@7`: id and revision, or the id alone where there is none. */
export function sourceIdOf({ id, revision }: Pick<LibraryDocument, "id" | "revision">): string {
  return revision === undefined ? id : `${id}@${revision}`;
}

/** @throws ToolsError `library/document-invalid`, `library/too-large` */
export function checkedDocuments(library: string, documents: readonly LibraryDocument[]): readonly LibraryDocument[] {
  const tooLarge = (what: string, found: number, limit: number) =>
    new ToolsError("library/too-large", { library, what, found, limit });
  if (documents.length > documentsMax) throw tooLarge("documents", documents.length, documentsMax);
  const ids = new Set<string>();
  let chars = 0;
  return documents.map((one, index) => {
    const read = given.safeParse(one);
    const invalid = (reason: string) =>
      new ToolsError("library/document-invalid", { library, document: read.data?.id ?? `number ${index + 1}`, reason });
    if (!read.success) {
      const issue = read.error.issues[0];
      throw invalid(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
    }
    const document = wellFormed(read.data as LibraryDocument);
    const misnamed = Object.keys(read.data).find(isMeantForTenants);
    if (misnamed !== undefined) throw invalid(`\`${misnamed}\` should be \`tenants\``);
    for (const id of new Set([document.id, sourceIdOf(document)])) {
      if (ids.has(id)) throw invalid(`another one is called ${id}`);
      ids.add(id);
    }
    chars += document.text.length;
    if (chars > libraryCharsMax) throw tooLarge("characters", chars, libraryCharsMax);
    return document;
  });
}

/** No journal takes half a sign, which is what a text that was cut off elsewhere may end in. */
function wellFormed(document: LibraryDocument): LibraryDocument {
  const { id, title, text } = document;
  if (id.isWellFormed() && title.isWellFormed() && text.isWellFormed()) return document;
  return { ...document, id: id.toWellFormed(), title: title.toWellFormed(), text: text.toWellFormed() };
}
