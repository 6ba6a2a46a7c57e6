import { createHash, timingSafeEqual } from "node:crypto";
import { McpError } from "../errors.ts";
import type { McpClient } from "../mcp-client.ts";
import { bearerOf, type McpAuthenticator } from "./authenticator.ts";

/** A token that stands in the server's configuration, and who holds it. */
export type BearerToken = { readonly client: McpClient } & (
  | { readonly token: string; readonly sha256?: undefined }
  /** SHA-256 of the token in hexadecimal, so that the configuration holds no secret. */
  | { readonly sha256: string; readonly token?: undefined }
);

/**
 * Clients by tokens that are known beforehand. Compared by hash and in constant time, every token each time.
 * @throws McpError `mcp/serving-invalid` for a token under 16 characters, a hash that is none, or one that stands there twice
 */
export function bearerTokens(tokens: readonly BearerToken[]): McpAuthenticator {
  const known = tokens.map(({ token, sha256, client }, index) => {
    if (token !== undefined && token.length < 16) throw invalid(`token ${index} has fewer than 16 characters`);
    if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) throw invalid(`the hash of token ${index} is none`);
    return { hash: token === undefined ? Buffer.from(sha256 ?? "", "hex") : hashOf(token), client };
  });
  if (known.length === 0) throw invalid("there is no token");
  if (new Set(known.map(({ hash }) => hash.toString("hex"))).size < known.length)
    throw invalid("a token is there twice");
  return {
    authenticate: async (authorization) => {
      const token = bearerOf(authorization);
      if (typeof token !== "string") return token;
      const given = hashOf(token);
      let found: McpClient | undefined;
      for (const { hash, client } of known) if (timingSafeEqual(hash, given)) found = client;
      return found
        ? { ok: true, client: found }
        : { ok: false, error: "invalid_token", description: "The token is not known." };
    },
  };
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function invalid(reason: string): McpError {
  return new McpError("mcp/serving-invalid", { reason });
}
