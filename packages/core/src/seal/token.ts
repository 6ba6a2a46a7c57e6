/**
 * Tokens that stand for values. Where a class has a form, its tokens have it too, so that schemas and models go on to work
 * with them: an e-mail address is one at `sealed.invalid`, a card number passes Luhn's check, an IBAN has its check digits.
 * They come from ranges that are nobody's: what is mistaken for a value reaches no mailbox, no account and no telephone.
 *
 * A token proves nothing by its looks. What counts is whether this run's vault has it.
 */

/** 32 bytes that only the holder of the key can compute, for the n-th attempt at a token. */
export type Draw = (attempt: number) => Buffer;

/** How many attempts there are: two values with one token are a matter of chance, 1 in 10,000 for the shortest numbers. */
const attemptsMax = 10_000;
/** After so many, a form that shows nothing of a token is taken to show it never. */
const unseenMax = 100;

/**
 * A token for a value: the first that nothing else has.
 * @param isFree false for a token that stands for another value, or that is a value itself
 */
export function makeToken(kind: string, value: string, draw: Draw, isFree: (token: string) => boolean): string {
  const make = makers[kind];
  for (let attempt = 0; make && attempt < attemptsMax; attempt++) {
    const token = make(value, drawer(draw(attempt)));
    if (token === undefined) break;
    // One that nobody would look for were a value to whoever comes next.
    const isSeen = tokenHint.test(token);
    if (isSeen && token !== value && isFree(token)) return token;
    if (!isSeen && attempt >= unseenMax) break;
  }
  for (let attempt = attemptsMax; ; attempt++) {
    const token = `sealed_${kind.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}_${drawer(draw(attempt)).letters(14)}`;
    if (isFree(token)) return token;
  }
}

/** A text without this holds no token, and need not be looked at: what all tokens have in common, in one cheap scan. */
export const tokenHint = /sealed|[98]\d|ZZ\d|9[ .()/-]{1,3}\d|198\.1|2001:db8/i;

interface Drawer {
  readonly digits: (count: number) => string;
  readonly letters: (count: number) => string;
  readonly number: (below: number) => number;
}

function drawer(bytes: Buffer): Drawer {
  // Two bytes a draw, then the same bytes again, turned: more than any form needs.
  let at = 0;
  const number = (below: number) => {
    const high = bytes[at % 32] as number;
    const low = bytes[(at + 1 + Math.floor(at / 32)) % 32] as number;
    at += 1;
    return (high * 256 + low) % below;
  };
  const text = (alphabet: string) => (count: number) => {
    let made = "";
    for (let index = 0; index < count; index++) made += alphabet[number(alphabet.length)];
    return made;
  };
  return { number, digits: text("0123456789"), letters: text("abcdefghijkmnpqrstuvwxyz23456789") };
}

/** Nothing is returned for a value without the form of its class. */
type Make = (value: string, drawn: Drawer) => string | undefined;

const makers: { readonly [kind: string]: Make | undefined } = {
  email: (value, drawn) => (value.includes("@") ? `${drawn.letters(14)}@sealed.invalid` : undefined),
  card: (value, drawn) => {
    const count = digitsIn(value);
    if (count < 12 || count > 19 || /[^\d .-]/.test(value)) return undefined;
    // 99 is assigned to no issuer (ISO/IEC 7812).
    const body = `99${drawn.digits(count - 3)}`;
    return fillDigits(value, body + luhnDigit(body));
  },
  iban: (value, drawn) => {
    const compact = value.replaceAll(/[^A-Za-z0-9]/g, "");
    if (!/^[A-Za-z]{2}\d{2}[A-Za-z0-9]{8,30}$/.test(compact)) return undefined;
    // ZZ is nobody's country (ISO 3166-1, user-assigned).
    const account = drawn.digits(compact.length - 4);
    const check = String(98n - (BigInt(`${account}353500`) % 97n)).padStart(2, "0");
    return fillAll(value, `ZZ${check}${account}`);
  },
  phone: (value, drawn) => {
    const count = digitsIn(value);
    // +999 is reserved, and no numbering plan has an area 999 in use for lines.
    return count < 7 || count > 19 ? undefined : fillDigits(value, `999${drawn.digits(count - 3)}`);
  },
  // Numbers that begin with 9 were never issued.
  "us-ssn": (value, drawn) => (digitsIn(value) === 9 ? fillDigits(value, `9${drawn.digits(8)}`) : undefined),
  ip: (value, drawn) => {
    if (value.includes(":")) {
      const groups = Array.from({ length: 6 }, () => drawn.number(65_536).toString(16));
      return `2001:db8:${groups.join(":")}`;
    }
    // 198.18.0.0/15 is for benchmarks (RFC 2544); the ranges for documentation have 768 addresses.
    return `198.${18 + drawn.number(2)}.${drawn.number(256)}.${drawn.number(256)}`;
  },
};

function digitsIn(text: string): number {
  return text.replaceAll(/\D/g, "").length;
}

/** The same text with other digits. */
function fillDigits(text: string, digits: string): string {
  let at = 0;
  return text.replaceAll(/\d/g, () => digits[at++] ?? "0");
}

/** The same text with other letters and digits, all that is between them kept. */
function fillAll(text: string, signs: string): string {
  let at = 0;
  return text.replaceAll(/[A-Za-z0-9]/g, () => signs[at++] ?? "0");
}

/** The digit that makes a number pass Luhn's check. */
export function luhnDigit(body: string): string {
  let sum = 0;
  for (let index = body.length - 1, double = true; index >= 0; index--, double = !double) {
    const digit = Number(body[index]);
    sum += double ? (digit * 2 > 9 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return String((10 - (sum % 10)) % 10);
}
