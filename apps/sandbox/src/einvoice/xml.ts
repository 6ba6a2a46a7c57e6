import { SaxesParser } from "saxes";
import { InvoiceError } from "./errors.ts";

/**
 * XML as a tree of elements, for documents from anybody. A document type is refused before it can define anything, so
 * there are no entities but the five of XML itself; namespaces are resolved, so prefixes mean nothing; size, depth and
 * number of elements are bounded.
 */
export interface XmlElement {
  readonly name: string;
  /** Namespace; empty where there is none. */
  readonly space: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, entities and CDATA resolved, without that of its children; outer whitespace is gone. */
  readonly text: string;
  /** Line where it begins, from 1. */
  readonly line: number;
}

export interface XmlLimits {
  readonly bytes: number;
  readonly depth: number;
  readonly elements: number;
}

export const xmlLimits: XmlLimits = { bytes: 20 * 1024 * 1024, depth: 64, elements: 200_000 };

interface Growing {
  readonly name: string;
  readonly space: string;
  readonly attributes: Map<string, string>;
  readonly children: XmlElement[];
  readonly parts: string[];
  readonly line: number;
}

/** @throws InvoiceError `invoice/too-large`, `invoice/encoding`, `invoice/malformed`, `invoice/doctype` */
export function parseXml(source: string | Uint8Array, limits: XmlLimits = xmlLimits): XmlElement {
  const length = typeof source === "string" ? Buffer.byteLength(source) : source.length;
  if (length > limits.bytes) throw new InvoiceError("invoice/too-large", { what: "bytes", limit: limits.bytes });
  const text = typeof source === "string" ? source : decoded(source);
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: Growing[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  const place = () => ({ line: parser.line, column: parser.column });

  parser.on("error", ({ message }) => {
    throw new InvoiceError("invoice/malformed", { ...place(), reason: plainReason(message) });
  });
  parser.on("doctype", () => {
    throw new InvoiceError("invoice/doctype", { line: parser.line });
  });
  // The tag's own beginning, before its attributes move the parser to another line.
  let line = 1;
  parser.on("opentagstart", () => {
    line = parser.line;
  });
  parser.on("opentag", ({ local, uri, attributes }) => {
    elements++;
    if (elements > limits.elements) {
      throw new InvoiceError("invoice/too-large", { what: "elements", limit: limits.elements });
    }
    if (open.length >= limits.depth) {
      throw new InvoiceError("invoice/too-large", { what: "levels", limit: limits.depth });
    }
    const named = Object.values(attributes).filter((one) => one.prefix !== "xmlns" && one.name !== "xmlns");
    open.push({
      name: local,
      space: uri,
      attributes: new Map(named.map((one) => [one.local, one.value])),
      children: [],
      parts: [],
      line,
    });
  });
  const collect = (part: string) => {
    open.at(-1)?.parts.push(part);
  };
  parser.on("text", collect);
  parser.on("cdata", collect);
  parser.on("closetag", () => {
    const closed = open.pop();
    if (!closed) return;
    const { parts, ...rest } = closed;
    const element = { ...rest, text: parts.join("").trim() };
    const parent = open.at(-1);
    if (parent) parent.children.push(element);
    else root = element;
  });
  parser.write(text).close();
  if (!root) throw new InvoiceError("invoice/malformed", { ...place(), reason: "there is no element" });
  return root;
}

/** What the parser says, without its own place and without any text of the document. */
function plainReason(message: string): string {
  const reason = message.replace(/^\d+:\d+: /, "").replace(/\.$/, "");
  const known = /^(unclosed tag|unexpected close tag|unmatched closing tag|undefined entity|unbound namespace prefix)/i;
  const [begins] = known.exec(reason) ?? [];
  if (begins !== undefined) return begins.toLowerCase();
  return /^[a-z ,'-]{1,80}$/i.test(reason) ? reason : "not well-formed";
}

const encodings: Readonly<Record<string, string>> = {
  "utf-8": "utf-8",
  utf8: "utf-8",
  "us-ascii": "utf-8",
  "utf-16": "utf-16le",
  "utf-16le": "utf-16le",
  "utf-16be": "utf-16be",
  "iso-8859-1": "windows-1252",
  "windows-1252": "windows-1252",
};

function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const marked = first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "";
  const declared = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.-]{1,40})["']/.exec(
    Buffer.from(bytes.subarray(0, 300)).toString("latin1").replace(/^ï»¿/, ""),
  )?.[1];
  const asked = (marked || declared || "utf-8").toLowerCase();
  const encoding = encodings[asked];
  if (encoding === undefined) throw new InvoiceError("invoice/encoding", { encoding: asked.slice(0, 40) });
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InvoiceError("invoice/encoding", { encoding: asked }, { cause });
  }
}
