import type { KeyObject } from "node:crypto";
import { OrchestrationError } from "../errors.ts";
import type { InputBodies } from "../event.ts";
import { hashJson } from "../hash.ts";
import { canonicalJson, type Json } from "../json.ts";
import { nodeCrypto } from "../node-crypto.ts";

/**
 * Decisions that show who made them: Ed25519 (RFC 8032) over canonical JSON. A signature covers what was decided on
 * which binding, by whom and why. What a person's roles are, and for whom they stand, the principal source says.
 */

/** Half of a key pair as text: a JWK (RFC 8037, `kty: "OKP"`) or PEM. */
export type KeyText =
  | string
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string; readonly d?: string };

/** A key pair of one person. The private half stays with them; a registry gets the other. */
export interface ApproverKey {
  /** The public key's thumbprint (RFC 7638): the same key has the same id everywhere. */
  readonly keyId: string;
  readonly publicKey: KeyText;
  readonly privateKey: KeyText;
}

/** What a signature says. */
export interface DecisionFacts {
  readonly tenant: string;
  readonly run: string;
  readonly effect: string;
  readonly binding: string;
  readonly decision: "approve" | "reject" | "edit";
  /** The arguments as they shall be; with `edit` only. */
  readonly input?: Json;
  readonly reason: string;
  /** Id of the one who decides. */
  readonly principal: string;
  /** The decision's own key. */
  readonly key: string;
}

/** A new key pair, from the operating system's randomness. For people and scripts; no run makes keys. */
export function approverKey(): ApproverKey {
  const { publicKey, privateKey } = nodeCrypto().generateKeyPairSync("ed25519");
  const open = jwkOf(publicKey);
  return { keyId: hashJson(open), publicKey: open, privateKey: jwkOf(privateKey) };
}

/**
 * Signs a decision. The same facts and key give the same signature, as 86 characters of base64url.
 * @throws OrchestrationError `approval/signature-invalid` for a text that is not an Ed25519 private key
 */
export function signDecision(facts: DecisionFacts, privateKey: KeyText): string {
  const key = readKey(privateKey, "private");
  if (!key) throw invalid(facts.principal, facts.effect, "the signing key is not an Ed25519 private key");
  return nodeCrypto().sign(null, signedText(facts), key).toString("base64url");
}

/** True when exactly these facts were signed by the private half of this key. Never throws for what it is given. */
export function verifyDecision(facts: DecisionFacts, signature: string, publicKey: KeyText): boolean {
  const key = readKey(publicKey, "public");
  return key !== undefined && isSigned(facts, signature, key);
}

/** A decision's facts, as its entry and its run have them. */
export function factsOf(decision: InputBodies["approval.decided"], tenant: string, run: string): DecisionFacts {
  const { effect, binding, input, reason, principal, key } = decision;
  return {
    tenant,
    run,
    effect,
    binding,
    decision: decision.decision,
    ...(input === undefined ? {} : { input }),
    reason,
    principal: principal.id,
    key,
  };
}

/** One registered key. A person may have several. */
export interface RegisteredKey {
  readonly keyId: string;
  /** Id of the principal whose key it is. */
  readonly principal: string;
  readonly publicKey: KeyText;
}

/** Whose keys are known. Pure: the same decision gets the same answer. */
export interface ApproverRegistry {
  /** Ids of the principals who have a key, each once. */
  readonly principals: readonly string[];
  /** `approval/signature-invalid` with its reason, or nothing for a decision signed by its own principal's key. */
  readonly check: (
    decision: InputBodies["approval.decided"],
    tenant: string,
    run: string,
  ) => OrchestrationError | undefined;
}

/**
 * Makes a registry of public keys.
 * @throws OrchestrationError `approval/signature-invalid` for a key that is not an Ed25519 public key (a private one has
 *   no place here), or an id given twice
 */
export function approverRegistry(options: { readonly keys: readonly RegisteredKey[] }): ApproverRegistry {
  const known = new Map<string, { readonly principal: string; readonly key: KeyObject }>();
  for (const { keyId, principal, publicKey } of options.keys) {
    const key = readKey(publicKey, "public");
    if (!key) throw invalid(principal, "any effect", `the registered key ${keyId} is not an Ed25519 public key`);
    if (known.has(keyId)) throw invalid(principal, "any effect", `the key id ${keyId} is registered twice`);
    known.set(keyId, { principal, key });
  }
  return {
    principals: [...new Set(options.keys.map(({ principal }) => principal))],
    check: (decision, tenant, run) => {
      const { signature, principal, effect } = decision;
      if (!signature) return invalid(principal.id, effect, "it has no signature");
      const found = known.get(signature.keyId);
      if (!found) return invalid(principal.id, effect, `the key ${signature.keyId} is not registered`);
      if (found.principal !== principal.id) {
        return invalid(principal.id, effect, `the key ${signature.keyId} is somebody else's`);
      }
      if (isSigned(factsOf(decision, tenant, run), signature.value, found.key)) return undefined;
      return invalid(principal.id, effect, "the signature does not fit the decision");
    },
  };
}

function isSigned(facts: DecisionFacts, signature: string, key: KeyObject): boolean {
  const bytes = Buffer.from(signature, "base64url");
  // Decoding forgives what encoding never makes; one decision has one signature text.
  if (bytes.length !== 64 || bytes.toString("base64url") !== signature) return false;
  return nodeCrypto().verify(null, signedText(facts), key, bytes);
}

function signedText({ tenant, run, effect, binding, decision, input, reason, principal, key }: DecisionFacts): Buffer {
  const label = "remit decision 1";
  return Buffer.from(
    canonicalJson({ label, tenant, run, effect, binding, decision, input, reason, principal, key }),
    "utf8",
  );
}

/** The members of a key that are kept, as a JWK. */
export function jwkOf(key: KeyObject) {
  const { x = "", d } = key.export({ format: "jwk" });
  return { kty: "OKP", crv: "Ed25519", x, ...(d === undefined ? {} : { d }) } as const;
}

/** A key of this half, or nothing. A private key would give its public half as well; where that is wanted, it is refused. */
export function readKey(text: KeyText, half: "public" | "private"): KeyObject | undefined {
  const isPrivate = typeof text === "string" ? text.includes("PRIVATE KEY") : text.d !== undefined;
  if (isPrivate !== (half === "private")) return undefined;
  const { createPublicKey, createPrivateKey } = nodeCrypto();
  const create = half === "public" ? createPublicKey : createPrivateKey;
  try {
    const key = typeof text === "string" ? create(text) : create({ key: { ...text }, format: "jwk" });
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined; // The library says in its own words only that it could not read it.
  }
}

function invalid(principal: string, effect: string, reason: string): OrchestrationError {
  return new OrchestrationError("approval/signature-invalid", { principal, effect, reason });
}
