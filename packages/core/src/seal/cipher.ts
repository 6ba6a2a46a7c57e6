import { OrchestrationError } from "../errors.ts";
import { keyedDigest, sha256 } from "../hash.ts";
import { nodeCrypto } from "../node-crypto.ts";
import { once } from "../once.ts";
import type { RunKey } from "../port/run-key.ts";

/** The operator's key: 32 bytes, or the same as 64 hexadecimal digits or as base64. */
export type VaultKey = Uint8Array | string;

/** A key that was read, under the name by which a vault's entries call it. */
export interface NamedKey {
  readonly id: string;
  readonly bytes: Buffer;
}

/** @throws OrchestrationError `vault/key-invalid` */
export function readVaultKey(key: VaultKey): NamedKey {
  const bytes =
    typeof key !== "string"
      ? Buffer.from(key)
      : /^[0-9a-f]{64}$/i.test(key)
        ? Buffer.from(key, "hex")
        : Buffer.from(key, "base64");
  if (bytes.length !== 32) throw new OrchestrationError("vault/key-invalid", { bytes: bytes.length });
  return { id: sha256(`remit vault key\n${bytes.toString("base64")}`).slice(0, 12), bytes };
}

/** What encrypts the values of one run, and names them: keys of its own, made from the operator's. */
export interface RunCipher {
  readonly keyId: string;
  readonly draw: (value: string, attempt: number) => Buffer;
  /** AES-256-GCM: nonce, text and tag as base64url. The same value under the same token gives the same text. */
  readonly lock: (token: string, value: string) => string;
  /** Nothing for what was not locked under this key, for this run and this token. */
  readonly unlock: (token: string, box: string) => string | undefined;
}

export function runCipher({ id, bytes }: NamedKey, { tenant, runId }: RunKey): RunCipher {
  const derive = (use: string) =>
    Buffer.from(nodeCrypto().hkdfSync("sha256", bytes, JSON.stringify([tenant, runId]), `remit vault ${use} 1`, 32));
  // Most runs hold nothing that is sealed, and a key takes as long to make as a text to be looked through.
  const naming = once(() => keyedDigest(derive("names")));
  const locking = once(() => nodeCrypto().createSecretKey(derive("values")));
  const nonces = once(() => keyedDigest(derive("nonces")));
  const about = (token: string) => Buffer.from(JSON.stringify([tenant, runId, token]));
  return {
    keyId: id,
    draw: (value, attempt) => naming()(`${attempt}\n${value}`),
    lock: (token, value) => {
      // Made of what it is for, so that none comes twice for two values, and an engine that runs again writes the same.
      const nonce = nonces()(`${token}\n${value}`).subarray(0, 12);
      const cipher = nodeCrypto().createCipheriv("aes-256-gcm", locking(), nonce).setAAD(about(token));
      const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString("base64url");
    },
    unlock: (token, box) => {
      const all = Buffer.from(box, "base64url");
      if (all.length < 28) return undefined;
      try {
        const cipher = nodeCrypto()
          .createDecipheriv("aes-256-gcm", locking(), all.subarray(0, 12))
          .setAAD(about(token));
        cipher.setAuthTag(all.subarray(-16));
        return Buffer.concat([cipher.update(all.subarray(12, -16)), cipher.final()]).toString("utf8");
      } catch {
        return undefined; // Another key, another run, or a changed byte: all the same, it gives no value.
      }
    },
  };
}
