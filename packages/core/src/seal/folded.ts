/**
 * Digits, spaces and dashes of other widths and scripts as ASCII has them, and the signs of an address: people write numbers
 * as their keyboard does, and a rule for numbers should not have to know each of them. What takes no room, as pages put it
 * between groups of digits, is a space. Every sign stays one sign, so places in the one text are places in the other.
 */
export function folded(text: string): string {
  // No text of one byte a sign has any of them but the first, and an engine knows that.
  return text.includes("\u00a0") || others.test(text)
    ? text.replace(allFolds, (sign) => plain(sign.charCodeAt(0)))
    : text;
}

const folding =
  "\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59\u2000-\u200f\u2010-\u2015\u202f\u205f\u2060\u2212\u3000\uff0b\uff0d\uff0e\uff10-\uff19\uff20-\uff3a\uff41-\uff5a\ufeff";
const others = new RegExp(`[${folding}]`);
const allFolds = new RegExp(`[\u00a0${folding}]`, "g");

/** Where the digits of a script begin. */
const zeros = [0x660, 0x6f0, 0x966, 0x9e6, 0xe50];

function plain(code: number): string {
  if (code > 0xff00) return String.fromCharCode(code - 0xff00 + 0x20);
  if ((code >= 0x2010 && code <= 0x2015) || code === 0x2212) return "-";
  const zero = zeros.find((first) => code >= first && code < first + 10);
  return zero === undefined ? " " : String.fromCharCode(code - zero + 0x30);
}
