import { hash } from "node:crypto";
import { canonicalJson } from "./json.ts";

/** SHA-256 of a text as base64url without padding (43 characters). */
export function sha256(text: string): string {
  return hash("sha256", text, "base64url");
}

const blockBytes = 64;
const digestBytes = 32;
const innerPad = 0x36;
const outerPad = 0x5c;

/** Under the key that was used last: one tenant's texts mostly follow one another. */
let lastKey: string | undefined;
let lastDigest: KeyedDigest | undefined;

/** HMAC-SHA-256 (RFC 2104) as base64url (43 characters): argument hashes and blob addresses use a key per tenant (D5). */
export function keyedHash(key: string, text: string): string {
  if (key !== lastKey || !lastDigest) {
    lastDigest = keyed(Buffer.from(key));
    lastKey = key;
  }
  return lastDigest(text, "base64url");
}

/** HMAC-SHA-256 under one key, for many short texts. */
export function keyedDigest(key: Uint8Array): (text: string) => Buffer {
  const digest = keyed(key);
  return (text) => digest(text, "buffer");
}

interface KeyedDigest {
  (text: string, encoding: "base64url"): string;
  (text: string, encoding: "buffer"): Buffer;
}

/**
 * Where the first hash is put together: no object of the library and no memory for each text. Both are dearer than hashing a
 * short text.
 */
const room = Buffer.allocUnsafeSlow(16_384);

function keyed(key: Uint8Array): KeyedDigest {
  const padded = Buffer.alloc(blockBytes);
  padded.set(key.length > blockBytes ? hash("sha256", key, "buffer") : key);
  const inner = padded.map((byte) => byte ^ innerPad);
  const outer = Buffer.alloc(blockBytes + digestBytes);
  outer.set(padded.map((byte) => byte ^ outerPad));
  return ((text: string, encoding: "base64url") => {
    const most = blockBytes + text.length * 3;
    const bytes = most <= room.length ? room : Buffer.allocUnsafe(most);
    bytes.set(inner);
    const end = blockBytes + bytes.write(text, blockBytes, "utf8");
    outer.write(hash("sha256", bytes.subarray(0, end), "binary"), blockBytes, "binary");
    return hash("sha256", outer, encoding);
  }) as KeyedDigest;
}

/** SHA-256 of a value's canonical JSON. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}
