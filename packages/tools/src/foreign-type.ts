import { escapePointer, type Json, type JsonSchema } from "@remit/core";

/**
 * Names of types as languages write them, and what they are in JSON Schema: `dict`, `List[int]`, `Optional[str]`,
 * `str | None`, `Tuple[float, float]`, `HashMap`, `string[]`. A small grammar, read by hand; whatever is not in it is no
 * type, and nothing is guessed.
 */
export interface ReadType {
  readonly schema: JsonSchema;
  /** The text says that the argument may be left out: `str, optional`. */
  readonly optional: boolean;
}

const byName: ReadonlyMap<string, JsonSchema> = new Map(
  Object.entries({
    string: "string str char",
    integer: "integer int long short byte bigint",
    number: "number float double",
    boolean: "boolean bool",
    array: "array list tuple sequence iterable arraylist queue stack set frozenset",
    object: "object dict map mapping hashmap hashtable record",
    null: "null none nonetype",
  }).flatMap(([type, names]) => names.split(" ").map((name): [string, JsonSchema] => [name, { type }])),
);
const jsonTypes = ["array", "boolean", "integer", "null", "number", "object", "string"];

const textMax = 500;
const nestingMax = 16;

/** True for the name of a type of JSON Schema itself. */
export function isJsonType(text: string): boolean {
  return jsonTypes.includes(text);
}

/** What a type is that some language writes so; nothing where the text is none. */
export function readType(text: string): ReadType | undefined {
  if (text.length > textMax) return undefined;
  const [, bare = text, word] = /^(.*?)\s*,\s*(optional|required)\s*$/i.exec(text) ?? [];
  const tokens = tokensOf(bare);
  if (!tokens) return undefined;
  const reader = new TypeReader(tokens);
  const schema = reader.union(0);
  return schema && reader.isDone() ? { schema, optional: word?.toLowerCase() === "optional" } : undefined;
}

/** The first `type` of a document that is one of these and none of JSON Schema's; nothing where there is none. */
export function foreignTypeIn(
  document: Json,
  pointer = "",
): { readonly pointer: string; readonly type: string } | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  for (const [key, value] of Object.entries(document)) {
    const at = `${pointer}/${escapePointer(key)}`;
    const isForeign =
      key === "type" && typeof value === "string" && !isJsonType(value) && readType(value) !== undefined;
    const found = isForeign ? { pointer: at, type: value } : foreignTypeIn(value as Json, at);
    if (found) return found;
  }
  return undefined;
}

function tokensOf(text: string): readonly string[] | undefined {
  const tokens: string[] = [];
  const token = /\s*([A-Za-z_][\w.]*|-?\d+(?:\.\d+)?|\.\.\.|"[^"\\]*"|'[^'\\]*'|[[\]<>,|])\s*/y;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const found = token.exec(text);
    if (!found?.[1] || token.lastIndex === at) return undefined;
    tokens.push(found[1]);
  }
  return tokens.length === 0 ? undefined : tokens;
}

/** Reads one text of tokens; every method gives nothing where the text does not go on as it should. */
class TypeReader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  isDone(): boolean {
    return this.#at === this.#tokens.length;
  }

  union(depth: number): JsonSchema | undefined {
    const members: JsonSchema[] = [];
    do {
      const member = this.#member(depth);
      if (!member) return undefined;
      members.push(member);
    } while (this.#skip("|"));
    return anyOf(members);
  }

  #member(depth: number): JsonSchema | undefined {
    const word = this.#tokens[this.#at++];
    if (depth > nestingMax || word === undefined || !/^[A-Za-z_]/.test(word)) return undefined;
    const name = word.toLowerCase().replace(/^(?:typing|builtins|collections\.abc|java\.util|java\.lang)\./, "");
    let schema = this.#opens() ? this.#generic(name, depth) : plain(name);
    // `string[]`: what is in the brackets of a list comes before them.
    while (schema && this.#tokens[this.#at] === "[" && this.#tokens[this.#at + 1] === "]") {
      this.#at += 2;
      schema = { type: "array", items: schema };
    }
    return schema;
  }

  #opens(): boolean {
    const next = this.#tokens[this.#at];
    return next === "<" || (next === "[" && this.#tokens[this.#at + 1] !== "]");
  }

  #generic(name: string, depth: number): JsonSchema | undefined {
    const close = this.#tokens[this.#at++] === "<" ? ">" : "]";
    if (name === "literal") return this.#literals(close);
    const args: JsonSchema[] = [];
    let open = false;
    do {
      if (this.#skip("...")) open = true;
      else {
        const one = open ? undefined : (this.#anything(name) ?? this.union(depth + 1));
        if (!one) return undefined;
        args.push(one);
      }
    } while (this.#skip(","));
    return this.#skip(close) ? genericOf(name, args, open) : undefined;
  }

  /** In `Map<String, Object>` and `List<Object>` Java's `Object` is anything; alone, and in JavaScript's `Array`, an object. */
  #anything(owner: string): JsonSchema | undefined {
    const isObject = /^(?:java\.lang\.)?Object$/.test(this.#tokens[this.#at] ?? "");
    if (owner === "array" || !isObject || !/^[,>\]]$/.test(this.#tokens[this.#at + 1] ?? "")) return undefined;
    this.#at++;
    return {};
  }

  #literals(close: string): JsonSchema | undefined {
    const values: Json[] = [];
    do {
      const text = this.#tokens[this.#at++] ?? "";
      if (/^["']/.test(text)) values.push(text.slice(1, -1));
      else if (/^-?\d/.test(text)) values.push(Number(text));
      else if (/^(true|false)$/i.test(text)) values.push(text.toLowerCase() === "true");
      else if (text === "None") values.push(null);
      else return undefined;
    } while (this.#skip(","));
    return this.#skip(close) ? { enum: values } : undefined;
  }

  #skip(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }
}

function plain(name: string): JsonSchema | undefined {
  if (name === "any") return {};
  const schema = byName.get(name);
  return schema && (isSet(name) ? { ...schema, uniqueItems: true } : { ...schema });
}

const isSet = (name: string) => name === "set" || name === "frozenset";

function genericOf(name: string, args: readonly JsonSchema[], open: boolean): JsonSchema | undefined {
  const [first, second] = args;
  if (name === "union") return open ? undefined : anyOf(args);
  if (first === undefined || (open && name !== "tuple")) return undefined;
  if (name === "optional") return args.length === 1 ? anyOf([first, { type: "null" }]) : undefined;
  if (name === "tuple") {
    if (open) return args.length === 1 ? { type: "array", items: first } : undefined;
    return { type: "array", prefixItems: [...args], items: false, minItems: args.length };
  }
  const base = plain(name);
  if (base?.type === "array") return args.length === 1 ? { ...base, items: first } : undefined;
  // The keys of a JSON object are texts, whatever the language has them be.
  if (base?.type === "object" && second)
    return args.length === 2 ? { ...base, additionalProperties: second } : undefined;
  return undefined;
}

function anyOf(members: readonly JsonSchema[]): JsonSchema {
  const [first] = members;
  if (members.length === 1 && first) return first;
  // What may be anything may be anything.
  if (members.some((member) => Object.keys(member).length === 0)) return {};
  return members.every((member) => typeof member.type === "string" && Object.keys(member).length === 1)
    ? { type: [...new Set(members.map(({ type }) => type as string))] }
    : { anyOf: [...members] };
}
