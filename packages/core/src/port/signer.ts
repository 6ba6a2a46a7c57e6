/** Signs texts with the operator's key: one in this process, or one that a service keeps. */
export interface Signer {
  /** Names the public key: its thumbprint (RFC 7638). */
  readonly keyId: string;
  /** Ed25519 over the text's UTF-8 bytes, as 86 characters of base64url. May throw or reject: then nothing is signed. */
  readonly sign: (text: string) => string | Promise<string>;
}
