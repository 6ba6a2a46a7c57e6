import type { Detected, Detector } from "@remit/core";
import { parse } from "smol-toml";
import { z } from "zod";
import { entropyOf } from "./secrets.ts";

/**
 * Rules for secrets in gitleaks' form, given as a file by whoever uses them (https://github.com/gitleaks/gitleaks, its
 * `config/gitleaks.toml`). Their expressions are written for RE2: what JavaScript cannot say is left out, and said.
 */
export interface SecretRules {
  readonly detector: Detector;
  /** The rules that are looked for. */
  readonly loaded: readonly { readonly id: string; readonly pattern: RegExp }[];
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
}

const file = z.object({
  rules: z.array(
    z.object({
      id: z.string(),
      regex: z.string().optional(),
      keywords: z.array(z.string()).optional(),
      entropy: z.number().optional(),
      secretGroup: z.int().optional(),
    }),
  ),
});

/** Longer texts are looked at in pieces of this many characters: these expressions have no bound of their own. */
const pieceChars = 20_000;
const overlapChars = 1_000;

/** @throws the reader's own error for a text that is no such file */
export function secretRules(toml: string): SecretRules {
  const { rules } = file.parse(parse(toml));
  const loaded: {
    readonly id: string;
    readonly pattern: RegExp;
    readonly words: readonly string[];
    readonly least: number;
    readonly group: number;
  }[] = [];
  const skipped: { readonly id: string; readonly reason: string }[] = [];
  for (const { id, regex, keywords = [], entropy = 0, secretGroup = 0 } of rules) {
    if (regex === undefined) {
      skipped.push({ id, reason: "it is about paths alone" });
      continue;
    }
    try {
      const pattern = fromRe2(regex);
      loaded.push({
        id,
        pattern,
        words: keywords.map((word) => word.toLowerCase()),
        least: entropy,
        group: secretGroup,
      });
    } catch (thrown) {
      skipped.push({ id, reason: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  }
  const words = [...new Set(loaded.flatMap((rule) => rule.words))].map((word) =>
    word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&"),
  );
  const isFree = loaded.some((rule) => rule.words.length === 0);
  return {
    loaded: loaded.map(({ id, pattern }) => ({ id, pattern })),
    skipped,
    detector: {
      name: "secret-rules",
      classes: ["secret"],
      hint: isFree || words.length === 0 ? /[\w-]{16}/ : new RegExp(words.join("|")),
      longest: 400,
      detect: (text) => {
        const all: Detected[] = [];
        for (let from = 0; from < text.length; from += pieceChars - overlapChars) {
          const piece = text.slice(from, from + pieceChars);
          const lower = piece.toLowerCase();
          for (const { pattern, words: needed, least, group } of loaded) {
            if (needed.length > 0 && !needed.some((word) => lower.includes(word))) continue;
            for (const match of piece.matchAll(pattern)) {
              const value = (group > 0 ? match[group] : match.slice(1).find((one) => one)) || match[0];
              if (value === "" || entropyOf(value) < least) continue;
              const start = from + match.index + match[0].lastIndexOf(value);
              all.push({ class: "secret", start, end: start + value.length, confidence: 0.9 });
            }
          }
          if (from + pieceChars >= text.length) break;
        }
        return all;
      },
    },
  };
}

/** @throws SyntaxError for what JavaScript has no word for */
export function fromRe2(source: string): RegExp {
  const lead = /^\(\?([ims]+)\)/.exec(source);
  const { text: read, isUnicode } = inJavaScript(
    source.slice(lead?.[0].length ?? 0),
    lead?.[1]?.includes("m") === true,
  );
  let text = read;
  // A flag in the middle holds to the end of its group: as a group of its own it means the same.
  const inMiddle = /\(\?((?:[ims]+(?:-[ims]+)?|-[ims]+))\)/;
  for (let flag = inMiddle.exec(text); flag; flag = inMiddle.exec(text)) {
    const end = closing(text, flag.index);
    text = `${text.slice(0, flag.index)}(?${flag[1]}:${text.slice(flag.index + flag[0].length, end)})${text.slice(end)}`;
  }
  return new RegExp(text, [...new Set(`g${lead?.[1] ?? ""}${isUnicode ? "u" : ""}`)].join(""));
}

/** Classes by name, which JavaScript would read as some letters in brackets. */
const posix: { readonly [name: string]: string | undefined } = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7F",
  blank: "\\t ",
  cntrl: "\\x00-\\x1F\\x7F",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "\\w",
  xdigit: "0-9A-Fa-f",
  "^digit": "\\D",
  "^space": "\\S",
  "^word": "\\W",
};

/** The same expression sign by sign: what JavaScript would take for something else is written as it is meant, or refused. */
function inJavaScript(source: string, isByLine: boolean): { readonly text: string; readonly isUnicode: boolean } {
  let text = "";
  let isUnicode = false;
  let inClass = false;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) at += found[0].length;
    return found;
  };
  while (at < source.length) {
    const literal = take(/\\Q([\s\S]*?)(?:\\E|$)/y);
    if (literal) {
      text += (literal[1] ?? "").replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
      continue;
    }
    const property = take(/\\([pP])(?:\{(\^?)(\w+)\}|(\w))/y);
    if (property) {
      const [, letter = "p", not, long, short] = property;
      const name = short ?? (long !== undefined && long.length > 2 ? `Script=${long}` : long);
      text += `\\${not ? (letter === "p" ? "P" : "p") : letter}{${name}}`;
      isUnicode = true;
      continue;
    }
    const code = take(/\\x\{([0-9a-f]+)\}/iy)?.[1];
    if (code !== undefined) {
      const isLong = Number.parseInt(code, 16) > 0xffff;
      isUnicode ||= isLong;
      text += isLong ? `\\u{${code}}` : `\\u${code.slice(-4).padStart(4, "0")}`;
      continue;
    }
    const escaped = take(/\\([\s\S])/y)?.[1];
    if (escaped !== undefined) {
      text += escapeOf(escaped, inClass, isByLine);
      continue;
    }
    if (inClass) {
      const named = take(/\[:(\^?\w+):\]/y)?.[1];
      if (named !== undefined) {
        const signs = Object.hasOwn(posix, named) ? posix[named] : undefined;
        if (signs === undefined) throw new SyntaxError(`Invalid regular expression: [:${named}:] has no equal here`);
        text += signs;
        continue;
      }
      const sign = source[at++] as string;
      inClass = sign !== "]";
      text += sign === "[" ? "\\[" : sign;
      continue;
    }
    const opened = take(/\[\^?\]?/y)?.[0];
    if (opened !== undefined) {
      inClass = true;
      // The first sign of a class is one of it, whichever it is.
      text += opened.replace("]", "\\]");
      continue;
    }
    text += take(/\(\?P</y) ? "(?<" : source[at++];
  }
  return { text, isUnicode };
}

function escapeOf(sign: string, inClass: boolean, isByLine: boolean): string {
  if (sign === "A" && !inClass) return isByLine ? "(?<![\\s\\S])" : "^";
  if (sign === "z" && !inClass) return isByLine ? "(?![\\s\\S])" : "$";
  if (sign === "a") return "\\x07";
  if (sign === "C") throw new SyntaxError("Invalid regular expression: \\C has no equal here");
  if (/[\w\\^$.*+?()[\]{}|/]/.test(sign) || (sign === "-" && inClass)) return `\\${sign}`;
  return sign;
}

/** Where the group ends in which a place lies. */
function closing(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "[") {
      for (at++; at < text.length && text[at] !== "]"; at++) if (text[at] === "\\") at++;
    } else if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth < 0) return at;
  }
  return text.length;
}
