/** A tenant's secret: 32 bytes from the operating system's randomness, base64url (43 characters). */
export function randomKey(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
}
