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

/** HMAC-SHA-256 (RFC 2104) as base64url (43 characters): argument hashes and blob addresses use a key per tenant (D5). */
export function keyedHash(key: string, text: string): string {
  // One buffer, no object of the library, and a first hash as text of bytes: each of these is dearer than hashing a short text.
  const bytes = roomFor(text);
  const isLong = key.length * 3 > blockBytes && Buffer.byteLength(key, "utf8") > blockBytes;
  const used = isLong ? bytes.write(hash("sha256", key, "binary"), 0, "binary") : bytes.write(key, 0, "utf8");
  bytes.fill(0, used, blockBytes);
  pad(bytes, innerPad);
  return hash("sha256", outerOf(bytes, text), "base64url");
}

/** HMAC-SHA-256 under one key, for many short texts. */
export function keyedDigest(key: Uint8Array): (text: string) => Buffer {
  const block = Buffer.alloc(blockBytes);
  block.set(key.length > blockBytes ? hash("sha256", key, "buffer") : key);
  pad(block, innerPad);
  return (text) => {
    const bytes = roomFor(text);
    block.copy(bytes);
    return hash("sha256", outerOf(bytes, text), "buffer");
  };
}

function roomFor(text: string): Buffer {
  return Buffer.allocUnsafe(blockBytes + Math.max(text.length * 3, digestBytes));
}

function pad(block: Buffer, by: number): void {
  for (let index = 0; index < blockBytes; index++) block[index] = (block[index] as number) ^ by;
}

/** What the second hash is made of. `bytes` begins with the key's inner block, and has room for the text behind it. */
function outerOf(bytes: Buffer, text: string): Uint8Array {
  const end = blockBytes + bytes.write(text, blockBytes, "utf8");
  const first = hash("sha256", bytes.subarray(0, end), "binary");
  pad(bytes, innerPad ^ outerPad);
  bytes.write(first, blockBytes, "binary");
  return bytes.subarray(0, blockBytes + digestBytes);
}

/** SHA-256 of a value's canonical JSON. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}
