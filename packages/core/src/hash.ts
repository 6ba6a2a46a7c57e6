import { canonicalJson } from "./json.ts";
import { nodeCrypto } from "./node-crypto.ts";

/** SHA-256 of a text as base64url without padding (43 characters). */
export function sha256(text: string): string {
  return nodeCrypto().hash("sha256", text, "base64url");
}

const blockBytes = 64;
const digestBytes = 32;
const innerPad = 0x36;
const outerPad = 0x5c;

/** The key that was used last, and its block for the first hash: one tenant's texts mostly follow one another. */
let lastKey: string | undefined;
const lastBlock = Buffer.alloc(blockBytes);

/** HMAC-SHA-256 (RFC 2104) as base64url (43 characters): argument hashes and blob addresses use a key per tenant (D5). */
export function keyedHash(key: string, text: string): string {
  if (key !== lastKey) {
    writeInnerBlock(lastBlock, Buffer.from(key));
    lastKey = key;
  }
  return nodeCrypto().hash("sha256", outerOf(lastBlock, text), "base64url");
}

/** HMAC-SHA-256 under one key, for many short texts. */
export function keyedDigest(key: Uint8Array): (text: string) => Buffer {
  const block = Buffer.alloc(blockBytes);
  writeInnerBlock(block, key);
  return (text) => nodeCrypto().hash("sha256", outerOf(block, text), "buffer");
}

function writeInnerBlock(block: Buffer, key: Uint8Array): void {
  block.fill(0);
  block.set(key.length > blockBytes ? nodeCrypto().hash("sha256", key, "buffer") : key);
  pad(block, innerPad);
}

function pad(bytes: Buffer, by: number): void {
  for (let index = 0; index < blockBytes; index++) bytes[index] = (bytes[index] as number) ^ by;
}

/**
 * Where both hashes are put together, one behind the other: no object of the library, a first hash as text of bytes and no
 * memory for each text. All of these are dearer than hashing a short text.
 */
const room = Buffer.allocUnsafeSlow(16_384);

/** What the second hash is made of; to be read before anything else is hashed under a key. */
function outerOf(innerBlock: Buffer, text: string): Uint8Array {
  const most = blockBytes + Math.max(text.length * 3, digestBytes);
  const bytes = most <= room.length ? room : Buffer.allocUnsafe(most);
  innerBlock.copy(bytes);
  const end = blockBytes + bytes.write(text, blockBytes, "utf8");
  const first = nodeCrypto().hash("sha256", bytes.subarray(0, end), "binary");
  pad(bytes, innerPad ^ outerPad);
  bytes.write(first, blockBytes, "binary");
  return bytes.subarray(0, blockBytes + digestBytes);
}

/** SHA-256 of a value's canonical JSON. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}
