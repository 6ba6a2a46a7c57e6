import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, extname, join, relative, sep } from "node:path";
import { reasonOf } from "@remit/core";
import { z } from "zod";
import { ToolsError } from "../errors.ts";
import { documentsMax, isMeantForTenants, type LibraryDocument, libraryDocument } from "./document.ts";

/** Bytes of one file; what is longer is no document. */
const fileBytesMax = 64 * 1024 * 1024;

/** One line of JSON: `text` or `content`, and what else there is. */
const line = z.looseObject({
  ...libraryDocument.partial().shape,
  content: z.string().optional(),
  path: z.string().min(1).max(1_000).optional(),
});

/** What heads of other systems call the two. A draft is neither. */
const statusWords: ReadonlyMap<string, "current" | "retired"> = new Map([
  ...["current", "published", "active", "approved", "final"].map((word) => [word, "current"] as const),
  ...["retired", "archived", "deprecated", "obsolete", "superseded", "withdrawn"].map(
    (word) => [word, "retired"] as const,
  ),
]);

const head = libraryDocument
  .omit({ text: true, status: true })
  .partial()
  .extend({
    reviewed: z.iso.date().optional(),
    status: z
      .preprocess((said) => statusWords.get(String(said).toLowerCase()) ?? said, z.enum(["current", "retired"]))
      .optional(),
  });

/**
 * Reads a folder of documents: Markdown and text (`.md`, `.txt`, at any depth), and JSON lines (`.jsonl`: `text` or `content`,
 * and `id` or `path`), or one such file, in the order of their paths. A head of a Markdown file (`---`) may say `id`, `title`,
 * `revision`, `reviewed`, `status`, `names` and `tenants` (with commas between, or a dash and a line each). Links out of the folder are not followed.
 * @throws ToolsError `library/none-there`, `library/not-read`
 */
export function readDocuments(path: string): readonly LibraryDocument[] {
  const found: LibraryDocument[] = [];
  for (const file of filesUnder(path, [".md", ".txt", ".jsonl"])) {
    const name = (relative(path, file) || basename(file)).split(sep).join("/");
    const text = textOf(file);
    if (extname(file) === ".jsonl") found.push(...linesOf(text, file, name));
    else found.push(documentOf(text, file, name));
    if (found.length > documentsMax) throw notRead(file, `there are more than ${documentsMax} documents`);
  }
  if (found.length === 0) throw new ToolsError("library/none-there", { path });
  return found;
}

function notRead(file: string, reason: string): ToolsError {
  return new ToolsError("library/not-read", { file, reason });
}

function textOf(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > fileBytesMax) throw notRead(file, `it has ${size} bytes, more than ${fileBytesMax}`);
    return utf8Of(readFileSync(file), file).replace(/\r\n?/g, "\n");
  } catch (thrown) {
    if (ToolsError.is(thrown)) throw thrown;
    throw notRead(file, reasonOf(thrown));
  }
}

/** What is in another encoding, or no text at all, would be read as nonsense and found by nobody. */
function utf8Of(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw notRead(file, "it is no text in UTF-8");
  }
}

function documentOf(whole: string, file: string, name: string): LibraryDocument {
  const front = extname(file) === ".md" ? /^---[ \t]*\n(?:(.*?)\n)??(?:---|\.\.\.)[ \t]*(?:\n|$)/s.exec(whole) : null;
  if (extname(file) === ".md" && !front && /^---[ \t]*\n[A-Za-z_]\w*[ \t]*:/.test(whole))
    throw notRead(file, "its head has no end (`---`)");
  if (!front && headOfOthers.test(whole))
    throw notRead(file, "it begins with what looks like a head that says `tenants`, and none is read there");
  const text = front ? whole.slice(front[0].length) : whole;
  const { reviewed, ...said } = front ? headOf(front[1] ?? "", file) : {};
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return {
    id: name.replace(/\.(?:md|txt)$/, ""),
    title: titleOf(text, name),
    text,
    ...given,
    ...(reviewed === undefined ? {} : { reviewedOn: reviewed }),
  };
}

/**
 * A head in a form that is not read: behind a blank line, indented, between other signs, in a file that has none. Who wrote it
 * meant it to bind.
 */
