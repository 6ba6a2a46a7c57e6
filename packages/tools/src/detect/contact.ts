import { isIPv4, isIPv6 } from "node:net";
import { type Detector, folded } from "@remit/core";
import { around, digitsOf, gap, judging, letter, ownNumber } from "./context.ts";

/** Ways to reach somebody: e-mail addresses, telephone numbers, addresses on a network. */

/** Addresses with this between name and host. */
const emailBy = (at: string): Detector =>
  judging({
    name: "email",
    class: "email",
    hint: /@|\(at\)|\[at\]|%40|&#(?:64|x40);/,
    pattern: new RegExp(
      `(?:[\\p{L}\\p{M}\\p{N}_%+~!#$&*=?^\`{|}'-]|\\.(?!\\.)){1,64}${at}(?:[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N}-]{0,62}[\\p{L}\\p{M}\\p{N}])?(?:[.\\u3002]|\\s?[([]dot[)\\]]\\s?)){1,9}[\\p{L}][\\p{L}\\p{M}\\p{N}-]{0,23}[\\p{L}\\p{M}\\p{N}]|(?:[\\p{L}\\p{N}_%+-]|\\.(?!\\.)){1,64}@\\[[\\d.:a-f]{7,45}\\]`,
      "giu",
    ),
    longest: 160,
    judge: (found, { text, start }) => {
      // The password of an address is none of it, and whoever may have addresses may not have that.
      if (/:\/\/[^\s/?#]{0,80}:[^\s/?#]{0,80}$/.test(text.slice(Math.max(0, start - 170), start))) return undefined;
      // A picture for dense screens; where programs fetch code from.
      if (/@[1-4]x\.(?:png|jpe?g|gif|webp|avif|svg)$/i.test(found) || /^git@[^@]*$/.test(found)) return undefined;
      // A sentence's own signs before it are no part of it.
      const lead = /^['`*_.!?&=|{}#-]+/.exec(found)?.[0].length ?? 0;
      return { confidence: 1, start: start + lead };
    },
  });

const plainEmail = emailBy("@");
const anyEmail = emailBy("(?:@|\\\\@|%40|&#(?:64|x40);|\\s?[([]at[)\\]]\\s?)");

const quotedEmail = /"[^"\n@]{1,64}"@(?:[\p{L}\p{N}][\p{L}\p{M}\p{N}-]{0,62}\.){1,6}\p{L}[\p{L}\p{M}\p{N}-]{1,24}/gu;

export const emailDetector: Detector = {
  ...plainEmail,
  detect: (text) => {
    // Each other way to write the sign is tried at each letter.
    const isPlain = !/[([]at[)\]]|%40|&#|\\@/i.test(text);
    const found = (isPlain ? plainEmail : anyEmail).detect(text);
    if (!text.includes('"@')) return found;
    const quoted = [...text.matchAll(quotedEmail)];
    return [
      ...found,
      ...quoted.map(({ 0: one, index }) => ({ class: "email", start: index, end: index + one.length, confidence: 1 })),
    ];
  },
};

const ipv4 = new RegExp(
  `(?<!${letter}|[\\d.]|[\\p{L}\\d]_)\\d{1,3}(?:\\.\\d{1,3}){3}(?!\\.?(?:${letter}|\\d)|_[\\p{L}\\d])`,
  "gu",
);
/** Any address, one's own machine, and masks of networks. */
const isNobodys = /^(?:0\.0\.0\.0|127\.\d+\.\d+\.\d+|255\.255\.\d+\.\d+)$/;

const alone = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])/gi;
/** `client_ip:2001:db8::1` */
const behindName = /[g-z_]:((?=[0-9a-f])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|\d{1,3}(?:\.\d{1,3}){3})?)(?![\w:])/gi;

export const ipDetector: Detector = {
  name: "ip",
  classes: ["ip"],
  hint: /\d\.\d{1,3}\.\d{1,3}\.\d|:(?::|\d{1,3}\.\d{1,3}\.|(?<=[0-9a-f]:)[0-9a-f]{1,4}:[0-9a-f]{1,4}:)/,
  longest: 45,
  detect: (given) => {
    const text = folded(given);
    const found = [];
    for (const { 0: candidate, index } of text.matchAll(ipv4)) {
      if (!isIPv4(candidate) || isNobodys.test(candidate)) continue;
      const before = text.slice(Math.max(0, index - 12), index);
      if (/\b(?:v|version|release|build|section|sections|chapter|clause|paragraph)[ .:]?$|§ ?$/i.test(before)) continue;
      // `Chrome/120.0.0.0`
      if (/\p{L}\/$/u.test(before) && candidate.endsWith(".0.0")) continue;
      found.push({ class: "ip", start: index, end: index + candidate.length, confidence: 0.9 });
    }
    for (const pattern of [alone, behindName]) {
      for (const { 0: whole, 1: candidate = whole, index } of text.matchAll(pattern)) {
        const start = index + whole.length - candidate.length;
        // `a::b` names a member of a module, in some languages.
        const tried = candidate.length > 3 && /\d/.test(candidate) ? candidate : "";
        const ip = [tried, tried.slice(0, -1)].find((one) => isIPv6(one));
        if (ip) found.push({ class: "ip", start, end: start + ip.length, confidence: 0.9 });
      }
    }
    return found;
  },
};

