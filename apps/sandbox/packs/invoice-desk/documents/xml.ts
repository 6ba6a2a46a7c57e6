/** How a document's XML is written; what it says is the same in any of them. */
export interface XmlStyle {
  /** Prefixes by ours; an empty one is the default namespace. */
  readonly prefixes?: Readonly<Record<string, string>>;
  /** What stands before each level: two spaces when absent, nothing for one long line. */
  readonly indent?: string;
  /** Comments and processing instructions between the elements. */
  readonly comments?: boolean;
  /** Texts as CDATA sections. */
  readonly cdata?: boolean;
  /** The encoding that the declaration names; UTF-8 when absent. */
  readonly encoding?: string;
  /** What stands between the declaration and the root, such as a document type. */
  readonly prologue?: string;
}

export interface XmlNode {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly content: string | readonly XmlNode[];
}

type Part = XmlNode | readonly XmlNode[] | undefined;

/** An element by a name with our prefix, such as `cbc:ID`. What is absent is left out. */
export function element(name: string, content: string | readonly Part[], attributes?: XmlNode["attributes"]): XmlNode {
  const inside = typeof content === "string" ? content : content.flatMap((part) => part ?? []);
  return { name, content: inside, ...(attributes ? { attributes } : {}) };
}

/** A text element, or nothing where there is no text. */
export function maybe(name: string, text: string | undefined, attributes?: XmlNode["attributes"]): XmlNode | undefined {
  return text === undefined ? undefined : element(name, text, attributes);
}

/** An element around parts, or nothing where none of them is there. */
export function around(name: string, ...parts: readonly Part[]): XmlNode | undefined {
  const made = element(name, parts);
  return made.content.length === 0 ? undefined : made;
}

export function renderXml(root: XmlNode, spaces: Readonly<Record<string, string>>, style: XmlStyle = {}): string {
  const { prefixes = {}, indent = "  ", comments = false, cdata = false, encoding = "UTF-8", prologue = "" } = style;
  const named = (name: string): string => {
    const [ours = "", local = ""] = name.split(":");
    const theirs = prefixes[ours] ?? ours;
    return theirs === "" ? local : `${theirs}:${local}`;
  };
  const lineBreak = indent === "" ? "" : "\n";
  const declared = Object.entries(spaces)
    .map(([ours, space]) => {
      const theirs = prefixes[ours] ?? ours;
      return ` ${theirs === "" ? "xmlns" : `xmlns:${theirs}`}="${space}"`;
    })
    .join("");
  const render = ({ name, attributes = {}, content }: XmlNode, depth: number): string => {
    const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
    const begin = `<${named(name)}${depth === 0 ? declared : ""}${written.join("")}>`;
    const end = `</${named(name)}>`;
    const margin = indent.repeat(depth);
    if (typeof content === "string") {
      const text = cdata && !content.includes("]]>") ? `<![CDATA[${content}]]>` : escaped(content);
      return `${margin}${begin}${text}${end}${lineBreak}`;
    }
    const noise = comments ? `${indent.repeat(depth + 1)}<!-- ${named(name)} --><?page break?>${lineBreak}` : "";
    const inside = content.map((child) => render(child, depth + 1)).join("");
    return `${margin}${begin}${lineBreak}${noise}${inside}${margin}${end}${lineBreak}`;
  };
  return `<?xml version="1.0" encoding="${encoding}"?>\n${prologue}${render(root, 0)}`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
