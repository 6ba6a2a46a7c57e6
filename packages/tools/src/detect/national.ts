import { type Detected, type Detector, folded, luhnDigit } from "@remit/core";
import { around, digitsOf, judging, letter } from "./context.ts";

/** Numbers that states give to people. */

const dash = "[- .]";

/** Social security numbers of the United States, and taxpayers' numbers of the same form. */
export const usSsnDetector: Detector = judging({
  name: "us-ssn",
  class: "us-ssn",
  hint: /\d{3}[- .]?\d{2}[- .]?\d{4}/,
  pattern: new RegExp(
    `(?<!${letter}|\\d|[\\p{L}\\d]_(?<!ssn_)|\\d${dash})\\d{3}(?:${dash}?\\d{2}${dash}?)\\d{4}(?!${letter}|\\d|_[\\p{L}\\d]|${dash}?\\d)`,
    "giu",
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
  /** The same for one that is all digits, while its separators or letters would say enough. */
  readonly wordOfBare?: RegExp;
  /** It has six digits in a row, which most texts have not. */
  readonly hasSix?: true;
}

/** A day as numbers of people begin with one: month and day, or day and month. */
const isDay = (month: string, day: string) =>
  Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31;

const passesLuhn = (digits: string) => luhnDigit(digits.slice(0, -1)) === digits.at(-1);

/** The sum of digits, each by its weight; weights begin anew where there are fewer of them. */
const weighted = (digits: string, weights: readonly number[]) =>
  [...digits].reduce((sum, digit, at) => sum + Number(digit) * (weights[at % weights.length] ?? 0), 0);

const forms: readonly NumberForm[] = [
  // United Kingdom: National Insurance number.
  {
    pattern:
      /\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D]\b/gi,
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
    pattern: /\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b/g,
    wordOfBare: /\bcpf\b/,
    isValid: (id) =>
      !/^(\d)\1+$/.test(id) &&
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
  // Belgium: national register number, 97 minus the rest of the number by 97; of those born later with a 2 before it.
  {
    pattern: /\b\d{2}[.]?\d{2}[.]?\d{2}[- ]?\d{3}[. ]?\d{2}\b/g,
    wordOfBare: /rijksregister|registre national|national register|\b(?:nrn|insz|niss)\b/,
    isValid: (id) => ["", "2"].some((before) => 97 - (Number(before + id.slice(0, 9)) % 97) === Number(id.slice(9))),
  },
  // Poland: PESEL.
  {
    pattern: /\b\d{11}\b/g,
    word: /\bpesel\b/,
    isValid: () => true,
  },
  // Finland: personal identity code.
  {
    hasSix: true,
    pattern: /\b\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b/gi,
    isValid: (id) => {
      const digits = `${id.slice(0, 6)}${id.slice(-4, -1)}`;
      return (
        isDay(id.slice(2, 4), id.slice(0, 2)) && "0123456789ABCDEFHJKLMNPRSTUVWXY"[Number(digits) % 31] === id.at(-1)
      );
    },
  },
  // Sweden: personal identity number, Luhn's check over its ten digits.
  {
    hasSix: true,
    pattern: /\b(?:19|20)?\d{6}[-+]\d{4}\b/g,
    isValid: (id) => isDay(id.slice(-8, -6), id.slice(-6, -4)) && passesLuhn(id.slice(-10)),
  },
  // Denmark and Norway: numbers that begin with the day of birth, where they are called so.
  {
    pattern: /\b\d{6}[- ]?\d{4,5}\b/g,
    word: /\bcpr\b|personnummer|f[øo]dselsn|\bfnr\b/,
    isValid: () => true,
  },
  // The Czech Republic and Slovakia: birth number, divided by eleven; of women with 50 more in the month.
  {
    hasSix: true,
    pattern: /\b\d{6}\/\d{4}\b/g,
    isValid: (id) => isDay(String(Number(id.slice(2, 4)) % 50), id.slice(4, 6)) && Number(id) % 11 === 0,
  },
  { pattern: /\b\d{6}\/?\d{3,4}\b/g, word: /rodn[ée]|(?<!\p{L})r[čc]\b/u, isValid: () => true },
  // Germany: pension insurance number, with the day of birth and a letter of the name.
  {
    pattern: /\b\d{2} ?\d{6} ?[A-Z] ?\d{3}\b/gi,
    isValid: (id) => isDay(id.slice(4, 6), String(Number(id.slice(2, 4)) % 50)),
  },
  // Romania, Turkey, Poland's neighbours: bare digits, where they are called so.
  { pattern: /\b[1-9]\d{10,12}\b/g, word: /\bcnp\b|cod numeric|kimlik|\btckn\b/, isValid: () => true },
  // South Africa: identity number with the day of birth and Luhn's check.
  {
    pattern: /\b\d{13}\b/g,
    word: /\bid\b|identity|identiteit/,
    isValid: (id) => isDay(id.slice(2, 4), id.slice(4, 6)) && /^\d{10}[01]/.test(id) && passesLuhn(id),
  },
  // India: Aadhaar, and the permanent account number.
  { pattern: /\b[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}\b/g, word: /aadhaa?r|\buid\b|आधार/, isValid: () => true },
  {
    pattern: /\b[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]\b/gi,
    word: /\bpan\b|permanent account|income tax/,
    isValid: () => true,
  },
  // Canada: social insurance number. Australia: tax file number. United Kingdom: NHS number. Where they are called so.
  {
    pattern: /\b\d{3}[ -]?\d{3}[ -]?\d{3,4}\b/g,
    word: /\b(?:sin|tfn|nhs)\b|social insurance|tax file|assurance sociale/,
    isValid: () => true,
  },
  // Medicare: of Australia, and of the United States.
  { pattern: /\b[2-6]\d{3} ?\d{5} ?\d(?:[ /-]?\d)?\b/g, word: /medicare/, isValid: () => true },
  {
    pattern:
      /\b[1-9][AC-HJKMNP-RT-Y][\dAC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][\dAC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b/gi,
    isValid: () => true,
  },
  // South Korea: resident registration number, with the day of birth.
  { hasSix: true, pattern: /\b\d{6}-[1-8]\d{6}\b/g, isValid: (id) => isDay(id.slice(2, 4), id.slice(4, 6)) },
  // China: identity number with the day of birth, ISO 7064 MOD 11-2.
  {
    hasSix: true,
    pattern: /\b[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]\b/gi,
    isValid: (id) =>
      "10X98765432"[weighted(id.slice(0, 17), [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11] === id[17],
  },
  // Singapore: NRIC and FIN.
  {
    hasSix: true,
    pattern: /\b[STFG]\d{7}[A-Z]\b/gi,
    isValid: (id) => {
      const sum = weighted(id.slice(1, 8), [2, 7, 6, 5, 4, 3, 2]) + (/[TG]/.test(id) ? 4 : 0);
      return (/^[ST]/.test(id) ? "JZIHGFEDCBA" : "XWUTRQPNMLK")[sum % 11] === id[8];
    },
  },
  // Mexico: CURP, with the day of birth.
  {
    hasSix: true,
    pattern: /\b[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d\b/gi,
    isValid: (id) => isDay(id.slice(6, 8), id.slice(8, 10)),
  },
  // Chile: RUT, by eleven.
  {
    pattern: /\b\d{1,2}\.\d{3}\.\d{3}-[\dK]\b/gi,
    isValid: (id) => {
      const digits = [...id.slice(0, -1)].reverse().join("");
      return "0K987654321"[weighted(digits, [2, 3, 4, 5, 6, 7]) % 11] === id.at(-1);
    },
  },
  // Argentina: CUIT and CUIL, by eleven.
  {
    pattern: /\b(?:2[03-7]|3[034])-\d{8}-\d\b/g,
    isValid: (id) => (11 - (weighted(id.slice(0, 10), [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === Number(id[10]),
  },
  // Mexico: RFC of a person, with the day of birth.
  {
    hasSix: true,
    pattern: /(?<![\p{L}\d])[A-ZÑ&]{4}\d{6}[A-Z\d]{3}(?![\p{L}\d])/giu,
    isValid: (id) => isDay(id.slice(-7, -5), id.slice(-5, -3)),
  },
  // Hong Kong: identity card, its check in brackets.
  { hasSix: true, pattern: /\b[A-Z]{1,2}\d{6}\([\dA]\)/gi, isValid: () => true },
  // Russia: SNILS.
  {
    pattern: /\b\d{3}-\d{3}-\d{3} \d{2}\b/g,
    isValid: (id) => (weighted(id.slice(0, 9), [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101) % 100 === Number(id.slice(9)),
  },
  // United Arab Emirates.
  { pattern: /\b784-?(?:19|20)\d{2}-?\d{7}-?\d\b/g, isValid: () => true },
  // Numbers of the states of many languages: all of them are digits, so only where they are called so.
  {
    pattern: /(?<![\p{L}\d])\d(?:[ .\-/]?\d){6,17}(?:-?[A-Z]{1,2})?(?![\p{L}\d])/giu,
    word: /(?<!\p{L})(?:снилс|инн|паспорт|рнокпп|іпн|егн|egn|oib|nif|afm|αφμ|amka|αμκα|taj|pps|ppsn|nik|ktp|cnic|mykad|emšo|jmbg|ruc|dni|nin|bvn|cccd|utr|iqama|philsys|kennitala|isikukood|asmens kodas|personas kods|c[ée]dula|contribuinte|adóazonosító|personnummer|samordningsnummer|carte vitale|matricule|emirates id|teudat zehut|کد ملی)(?!\p{L})|תעודת זהות|身份|身分|マイナンバー|個人番号|เลขประจำตัว|رقم الهوية|الرقم القومي/u,
    isValid: () => true,
  },
  // Passports and driving licences: no check anywhere, so only where they are called so.
  {
    pattern: /\b(?!(?:19|20)\d\d-[01]\d-[0-3]\d\b)(?=(?:[A-Z-]*\d){4})[A-Z\d][A-Z\d-]{5,18}[A-Z\d]\b/gi,
    word: /(?:pass(?:port|eport|aporto)|pasaporte|паспорт|driver'?s? licen[cs]e|driving licen[cs]e|licen[cs]e number|führerschein|permis de conduire|national id|identity card|carta d.identit|carte d.identit|身分證|personalausweis|reisepass|numer dowodu|\bdl)(?:[^.\n]|(?<=\bn[or])\.){0,24}$/,
    isValid: () => true,
  },
];

/** One of the words, wherever it stands, also in a name (`national_id`, `nationalId`). */
const anyWord = new RegExp(
  forms
    .flatMap(({ word }) => (word ? [word.source.replace(/\(\?:\[\^.*\$$/, "")] : []))
    .join("|")
    .replaceAll(" ", "[ _]?"),
  "u",
);

/** National numbers by form and check digits; by the word beside them where they have no check of their own. */
export const nationalIdDetector: Detector = {
  name: "national-id",
  classes: ["national-id"],
  hint: /\d(?:\d(?:\d{3}|\d\d\.\d| \d\d \d|(?<=[a-z]{6}\d\d)|(?<=[a-z]{2}[ -]?\d\d)[ -]?\d\d[ -]?\d\d|(?<=[a-z]{5}\d\d)\d\d[a-z])|[ .-]\d{3}|[a-z][a-z0-9]\d-?[a-z][a-z0-9]\d)|licen[cs]e|passport|passeport|passaporto|pasaporte|national id|identity card|d.identit|führerschein|ausweis|reisepass/,
  longest: 24,
  detect: (given) => {
    const text = folded(given);
    const all: Detected[] = [];
    const isLong = /\d{6}/.test(text);
    const isNamed = anyWord.test(text.toLowerCase());
    for (const { pattern, isValid, word, wordOfBare, hasSix } of forms) {
      if ((word && !isNamed) || (hasSix && !isLong)) continue;
      for (const { 0: found, index: start } of text.matchAll(pattern)) {
        const end = start + found.length;
        const needed = wordOfBare && !/\D/.test(found) ? wordOfBare : word;
        if (needed && !needed.test(around(text, start, end).before)) continue;
        if (!isValid(found.replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase())) continue;
        all.push({ class: "national-id", start, end, confidence: needed ? 0.85 : 0.82 });
      }
    }
    return all;
  },
};
