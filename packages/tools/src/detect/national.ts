import type { Detected, Detector } from "@remit/core";
import { around, digitsOf, judging } from "./context.ts";

/** Numbers that states give to people. */

const dash = "[-\\u2010-\\u2014 .]";

/** Social security numbers of the United States, and taxpayers' numbers of the same form. */
export const usSsnDetector: Detector = judging({
  name: "us-ssn",
  class: "us-ssn",
  hint: /\d{3}[-\u2010-\u2014 .]?\d{2}[-\u2010-\u2014 .]?\d{4}/,
  pattern: new RegExp(
    `(?<![\\p{L}\\d_]|\\d${dash})\\d{3}(?:${dash}?\\d{2}${dash}?)\\d{4}(?![\\p{L}\\d_]|${dash}?\\d)`,
    "gu",
  ),
  longest: 11,
  judge: (found, { text, start, end }) => {
    const named = /\b(?:ssn|ssns|social|soc sec|itin|tin|taxpayer)\b/.test(around(text, start, end, 64).before);
    if (named) return { confidence: 0.95 };
    const digits = digitsOf(found);
    const separators = found.replaceAll(/\d/g, "");
    if (separators.length !== 2 || separators[0] !== separators[1]) return undefined;
    if (/^(?:000|666)|^...00|0000$/.test(digits)) return undefined;
    return { confidence: separators[0] === "." || separators[0] === " " ? 0.65 : 0.85 };
  },
});

interface NumberForm {
  readonly pattern: RegExp;
  readonly isValid: (compact: string) => boolean;
  /** Without one of these words before it, it is taken for another number. */
  readonly word?: RegExp;
}

const forms: readonly NumberForm[] = [
  // United Kingdom: National Insurance number.
  {
    pattern: /\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b/gi,
    isValid: () => true,
  },
  // Spain: DNI and NIE.
  {
    pattern: /\b[XYZ\d]\d{7}-?[A-HJ-NP-TV-Z]\b/gi,
    isValid: (id) => {
      const number = Number(`${"XYZ".includes(id[0] ?? "") ? "XYZ".indexOf(id[0] ?? "") : id[0]}${id.slice(1, 8)}`);
      return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] === id[8];
    },
  },
  // Italy: codice fiscale.
  { pattern: /\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b/gi, isValid: () => true },
  // France: NIR, 97 minus the rest of the number by 97.
  {
    pattern: /\b[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}\b/g,
    isValid: (id) => {
      const body = id.slice(0, 13).replace("2A", "19").replace("2B", "18");
      return 97n - (BigInt(body) % 97n) === BigInt(id.slice(13));
    },
  },
  // Switzerland: AHV number, check digit of an EAN-13.
  {
    pattern: /\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b/g,
    isValid: (id) => {
      const sum = [...id.slice(0, 12)].reduce(
        (total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3),
        0,
      );
      return (10 - (sum % 10)) % 10 === Number(id[12]);
    },
  },
  // Brazil: CPF.
  {
    pattern: /\b\d{3}\.?\d{3}\.?\d{3}-\d{2}\b/g,
    isValid: (id) =>
      [9, 10].every((count) => {
        const sum = [...id.slice(0, count)].reduce((total, digit, at) => total + Number(digit) * (count + 1 - at), 0);
        return ((sum * 10) % 11) % 10 === Number(id[count]);
      }),
  },
  // Germany: tax identification number, ISO 7064 MOD 11,10.
  {
    pattern: /\b[1-9]\d ?\d{3} ?\d{3} ?\d{3}\b/g,
    word: /steuer|tax|idnr|tin\b/,
    isValid: (id) => {
      let product = 10;
      for (const digit of id.slice(0, 10)) {
        const sum = (Number(digit) + product) % 10 || 10;
        product = (sum * 2) % 11;
      }
      return (11 - product) % 10 === Number(id[10]);
    },
  },
  // Netherlands: BSN, the eleven test.
  {
    pattern: /\b\d{4}\.?\d{2}\.?\d{3}\b/g,
    word: /bsn|burgerservice|sofi/,
    isValid: (id) => [...id].reduce((sum, digit, at) => sum + Number(digit) * (at === 8 ? -1 : 9 - at), 0) % 11 === 0,
  },
  // Passports and driving licences: no check anywhere, so only where they are called so.
  {
    pattern: /\b(?=[A-Z\d-]*\d{4})[A-Z\d][A-Z\d-]{5,18}[A-Z\d]\b/gi,
    word: /(?:passport|driver'?s? licen[cs]e|driving licen[cs]e|licen[cs]e number|national id|identity card|personalausweis|reisepass)[^.\n]{0,24}$/,
    isValid: () => true,
  },
];

/** National numbers by form and check digits; by the word beside them where they have no check of their own. */
export const nationalIdDetector: Detector = {
  name: "national-id",
  classes: ["national-id"],
  hint: /\d(?:\d(?:\d{3}|\d\d\.\d| \d\d \d|(?<=[a-z]{6}\d\d)|(?<=[a-z]{2} ?\d\d) ?\d\d ?\d\d)|[ .]\d{3})|licen[cs]e|passport|national id|identity card|ausweis|reisepass/,
  longest: 24,
  detect: (text) => {
    const all: Detected[] = [];
    for (const { pattern, isValid, word } of forms) {
      for (const { 0: found, index: start } of text.matchAll(pattern)) {
        const end = start + found.length;
        if (word && !word.test(around(text, start, end).before)) continue;
        if (!isValid(found.replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase())) continue;
        all.push({ class: "national-id", start, end, confidence: word ? 0.7 : 0.8 });
      }
    }
    return all;
  },
};
