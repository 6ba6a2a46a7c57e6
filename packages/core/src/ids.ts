import { customAlphabet } from "nanoid";

/** Ids and salts come through this port, so that a test or a replay can fix them. */
export interface IdSource {
  /** A new id with its kind in front, `run_8J…`; unique without coordination. */
  readonly id: (kind: string) => string;
  /** 16 random bytes as base64url (22 characters), for the salt of one commitment. */
  readonly salt: () => string;
}

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz";
const unambiguous = customAlphabet(alphabet, 16);

/** Ids from the operating system's randomness. */
export function randomIds(): IdSource {
  return { id: (kind) => `${kind}_${unambiguous()}`, salt: saltsFromPool() };
}

const saltChars = 22;
/** Bytes that are drawn at once: three for four characters of base64url. */
const poolBytes = 22 * 3 * 64;

/** A salt is asked for with every entry, so randomness is drawn for some hundred of them at a time; each character is used once. */
function saltsFromPool(): () => string {
  const bytes = Buffer.alloc(poolBytes);
  let pool = "";
  let at = 0;
  return () => {
    if (at >= pool.length) {
      pool = crypto.getRandomValues(bytes).toString("base64url");
      at = 0;
    }
    at += saltChars;
    return pool.slice(at - saltChars, at);
  };
}

/** The same ids in the same order for the same seed; for tests and simulations, never for production. */
export function seededIds(seed: number): IdSource {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const letters = (length: number) => {
    let text = "";
    for (let index = 0; index < length; index++) text += alphabet[Math.floor(next() * alphabet.length)];
    return text;
  };
  return { id: (kind) => `${kind}_${letters(16)}`, salt: () => letters(22) };
}

const idForm = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;

/** True when a text may serve as a tenant, run or conversation id (1–128 of `A–Z a–z 0–9 . _ : @ -`). */
export function isIdText(text: string): boolean {
  return idForm.test(text);
}
