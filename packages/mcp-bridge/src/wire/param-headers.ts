/**
 * Arguments that a server wants to see in the headers of a request too, so that what stands before it can route by them:
 * `x-mcp-header` in the schema of an argument, `Mcp-Param-*` on the wire.
 * https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
 */

export interface HeaderDeclaration {
  /** Names of properties, from the outside in. */
  readonly path: readonly string[];
  readonly header: string;
}

export type HeaderScan =
  | { readonly ok: true; readonly declarations: readonly HeaderDeclaration[] }
  | { readonly ok: false; readonly reason: string };

const keyword = "x-mcp-header";
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const types: readonly unknown[] = ["string", "integer", "boolean"];
/** A schema with more parts is not looked through; it could not be used either. */
const nodesMax = 20_000;

/** Finds the declarations of an input schema. One that breaks a rule makes the whole tool unusable. */
export function scanHeaders(inputSchema: unknown): HeaderScan {
  const declarations: HeaderDeclaration[] = [];
  const names = new Set<string>();
  /** Without `path`: a place that no chain of `properties` leads to. */
  const open: { readonly node: unknown; readonly path: readonly string[] | undefined }[] = [
    { node: inputSchema, path: [] },
  ];
  const wrong = (reason: string): HeaderScan => ({ ok: false, reason: `\`${keyword}\` ${reason}` });
  for (let seen = 0; open.length > 0; seen++) {
    if (seen > nodesMax) return wrong("cannot be looked for in a schema of so many parts");
    const { node, path } = open.pop()!;
    if (typeof node !== "object" || node === null) continue;
    if (Array.isArray(node)) {
      for (const part of node) open.push({ node: part, path: undefined });
      continue;
    }
    const schema = node as { readonly [key: string]: unknown };
    if (Object.hasOwn(schema, keyword)) {
      const header = schema[keyword];
      if (!path || path.length === 0) return wrong("stands where no chain of `properties` leads to");
      if (typeof header !== "string" || !token.test(header)) return wrong("is not the name of a header");
      if (!types.includes(schema.type))
        return wrong(`of "${header}" is at a value that is no string, integer or boolean`);
      if (names.has(header.toLowerCase())) return wrong(`"${header}" is declared twice`);
      names.add(header.toLowerCase());
      declarations.push({ path, header });
    }
    for (const [key, part] of Object.entries(schema)) {
      if (key === "enum" || key === "const" || key === "default" || key === "examples") continue;
      if (key !== "properties" || typeof part !== "object" || part === null || Array.isArray(part)) {
        open.push({ node: part, path: undefined });
        continue;
      }
      for (const [name, property] of Object.entries(part)) open.push({ node: property, path: path && [...path, name] });
    }
  }
  return { ok: true, declarations };
}

/** The headers of one call. An argument that is absent has none. */
export function paramHeaders(declarations: readonly HeaderDeclaration[], input: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, header } of declarations) {
    let value: unknown = input;
    for (const name of path) {
      value =
        typeof value === "object" && value !== null && Object.hasOwn(value, name)
          ? (value as { readonly [key: string]: unknown })[name]
          : undefined;
    }
    const text = textOf(value);
    if (text !== undefined) headers[`Mcp-Param-${header}`] = encoded(text);
  }
  return headers;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  return typeof value === "number" && Number.isSafeInteger(value) ? String(value) : undefined;
}

/** Whatever is not plain text goes as base64 in a frame; so does what only looks like it. */
function encoded(text: string): string {
  const plain = /^[\t\x20-\x7e]+$/.test(text) && text === text.trim() && !/^=\?base64\?.*\?=$/s.test(text);
  return plain ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}
