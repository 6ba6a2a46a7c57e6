import { createHmac, hash } from "node:crypto";
import { canonicalJson } from "./json.ts";

/** SHA-256 of a text as base64url without padding (43 characters). */
export function sha256(text: string): string {
  return hash("sha256", text, "base64url");
}

/** HMAC-SHA-256 as base64url (43 characters): argument hashes and blob addresses use a key per tenant (D5). */
export function keyedHash(key: string, text: string): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

/** SHA-256 of a value's canonical JSON. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}
