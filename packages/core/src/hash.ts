import { hash } from "node:crypto";
import { canonicalJson } from "./json.ts";

/** SHA-256 of a text as base64url without padding (43 characters). */
export function sha256(text: string): string {
  return hash("sha256", text, "base64url");
}

/** HMAC-SHA-256 as base64url (43 characters): argument hashes and blob addresses use a key per tenant (D5). */
export function keyedHash(key: string, text: string): string {
  return keyedDigest(Buffer.from(key, "utf8"))(text).toString("base64url");
}

const blockBytes = 64;

/** HMAC-SHA-256 (RFC 2104) under one key, for many short texts: two hashes each, and no object of the library. */
export function keyedDigest(key: Uint8Array): (text: string) => Buffer {
  const inner = Buffer.alloc(blockBytes, 0x36);
  const outer = Buffer.alloc(blockBytes, 0x5c);
  const used = key.length > blockBytes ? hash("sha256", key, "buffer") : key;
  for (let index = 0; index < used.length; index++) {
    const byte = used[index] as number;
    inner[index] = 0x36 ^ byte;
    outer[index] = 0x5c ^ byte;
  }
  return (text) => {
    const first = hash("sha256", Buffer.concat([inner, Buffer.from(text, "utf8")]), "buffer");
    return hash("sha256", Buffer.concat([outer, first]), "buffer");
  };
}

/** SHA-256 of a value's canonical JSON. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}
