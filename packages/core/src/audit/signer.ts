import type { KeyObject } from "node:crypto";
import { jwkOf, type KeyText, readKey } from "../approval/signature.ts";
import { OrchestrationError } from "../errors.ts";
import { hashJson } from "../hash.ts";
import { nodeCrypto } from "../node-crypto.ts";
import type { Signer } from "../port/signer.ts";

/** Ed25519 (RFC 8032) for checkpoints and evidence. Keys are the operator's: nothing here makes or keeps one. */

/**
 * A signer that holds its key in this process.
 * @param privateKey PEM (PKCS #8) or JWK
 * @throws OrchestrationError `audit/key-invalid` for a text that is not an Ed25519 private key
 */
export function ed25519Signer(privateKey: KeyText): Signer {
  const key = readKey(privateKey, "private");
  if (!key) throw new OrchestrationError("audit/key-invalid", { half: "private" });
  return {
    keyId: thumbprint(nodeCrypto().createPublicKey(key)),
    sign: (text) => nodeCrypto().sign(null, Buffer.from(text, "utf8"), key).toString("base64url"),
  };
}

/** The public half of a private key, as PEM: what an auditor gets. @throws OrchestrationError `audit/key-invalid` */
export function publicKeyOf(privateKey: KeyText): string {
  const key = readKey(privateKey, "private");
  if (!key) throw new OrchestrationError("audit/key-invalid", { half: "private" });
  return nodeCrypto().createPublicKey(key).export({ type: "spki", format: "pem" }) as string;
}

/** Whose signatures count. */
export interface KnownKeys {
  /** True for a signature of this text by one of the keys; `undefined` when the key is none of them. */
  readonly check: (text: string, keyId: string, signature: string) => boolean | undefined;
}

/** @throws OrchestrationError `audit/key-invalid` for a text that is not an Ed25519 public key */
export function knownKeys(publicKeys: readonly KeyText[]): KnownKeys {
  const known = new Map<string, KeyObject>();
  for (const text of publicKeys) {
    const key = readKey(text, "public");
    if (!key) throw new OrchestrationError("audit/key-invalid", { half: "public" });
    known.set(thumbprint(key), key);
  }
  return {
    check: (text, keyId, signature) => {
      const key = known.get(keyId);
      if (!key) return undefined;
      const bytes = Buffer.from(signature, "base64url");
      // Decoding forgives what encoding never makes; one text has one signature.
      if (bytes.length !== 64 || bytes.toString("base64url") !== signature) return false;
      return nodeCrypto().verify(null, Buffer.from(text, "utf8"), key, bytes);
    },
  };
}

function thumbprint(publicKey: KeyObject): string {
  const { kty, crv, x } = jwkOf(publicKey);
  return hashJson({ kty, crv, x });
}