const phoneWords =
  /(?<!\p{L})(?:phones?|tel(?:ephone|efon|\.)?(?: ?(?:nummer|nr))?|handynummer|mobil(?:nummer|telefon|e phone)?|celular|telefone|t[ée]l|portable|gsm|puhelin|komórka|номер|тел(?:ефон)?|моб(?:ильный)?|电话|電話|手机|手機|携帯|전화|휴대폰|هاتف|جوال|טלפון|wa\.me\/|call(?:s|ed|ing)?|mobile|cell(?:phone|ular)?|fax|dial|reach|sms|text(?:ed)?|whats ?app|signal|ring|handy|hotline|contact|number is|number's|numbers?:(?!\s)|nummer|rufnummer|t[ée]l[ée]?phone|m[óo]vil|tel[ée]fono|telefono|cellulare)(?!\p{L})[^\d]{0,30}$/u;
const otherNumber = /\b(?:licen[cs]e|passport|zip|post(?:al ?)?code|plz|address)\b[^.\n]{0,20}$/;
const afterPhone = /^\s*(?:\((?:home|work|mobile|cell|office|fax)\)|(?:ext|x)\b)/;

/**
 * Telephone numbers by their shape, not by a table of what is in use: a number with one digit wrong is somebody's all the
 * same, and generated ones are in no table.
 */
export const phoneDetector: Detector = judging({
  name: "phone",
  class: "phone",
  // A day alone (`2026-03-01`), which many texts have, is none.
  hint: /(?<!\d|(?:19|20)\d\d-|(?:19|20)\d\d-\d\d-)(?!(?:19|20)\d\d-[01]\d-[0-3]\d(?![\d-]))[\d(][\d\s().\-/]{4,}\d/,
  pattern: new RegExp(
    `(?<!(?<!%2)${letter}|[\\d$€£#@]|[\\p{L}\\d]_|\\d[.:])(?:\\+\\s?|00)?(?:\\(\\+?\\d{1,4}\\)|\\d)(?:(?:${gap}{0,2}| / )(?:\\(\\d{1,4}\\)|\\d)){5,16}(?:\\s?(?:x|ext\\.?|extension|#|durchwahl)\\s?\\.?:?\\s?\\d{1,6})?(?!${letter}|[\\d@]|_[\\p{L}\\d]|\\.\\d|%(?!2))`,
    "giu",
  ),
  longest: 40,
  again: "behind",
  judge: (found, { text, start, end }) => {
    const main = found.replace(/\s?(?:x|ext\.?|extension|#|durchwahl)\s?\.?:?\s?\d{1,6}$/i, "");
    const hasExtension = main.length < found.length;
    const count = digitsOf(main).length;
    // Two of North America behind each other.
    const first = count > 15 ? northAmerican.exec(found)?.[0] : undefined;
    if (first) return { confidence: 0.8, end: start + first.length };
    if (count < 6 || count > 15) return undefined;
    // Between commas stand the fields of a line, and decimals.
    const isField = /\d,$/.test(text.slice(0, start)) || /^,\d/.test(text.slice(end, end + 2));
    if (isField && !/^(?:\+|\(|\d{2,4}([-.])\d{2,4}\1\d{3,4}$)/.test(main)) return undefined;
    const { before, after } = around(text, start, end);
    const named = phoneWords.test(before) || afterPhone.test(after);
    const groups = main
      .split(new RegExp(`${gap}+|[()]+`, "u"))
      .map(digitsOf)
      .filter((group) => group !== "");
    // `%2B` is a plus in an address.
    if (/^\+/.test(main) || /%2b$/.test(before)) return count >= 7 ? { confidence: 0.9 } : undefined;
    if (isDateOrTime(main, groups) || isDecimal(main) || isVersion(main, groups)) return undefined;
    if (/^[\d.]+$/.test(main) && /(?<!wa\.m)\p{L}\/$/u.test(before)) return undefined; // `Chrome/120.0.6099`
    if (otherNumber.test(before) || ownNumber.test(before)) return undefined;
    if (named) return { confidence: 0.8 };
    // The end of a code of another kind: `PO-2024-000123`, `112-3487654-9912345` behind a `#`.
    if (/[\p{L}\d]-$/u.test(before) || isRange(main)) return undefined;
    if (moneyBefore.test(before) || moneyAfter.test(after)) return undefined;
    if (hasExtension || /^(?:\(\d{2,5}\)|\d \(\d{3}\))/.test(main)) return { confidence: 0.8 };
    // The beginning of a postal address, or a number of another kind that says so.
    if (count < 10 && /^ ?\p{Lu}\p{L}/u.test(text.slice(end, end + 3)) && groups.length <= 2) return undefined;
    // A field of its own, with its name before it or not.
    const isWhole = /^(?:[\w ]{0,60}: )?$/.test(text.slice(0, start)) && end === text.length;
    if (groups.length === 1) {
      // A bare number: as one is dialled in North America or India, where it stands in a sentence.
      return !isWhole && /^(?:1?[2-9]\d{2}[2-9]\d{6}|0\d{9,10})$/.test(main) ? { confidence: 0.4 } : undefined;
    }
    if (isThousands(main, groups) || isPostcode(groups) || isCounted(groups)) return undefined;
    if (groups.length === 2 && count < 7) return /^0/.test(main) ? { confidence: 0.4 } : undefined;
    return count >= 7 && groups.every(({ length }) => length <= 8) ? { confidence: 0.6 } : undefined;
  },
});

const northAmerican = /^(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?= )/;

const dayAndTime =
  /^(?:[0-3]?\d[./-][01]?\d[./-](?:19|20)?\d\d|(?:19|20)\d\d[./-]?[01]\d[./-]?[0-3]\d)[ -]{1,3}[0-2]?\d(?:[.\d]{2,6})?$/;
const days = /^[0-3]?\d[./](?:[01]?\d[./](?:(?:19|20)?\d\d)?)? ?- ?[0-3]?\d[./][01]?\d[./](?:19|20)?\d\d$/;
const months = /^[01]?\d[./](?:19|20)\d\d ?- ?[01]?\d[./](?:19|20)\d\d$/;

function isDateOrTime(text: string, groups: readonly string[]): boolean {
  const [one = "", two = "", three = ""] = groups;
  const inRange = (group: string, most: number) => Number(group) >= 1 && Number(group) <= most;
  if (!/^[\d./\- ]+$/.test(text)) return false;
  // A day with a time behind it, or as programs name files; from one day, month or time to another.
  if (dayAndTime.test(text) || days.test(text) || months.test(text)) return true;
  if (/^[0-2]?\d\.[0-5]\d ?- ?[0-2]?\d\.[0-5]\d$/.test(text)) return true;
  if (/^(?:19|20)\d\d$/.test(one) && two.length <= 2 && inRange(two, 12) && three.length <= 2 && inRange(three, 31))
    return true;
  if (groups.length === 3 && /^(?:19|20)\d\d$/.test(three) && one.length <= 2 && two.length <= 2) {
    return inRange(one, 31) && inRange(two, 31);
  }
  return groups.length > 1 && groups.every((group) => /^(?:1[5-9]|20)\d\d$/.test(group));
}

/**
 * `48.137154`: degrees, a share; a number that is dialled begins with more than one digit, or with 0 and others. `12345.67`,
 * `12 345.67`: an amount.
 */
function isDecimal(text: string): boolean {
  return /^(?:(?:0|[1-9]\d{0,2})\.\d{5,}|\d{1,3}\.\d{4,} \d{1,3}\.\d{4,}|[1-9](?:\d{3,}|\d{0,2}(?: \d{3})+)\.\d{1,3})$/.test(
    text,
  );
}

/** `10.0.19045.3930` */
function isVersion(text: string, [, ...rest]: readonly string[]): boolean {
  if (/^[1-9]\d?\.\d{1,2}\.\d{1,2}-\d+$/.test(text)) return true; // `5.15.0-105`
  return /^[\d.]+$/.test(text) && rest.length > 1 && rest.some(({ length }) => length === 1);
}

/** `1000-2000`, `251-1000`: from one round number, or right behind it, to a greater one. */
function isRange(text: string): boolean {
  const [, from, to] = /^([1-9]\d*[05][01]) ?- ?([1-9]\d*[05]0)$/.exec(text) ?? [];
  return from !== undefined && Number(from) < Number(to);
}

/** `1 234 567`, `12.345.678`, `25 000 000`: an amount; `78 651 450` and `612 345 678` are dialled, unless they are round. */
function isThousands(text: string, [first = "", ...rest]: readonly string[]): boolean {
  if (!/^[1-9]\d{0,2}(?:([ .])\d{3})(?:\1\d{3})*$/.test(text)) return false;
  return (
    first.length === 1 ||
    (first.length === 2 && text.includes(".")) ||
    rest.every((group) => /^\d(?:00|50)$/.test(group))
  );
}

const moneyBefore =
  /(?:[$€£¥₹]|(?<!\p{L})(?:eur|usd|gbp|chf|jpy|cny|inr|pln|czk|sek|nok|dkk|huf|brl|krw|rs|amount|total|sum|price|betrag|summe|montant|importe)\.?:?)["'\\]*:? ?["'\\]*$/u;
const moneyAfter =
  /^ ?(?:[€$£¥₹]|(?:eur|usd|gbp|chf|jpy|cny|inr|pln|czk|sek|nok|dkk|huf|brl|krw|kr|zł|units|pcs|rows|views|users|items)(?!\p{L}))/u;

/** A postcode of the United States: `12345-6789`. */
function isPostcode(groups: readonly string[]): boolean {
  return groups.length === 2 && groups[0]?.length === 5 && groups[1]?.length === 4;
}

/** Short numbers one after another: `3 4 5 6 7 8`. */
function isCounted(groups: readonly string[]): boolean {
  return groups.length > 6 || groups.filter(({ length }) => length === 1).length > 2;
}
