import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

/**
 * Writes simple PDFs: lines of text at places, and files attached. It knows one font, no pictures and no colours, and is
 * no library: it makes what the desk's cases need, broken and hostile ones among them.
 */
export interface PdfPlan {
  readonly pages: readonly (readonly PdfText[])[];
  readonly attachments?: readonly PdfAttachment[];
  /** A program in JavaScript that is to run when the document is opened. */
  readonly script?: string;
  /** What the tree of pages says that it holds, where that is not what there is. */
  readonly count?: number;
  /** Needs a password to be read. */
  readonly locked?: true;
}

export interface PdfText {
  /** Points from the left and from the upper edge of an A4 page. */
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly size?: number;
}

export interface PdfAttachment {
  readonly name: string;
  readonly content: string | Uint8Array;
}

const page = { width: 595, height: 842 };
const inch = 10;

export function writePdf({ pages, attachments = [], script, count, locked }: PdfPlan): Uint8Array {
  const objects: Buffer[] = [];
  const add = (body: string | Buffer): number =>
    objects.push(typeof body === "string" ? Buffer.from(body, "latin1") : body);
  const stream = (dictionary: string, content: Uint8Array): number => {
    const packed = deflateSync(content);
    const head = `<< ${dictionary} /Filter /FlateDecode /Length ${packed.length} >>\nstream\n`;
    return add(Buffer.concat([Buffer.from(head, "latin1"), packed, Buffer.from("\nendstream")]));
  };
  const [catalog, tree] = [add(""), add("")];
  const letters = lettersIn(pages);
  const differences = letters.slice(128).map((letter) => `/uni${hex(letter.codePointAt(0) ?? 0)}`);
  const encoding = differences.length === 0 ? "" : `/Differences [128 ${differences.join(" ")}]`;
  const font = add(
    `<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding /BaseEncoding /WinAnsiEncoding ${encoding} >> >>`,
  );
  const kids = pages.map((texts) => {
    const content = stream("", drawn(texts, letters));
    return add(
      `<< /Type /Page /Parent ${tree} 0 R /MediaBox [0 0 ${page.width} ${page.height}] /Contents ${content} 0 R /Resources << /Font << /F1 ${font} 0 R >> >> >>`,
    );
  });
  const files = attachments.map(({ name, content }) => {
    const file = stream("/Type /EmbeddedFile /Subtype /text#2Fxml", Buffer.from(content));
    return {
      name,
      spec: add(
        `<< /Type /Filespec /F (${name}) /UF (${name}) /AFRelationship /Alternative /EF << /F ${file} 0 R >> >>`,
      ),
    };
  });
  const named = files.map(({ name, spec }) => `(${name}) ${spec} 0 R`).join(" ");
  const names = files.length === 0 ? "" : `/Names << /EmbeddedFiles << /Names [${named}] >> >>`;
  const opens = script === undefined ? "" : `/OpenAction << /S /JavaScript /JS (${script}) >>`;
  objects[catalog - 1] = Buffer.from(`<< /Type /Catalog /Pages ${tree} 0 R ${names} ${opens} >>`, "latin1");
  const refs = kids.map((kid) => `${kid} 0 R`).join(" ");
  objects[tree - 1] = Buffer.from(`<< /Type /Pages /Kids [${refs}] /Count ${count ?? kids.length} >>`);
  const lock = locked
    ? add(`<< /Filter /Standard /V 1 /R 2 /P -4 /O <${"5a".repeat(32)}> /U <${"a5".repeat(32)}> >>`)
    : undefined;
  return assembled(objects, catalog, lock);
}

/** The objects one after the other, the table of where each begins, and the trailer. */
function assembled(objects: readonly Buffer[], catalog: number, lock: number | undefined): Uint8Array {
  const parts: Buffer[] = [Buffer.from("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "latin1")];
  let at = parts[0]?.length ?? 0;
  const places = objects.map((body, index) => {
    const begins = at;
    const part = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), body, Buffer.from("\nendobj\n")]);
    parts.push(part);
    at += part.length;
    return `${String(begins).padStart(10, "0")} 00000 n \n`;
  });
  const id = createHash("sha256").update(Buffer.concat(parts)).digest("hex").slice(0, 32);
  const locked = lock === undefined ? "" : ` /Encrypt ${lock} 0 R`;
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join("")}`;
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root ${catalog} 0 R /ID [<${id}> <${id}>]${locked} >>\nstartxref\n${at}\n%%EOF\n`;
  return new Uint8Array(Buffer.concat([...parts, Buffer.from(table + trailer)]));
}

/** By code: ASCII, then what else there is, at most half a table of it. */
function lettersIn(pages: PdfPlan["pages"]): readonly string[] {
  const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
  const others = new Set(
    pages
      .flat()
      .flatMap(({ text }) => [...text])
      .filter((letter) => !ascii.includes(letter)),
  );
  if (others.size > 128) throw new RangeError("more letters than a font of one byte has");
  return [...ascii, ...[...others].sort()];
}

function drawn(texts: readonly PdfText[], letters: readonly string[]): Uint8Array {
  const codeOf = new Map(letters.map((letter, code) => [letter, code.toString(16).padStart(2, "0")]));
  const shown = texts.map(({ x, y, text, size = inch }) => {
    const codes = [...text].map((letter) => codeOf.get(letter));
    return `/F1 ${size} Tf 1 0 0 1 ${x} ${page.height - y} Tm <${codes.join("")}> Tj`;
  });
  return Buffer.from(`BT\n${shown.join("\n")}\nET`);
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, "0");
}
