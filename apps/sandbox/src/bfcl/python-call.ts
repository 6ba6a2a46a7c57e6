import type { Json } from "@remit/core";
import { BfclError } from "./errors.ts";

/**
 * Reads a call as Python writes it, `mv(source='a', destination=["b", 2.5])`, into its name and arguments. Only literals
 * that have a JSON form are taken: texts, numbers, True, False, None, lists, tuples (as lists) and dicts with texts as keys.
 * Nothing is ever evaluated; a name, an operator or another call is an error with its place.
 */
export interface PythonCall {
  readonly name: string;
  readonly positional: readonly Json[];
  readonly named: { readonly [argument: string]: Json };
}

const charsMax = 100_000;
const nestingMax = 64;

/** @throws BfclError `bfcl/call-broken` */
export function readCall(text: string): PythonCall {
  return new Reader(text).call();
}

const escapes: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
/**
 * A number: hexadecimal, octal, binary, with a fraction or an exponent, or whole; `_` between digits alone, and nothing whole
 * begins with a 0 that is not all of it.
 */
const numberForm = (() => {
  const digits = String.raw`\d+(?:_\d+)*`;
  const exponent = `[eE][+-]?${digits}`;
  const forms = [
    "0[xX](?:_?[\\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+",
    String.raw`(?:${digits})?\.${digits}(?:${exponent})?|${digits}\.(?:${exponent})?|${digits}${exponent}`,
    String.raw`0+(?:_0+)*|[1-9]\d*(?:_\d+)*`,
  ];
  return String.raw`[+-]?\s*(?:${forms.join("|")})(?![\w.])`;
})();
const constants: ReadonlyMap<string, Json> = new Map<string, Json>([
  ["True", true],
  ["False", false],
  ["None", null],
]);

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.length > charsMax) throw this.#broken(`it has more than ${charsMax} characters`);
  }

  call(): PythonCall {
    const name = this.#match(/[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/y) ?? this.#fail("a name");
    this.#expect("(");
    const positional: Json[] = [];
    const named = new Map<string, Json>();
    while (!this.#skip(")")) {
      // `=` alone makes a name one of an argument: `==` compares, and is no literal.
      const argument = this.#match(/([A-Za-z_]\w*)\s*=(?!=)/y)?.replace(/\s*=$/, "");
      if (argument === undefined && named.size > 0) throw this.#broken("a positional argument follows a named one");
      if (argument !== undefined && named.has(argument)) throw this.#broken(`${argument} is given twice`);
      const value = this.#value(0);
      if (argument === undefined) positional.push(value);
      else named.set(argument, value);
      if (!this.#skip(",")) {
        this.#expect(")");
        break;
      }
    }
    this.#match(/$/y) ?? this.#fail("the end");
    return { name, positional, named: Object.fromEntries(named) };
  }

  #value(depth: number): Json {
    if (depth > nestingMax) throw this.#broken(`it is nested deeper than ${nestingMax} levels`);
    if (this.#skip("[")) return this.#list("]", depth).values;
    if (this.#skip("(")) {
      const { values, commas } = this.#list(")", depth);
      // Brackets around one value are no tuple.
      return values.length === 1 && commas === 0 ? (values[0] as Json) : values;
    }
    if (this.#skip("{")) return this.#dict(depth);
    const prefix = this.#match(/[rRuU]?(?='|")/y);
    if (prefix !== undefined) return this.#texts(prefix);
    const word = this.#match(/[A-Za-z_]\w*/y);
    if (word === undefined) return this.#number();
    const constant = constants.get(word);
    if (constant === undefined) throw this.#broken(`${word} is no literal`);
    return constant;
  }

  #list(close: string, depth: number): { readonly values: Json[]; readonly commas: number } {
    const values: Json[] = [];
    let commas = 0;
    while (!this.#skip(close)) {
      values.push(this.#value(depth + 1));
      if (this.#skip(",")) commas++;
      else {
        this.#expect(close);
        break;
      }
    }
    return { values, commas };
  }

  #dict(depth: number): Json {
    const members = new Map<string, Json>();
    while (!this.#skip("}")) {
      const key = this.#value(depth + 1);
      if (typeof key !== "string") throw this.#broken("the key of a dict is no text");
      this.#expect(":");
      members.set(key, this.#value(depth + 1));
      if (!this.#skip(",")) {
        this.#expect("}");
        break;
      }
    }
    return Object.fromEntries(members);
  }

  #number(): number {
    const text = this.#match(new RegExp(numberForm, "y"));
    if (text === undefined) return this.#fail("a literal");
    const digits = text.replace(/^[+-]?\s*/, "").replaceAll("_", "");
    const value = (text.startsWith("-") ? -1 : 1) * Number(digits);
    const isWhole = /^0[xX]/.test(digits) || !/[.eE]/.test(digits);
    if (!Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value))) {
      throw this.#broken(`the number ${text} has no exact JSON form`);
    }
    return value === 0 ? 0 : value;
  }

  /** One text, or several that stand side by side and are one. */
  #texts(first: string): string {
    let text = this.#quoted(first);
    for (let prefix = this.#match(/[rRuU]?(?='|")/y); prefix !== undefined; prefix = this.#match(/[rRuU]?(?='|")/y)) {
      text += this.#quoted(prefix);
    }
    return text;
  }

  #quoted(prefix: string): string {
    const raw = /r/i.test(prefix);
    const quote = this.#text.startsWith(`${this.#text[this.#at]}`.repeat(3), this.#at) ? 3 : 1;
    const end = `${this.#text[this.#at]}`.repeat(quote);
    this.#at += quote;
    let made = "";
    while (!this.#text.startsWith(end, this.#at)) {
      const char = this.#text[this.#at];
      if (char === undefined || (char === "\n" && quote === 1)) throw this.#broken("a text has no end");
      this.#at++;
      if (char !== "\\") made += char;
      else if (raw) made += char + (this.#text[this.#at++] ?? "");
      else made += this.#escape();
    }
    this.#at += quote;
    return made;
  }

  #escape(): string {
    const rest = this.#text.slice(this.#at, this.#at + 9);
    const [code, octal, hex] = numericEscape(rest);
    if (code !== undefined) {
      this.#at += code.length;
      const point = octal === undefined ? Number.parseInt(hex ?? "", 16) : Number.parseInt(octal, 8);
      if (point > 0x10_ff_ff) throw this.#broken("an escape is beyond Unicode");
      return String.fromCodePoint(point);
    }
    const [char = ""] = rest;
    if (char === "x" || char === "u" || char === "U" || char === "N")
      throw this.#broken(`the escape \\${char} is not taken`);
    this.#at++;
    // As Python has it: the backslash of an escape that is none stays.
    return escapes[char] ?? `\\${char}`;
  }

  /** What matches here, after white space; nothing is taken where nothing does. */
  #match(pattern: RegExp): string | undefined {
    const space = /\s*/y;
    space.lastIndex = this.#at;
    space.exec(this.#text);
    pattern.lastIndex = space.lastIndex;
    const found = pattern.exec(this.#text);
    if (!found) return undefined;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #skip(token: string): boolean {
    const at = this.#match(/[\s\S]/y);
    if (at === token) return true;
    if (at !== undefined) this.#at--;
    return false;
  }

  #expect(token: string): void {
    if (!this.#skip(token)) this.#fail(`"${token}"`);
  }

  #fail(wanted: string): never {
    throw this.#broken(`${wanted} is expected`);
  }

  #broken(reason: string): BfclError {
    const call = this.#text.length > 300 ? `${this.#text.slice(0, 300)}…` : this.#text;
    return new BfclError("bfcl/call-broken", `the call ${call} cannot be read: at ${this.#at} ${reason}`, {
      data: { call, at: this.#at, reason },
    });
  }
}

/** An escape by number: as a whole, its octal digits, its hexadecimal ones. */
function numericEscape(text: string): readonly (string | undefined)[] {
  const [code, octal, ...hex] = /^(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/.exec(text) ?? [];
  return code === undefined ? [] : [code, octal, hex.find((one) => one !== undefined)];
}
