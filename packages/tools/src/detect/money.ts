import type { Detector } from "@remit/core";
import { luhnDigit } from "@remit/core";
import { countrySpecs, isValidIBAN } from "ibantools";
import { around, digitsOf, judging, letter, ownNumber } from "./context.ts";

/** Numbers of cards and accounts. */

const cardWords =
  /\b(?:card|cards|visa|master ?card|amex|american express|discover|maestro|diners|jcb|credit|debit|cc|ccn|pan|kreditkarte|karte|carte|tarjeta|carta)\b/;
const isCard = new RegExp(cardWords.source.replace("credit|debit|", ""));
/** First digits of the schemes in use, with the lengths that they have. */
const schemes =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:20[0-4]|22[1-9]|2[3-9]\d|[3-6]\d{2}|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d{2}|4[4-9]\d)\d{12}|(?:2131|1800|35\d{3})\d{11}|62\d{14,17}|9792\d{12}|(?:50|5[6-9]|6)\d{10,17})$/;

/**
 * Card numbers: those that pass Luhn's check and begin as cards do; and those that do not pass it and are written in a card's
 * groups, or stand beside the word. A number with one digit wrong is a secret all the same.
 */
export const cardDetector: Detector = judging({
  name: "card",
  class: "card",
  hint: /\d(?:[ \-./_\t\r\n]{0,3}\d){11}/,
  // Between commas stand the fields of a line; what is read off a card's stripe begins with `%B`.
  pattern: new RegExp(`(?<!(?<!%)${letter}|\\d|\\d\\.)\\d(?:[ \\-./_\\t\\r\\n]{0,3}\\d){11,27}(?!\\d|\\.\\d)`, "gu"),
  longest: 90,
  again: "behind",
  judge: (found, { text, start, end }) => {
    const digits = digitsOf(found);
    if (/^(\d)\1+$/.test(digits)) return undefined;
    const passes = luhnDigit(digits.slice(0, -1)) === digits.at(-1);
    if (passes && schemes.test(digits)) return { confidence: 0.9 };
    const part = cardIn(found);
    if (part) return { confidence: 0.9, start: start + part.start, end: start + part.end };
    // Otherwise it is one number, and written as numbers are.
    if (
      digits.length > 19 ||
      /[_\t\r\n]/.test(found) ||
      /\d,$/.test(text.slice(0, start)) ||
      /^,\d|^_/.test(text.slice(end, end + 2))
    )
      return undefined;
    const { before, after } = around(text, start, end, 64, 32);
    const named = cardWords.test(before) || cardWords.test(after);
    const isScheme = schemes.test(digits);
    const groups = found.split(/\D+/).map(({ length }) => length);
    // `credit` and `debit` are said of amounts too.
    if (named && (isCard.test(before) || isCard.test(after) || passes || isScheme)) return { confidence: 0.95 };
    const isGrouped = /^(?:4,4,4,[1-7]|4,6,[45]|4,4,4,4,[1-3])$/.test(groups.join());
    if (ownNumber.test(before)) return undefined;
    if (isGrouped) return { confidence: 0.85 };
    return isScheme && digits.length >= 15 && !/^(?:50|5[6-9]|6)/.test(digits) ? { confidence: 0.4 } : undefined;
  },
});

/** A card with other numbers before or behind it; its expiry, and the code that goes with that, are its own. */
function cardIn(text: string): { readonly start: number; readonly end: number } | undefined {
  const groups = [...text.matchAll(/\d+/g)];
  for (let from = 0; from < groups.length; from++) {
    for (const count of [1, 3, 4]) {
      const some = groups.slice(from, from + count);
      const digits = some.join("");
      const isWritten = count === 1 || /^(?:4,4,4,4|4,6,[45])$/.test(some.map(([one]) => one.length).join());
      if (some.length < count || !isWritten || digits.length < 13 || !schemes.test(digits)) continue;
      if (count === 1 && luhnDigit(digits.slice(0, -1)) !== digits.at(-1)) continue;
      const [first, last] = [some[0] as RegExpExecArray, some.at(-1) as RegExpExecArray];
      const end = last.index + last[0].length;
      const more = /^[ .-]{1,3}(?:0[1-9]|1[0-2])[/-](?:20)?\d\d(?:[ ./-]{1,3}\d{3,4})?(?!\d)/.exec(text.slice(end));
      return { start: first.index, end: end + (more?.[0].length ?? 0) };
    }
  }
  return undefined;
}

const ibanWords = /\b(?:iban|bank|account|acct|konto|compte|cuenta|conto|rekening|transfer|wire|überweisung)\b/;

/** IBANs, by the lengths that their countries have; a wrong check digit makes no other use of one likely. */
export const ibanDetector: Detector = judging({
  name: "iban",
  class: "iban",
  hint: /[a-z]{2}[ -]?\d{2}(?:[ ._\r\n-]{0,2}[a-z0-9]){11}/,
  pattern: new RegExp(
    `(?:(?<=iban_?)|(?<!${letter}|\\p{N}|[\\p{L}\\p{N}]_))[A-Z]{2}[ -]?\\d{2}(?:[ ._\\r\\n-]{0,2}[A-Z0-9]){11,30}`,
    "giu",
  ),
  longest: 95,
  again: "inside",
  judge: (found, { text, start, end }) => {
    const country = found.slice(0, 2).toUpperCase();
    const specs = countrySpecs as { readonly [code: string]: CountrySpec | undefined };
    const spec = specs[country];
    const length = spec?.chars ?? undefined;
    const named = ibanWords.test(around(text, start, end).before);
    const cut = length === undefined ? undefined : upTo(found, length);
    if (cut !== undefined && isEnd(text, start + cut.length)) {
      const compact = cut.replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase();
      if (isValidIBAN(compact)) return { confidence: 1, end: start + cut.length };
      // One digit may be wrong; but `at`, `is` and `no` are words as well, and what follows them is often a number.
      const isWritten = /^[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9])+$/i.test(cut) && fits(spec, compact);
      if ((isWritten || (named && !/^[a-z]{2} /.test(found))) && digitsOf(compact).length >= 10)
        return { confidence: 0.8, end: start + cut.length };
    }
    // A word of two letters with a number behind it, as `account no 123`, is no beginning of one.
    if (!named || /^[a-z]{2} /.test(found)) return undefined;
    // Of a country that is not known, or of another length: as far as it is written as one.
    const [own = ""] =
      /^[A-Z]{2}[ -]?\d{2}(?:[A-Z0-9]{11,30}|(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3}\b)?)/i.exec(found) ?? [];
    return digitsOf(own).length >= 8 ? { confidence: 0.6, end: start + own.length } : undefined;
  },
});

interface CountrySpec {
  readonly chars: number | null;
  readonly bban_regexp?: string | null;
}

/** It has letters and digits where those of its country do. */
function fits(spec: CountrySpec | undefined, compact: string): boolean {
  return spec?.bban_regexp == null || new RegExp(spec.bban_regexp).test(compact.slice(4));
}

/** So many letters and digits from the beginning on, with what is between them. */
function upTo(text: string, count: number): string | undefined {
  let seen = 0;
  for (let index = 0; index < text.length; index++) {
    if (/[A-Za-z0-9]/.test(text[index] as string) && ++seen === count) return text.slice(0, index + 1);
  }
  return undefined;
}

const wordSign = new RegExp(`${letter}|\\p{N}`, "u");

function isEnd(text: string, at: number): boolean {
  return !wordSign.test(text[at] ?? " ");
}