const headOfOthers =
  /^\s*(?:-{3,}|\+{3}|;{3})[^\S\n]*\n(?:[^\S\n]*(?:["']?[\w-]{1,50}["']?[^\S\n]*[:=].*|-[^\S\n].*|#.*)?\n){0,60}?[^\S\n]*["']?tenants?["']?[^\S\n]*[:=]/i;

/** Lines of the form `key: value`, and lists below their key; what else a head holds is somebody else's. */
function headOf(text: string, file: string): z.output<typeof head> {
  const said: Record<string, unknown> = {};
  const odd = /^(?:[ \t]+|(?=["']))(?:"tenants?"|'tenants?'|tenants?)[ \t]*:|^tenants?[ \t]*=/im.exec(text)?.[0];
  if (odd !== undefined)
    throw notRead(file, `its head says \`${odd.trim()}\`, which should be \`tenants:\` and begin its line`);
  for (const [, key = "", raw = "", below = ""] of text.matchAll(headLine)) {
    if (isMeantForTenants(key)) throw notRead(file, `its head says \`${key}\`, which should be \`tenants\``);
    const value = saidBy(raw);
    if (key === "tenants" && /^(?:\[[^\]]*|[>|][+-]?)$/.test(value))
      throw notRead(
        file,
        "its head says `tenants` and goes on in the next line; a list has one line, or a dash and a line each",
      );
    if (key === "names" || key === "tenants") {
      const listed = [...below.matchAll(/^[ \t]*-[ \t]+(.*)$/gm)].map(([, one = ""]) => saidBy(one));
      const given =
        value === ""
          ? listed
          : value
              .replace(/^\[(.*)\]$/, "$1")
              .split(",")
              .map(saidBy);
      // For nobody in particular is not for everybody.
      if (key === "tenants" && given.length === 0) throw notRead(file, "its head says `tenants` and names none");
      if (given.length > 0) said[key] = given;
    } else if (value !== "") said[key] = key === "revision" ? Number(value) : value;
  }
  const read = head.safeParse(said);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw notRead(file, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

const headLine = /^([A-Za-z_]\w*)[ \t]*:[ \t]*(.*)$((?:\n[ \t]*-[ \t].*|\n[ \t]*(?:#.*)?$)*)/gm;

/** Without a comment behind it and quotes around it. */
function saidBy(raw: string): string {
  const value = raw.trim();
  const quoted = /^(["'])(.*?)\1(?:[ \t]+#.*)?$/.exec(value);
  return quoted ? (quoted[2] ?? "") : value.replace(/(?:^|[ \t]+)#.*$/, "");
}

function linesOf(text: string, file: string, name: string): LibraryDocument[] {
  return text.split("\n").flatMap((raw, index) => {
    if (raw.trim() === "") return [];
    const source = `${file}:${index + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch {
      throw notRead(source, "not JSON");
    }
    const read = line.safeParse(value);
    if (!read.success) {
      const issue = read.error.issues[0];
      throw notRead(source, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
    }
    const misnamed = Object.keys(read.data).find(isMeantForTenants);
    if (misnamed !== undefined) throw notRead(source, `it says \`${misnamed}\`, which should be \`tenants\``);
    const { content, path, id, title, text: own = content, ...more } = read.data;
    if (own === undefined) throw notRead(source, "it has neither `text` nor `content`");
    const said = libraryDocument.partial().parse(more);
    const known = id ?? path?.replace(/\.(?:md|txt)$/, "") ?? `${name.replace(/\.jsonl$/, "")}-${index + 1}`;
    return [{ ...(said as Partial<LibraryDocument>), id: known, title: title ?? titleOf(own, known), text: own }];
  });
}

/** The first heading, else the first line, else the name of the file. */
function titleOf(text: string, name: string): string {
  const heading = /^#{1,6} +(.+)$/m.exec(text)?.[1] ?? /\S.*/.exec(text)?.[0] ?? name;
  return heading.trim().slice(0, 200);
}

/**
 * Files with one of these endings in a folder, at any depth, or the one file that it is, in the order of their paths. Links are
 * not followed: neither those to files nor those to folders.
 * @throws ToolsError `library/none-there` for what is not there, `library/not-read` for a folder that cannot be listed
 */
export function filesUnder(path: string, endings: readonly string[]): readonly string[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch {
    throw new ToolsError("library/none-there", { path });
  }
  if (!isFolder) return [path];
  const found: string[] = [];
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let entries: Dirent[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch (thrown) {
      throw notRead(folder, reasonOf(thrown));
    }
    for (const entry of entries) {
      const file = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(file);
      else if (entry.isFile() && endings.includes(extname(entry.name))) found.push(file);
    }
  }
  return found.sort();
}
