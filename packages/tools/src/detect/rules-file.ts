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
  let flags = "g";
  let text = source;
  const lead = /^\(\?([ims]+)\)/.exec(text);
  if (lead) {
    flags += lead[1];
    text = text.slice(lead[0].length);
  }
  // A flag in the middle holds to the end of its group: as a group of its own it means the same.
  for (let flag = /\(\?([ims]+)\)/.exec(text); flag; flag = /\(\?([ims]+)\)/.exec(text)) {
    const end = closing(text, flag.index);
    text = `${text.slice(0, flag.index)}(?${flag[1]}:${text.slice(flag.index + flag[0].length, end)})${text.slice(end)}`;
  }
  text = text
    .replaceAll("\\z", "$")
    .replaceAll("\\A", "^")
    .replaceAll("(?P<", "(?<")
    .replaceAll("[[:alnum:]]", "[A-Za-z0-9]")
    .replaceAll("[:alnum:]", "A-Za-z0-9")
    .replaceAll("[:alpha:]", "A-Za-z")
    .replaceAll("[:digit:]", "0-9")
    .replaceAll(/\\x\{([0-9a-f]+)\}/gi, (_, code: string) => `\\u${code.padStart(4, "0")}`);
  return new RegExp(text, [...new Set(flags)].join(""));
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
