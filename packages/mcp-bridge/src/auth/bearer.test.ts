import { createHash } from "node:crypto";
import { service } from "@remit/core";
import { expect, test } from "vitest";
import { bearerTokens } from "./bearer.ts";

const client = { principal: service("bot"), tenant: "acme" };
const token = "a-token-of-enough-characters";
const sha256 = createHash("sha256").update(token).digest("hex");

test("a token is known by itself or by its hash, and by nothing near it", async () => {
  for (const known of [bearerTokens([{ token, client }]), bearerTokens([{ sha256, client }])]) {
    expect(await known.authenticate(`Bearer ${token}`)).toEqual({ ok: true, client });
    expect(await known.authenticate(`bearer  ${token} `)).toEqual({ ok: true, client });
    for (const near of [`${token}x`, token.slice(1), token.toUpperCase(), sha256]) {
      expect(await known.authenticate(`Bearer ${near}`)).toMatchObject({ ok: false, error: "invalid_token" });
    }
    for (const odd of ["", token, `Bearer ${token},Bearer x`, `Bearer ${token} x`, `Basic ${token}`, "Bearer é"]) {
      expect(await known.authenticate(odd)).toMatchObject({ ok: false, error: "invalid_request" });
    }
    expect(await known.authenticate(undefined)).toMatchObject({ ok: false, error: "missing" });
  }
});

test("tables that cannot be right are refused", () => {
  const wrong = [
    [],
    [{ token: "short", client }],
    [{ sha256: "abc", client }],
    [
      { token, client },
      { sha256, client },
    ],
  ];
  for (const tokens of wrong) expect(() => bearerTokens(tokens)).toThrow("mcp/serving-invalid");
});
