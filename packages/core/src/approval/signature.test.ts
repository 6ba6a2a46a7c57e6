import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { InputBodies } from "../event.ts";
import { operator } from "../principal.ts";
import {
  approverKey,
  approverRegistry,
  type DecisionFacts,
  factsOf,
  type KeyText,
  signDecision,
  verifyDecision,
} from "./signature.ts";

// The key pair of RFC 8037, appendix A.
const publicKey = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } as const;
const privateKey = { ...publicKey, d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" } as const;
const other = approverKey();

const facts: DecisionFacts = {
  tenant: "acme",
  run: "run_1",
  effect: "action#1/tool#1",
  binding: "b1",
  decision: "edit",
  input: { b: 1, a: [null, "é"] },
  reason: "half is enough",
  principal: "bob",
  key: "k1",
};
const signature = signDecision(facts, privateKey);

describe("a signed decision", () => {
  test("verifies by its public key, in any form, and by no other", () => {
    const publicPem = createPublicKey({ key: publicKey, format: "jwk" }).export({ type: "spki", format: "pem" });
    const privatePem = createPrivateKey({ key: privateKey, format: "jwk" }).export({ type: "pkcs8", format: "pem" });
    expect(signDecision(facts, privatePem as string)).toBe(signature);
    expect(verifyDecision(facts, signature, publicKey)).toBe(true);
    expect(verifyDecision(facts, signature, publicPem as string)).toBe(true);
    expect(verifyDecision({ ...facts, input: { a: [null, "é"], b: 1 } }, signature, publicKey)).toBe(true);
    expect(verifyDecision(facts, signature, other.publicKey)).toBe(false);
  });

  test.each<Partial<DecisionFacts>>([
    { tenant: "other" },
    { run: "run_2" },
    { effect: "action#1/tool#2" },
    { binding: "b2" },
    { decision: "approve" },
    { input: { b: 2, a: [null, "é"] } },
    { input: null },
    { reason: "half" },
    { principal: "alice" },
    { key: "k2" },
  ])("does not verify for %j", (changed) => {
    expect(verifyDecision({ ...facts, ...changed }, signature, publicKey)).toBe(false);
  });

  test("does not verify without its arguments, nor in any other text of the same bytes", () => {
    const { input: _, ...bare } = facts;
    expect(verifyDecision(bare, signature, publicKey)).toBe(false);
    const standard = Buffer.from(signature, "base64url").toString("base64");
    for (const text of [`${signature}=`, standard, ` ${signature}`, signature.slice(1), "", "…"]) {
      expect(verifyDecision(facts, text, publicKey)).toBe(false);
    }
  });

  test("never throws for a text that is no signature or no key", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, key) => {
        expect(verifyDecision(facts, text, publicKey)).toBe(false);
        expect(verifyDecision(facts, signature, key)).toBe(false);
      }),
    );
  });
});

describe("a key", () => {
  test("signs and verifies; its id is its thumbprint", () => {
    expect(other.keyId).toMatch(/^[\w-]{43}$/);
    expect(verifyDecision(facts, signDecision(facts, other.privateKey), other.publicKey)).toBe(true);
    expect(Object.keys(other.publicKey)).toEqual(["kty", "crv", "x"]);
  });

  test("cannot stand for its other half, and no other algorithm stands for it", () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    expect(() => signDecision(facts, publicKey)).toThrow(
      expect.objectContaining({ code: "approval/signature-invalid" }),
    );
    expect(verifyDecision(facts, signature, privateKey)).toBe(false);
    const foreign = rsa.publicKey.export({ type: "spki", format: "pem" }) as string;
    for (const key of [privateKey, foreign, "no key", { ...publicKey, x: "AA" }] satisfies KeyText[]) {
      expect(() => approverRegistry({ keys: [{ keyId: "k", principal: "bob", publicKey: key }] })).toThrow(
        expect.objectContaining({ code: "approval/signature-invalid" }),
      );
    }
  });
});

describe("a registry", () => {
  const registry = approverRegistry({
    keys: [
      { keyId: "bob-1", principal: "bob", publicKey },
      { keyId: "alice-1", principal: "alice", publicKey: other.publicKey },
    ],
  });
  const unsigned: InputBodies["approval.decided"] = {
    effect: "action#1/tool#1",
    binding: "b1",
    decision: "approve",
    reason: "fine",
    principal: operator("bob"),
    key: "k1",
  };
  const value = signDecision(factsOf(unsigned, "acme", "run_1"), privateKey);
  const signed = { ...unsigned, signature: { keyId: "bob-1", value } };
  const reasonOf = (...given: Parameters<typeof registry.check>) => registry.check(...given)?.data.reason;

  test("knows a decision signed by its own principal's key, as often as it is asked", () => {
    expect([1, 2].map(() => registry.check(signed, "acme", "run_1"))).toEqual([undefined, undefined]);
  });

  test("says why another one does not count", () => {
    expect(reasonOf(unsigned, "acme", "run_1")).toBe("it has no signature");
    expect(reasonOf({ ...signed, signature: { keyId: "x", value } }, "acme", "run_1")).toBe(
      "the key x is not registered",
    );
    expect(reasonOf({ ...signed, signature: { keyId: "alice-1", value } }, "acme", "run_1")).toBe(
      "the key alice-1 is somebody else's",
    );
    expect(reasonOf({ ...signed, principal: operator("alice") }, "acme", "run_1")).toBe(
      "the key bob-1 is somebody else's",
    );
    expect(reasonOf({ ...signed, decision: "reject" }, "acme", "run_1")).toBe(
      "the signature does not fit the decision",
    );
    expect(reasonOf(signed, "other", "run_1")).toBe("the signature does not fit the decision");
    expect(reasonOf(signed, "acme", "run_2")).toBe("the signature does not fit the decision");
    expect(registry.check(unsigned, "acme", "run_1")?.code).toBe("approval/signature-invalid");
  });

  test("takes no id twice", () => {
    const key = { keyId: "bob-1", principal: "bob", publicKey };
    expect(() => approverRegistry({ keys: [key, key] })).toThrow(
      expect.objectContaining({ code: "approval/signature-invalid" }),
    );
  });
});
