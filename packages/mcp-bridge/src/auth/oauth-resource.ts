import { type Clock, service, systemClock, user } from "@remit/core";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import { McpError } from "../errors.ts";
import type { McpClient } from "../mcp-client.ts";
import { bearerOf, type McpAuthenticator } from "./authenticator.ts";

export interface OAuthResourceOptions {
  /** This server's address as clients write it: the audience that a token must have (RFC 8707). */
  readonly resource: string;
  /** The authorization server: `iss` of its tokens, to the letter. */
  readonly issuer: string;
  /** Where its keys are; `<issuer>/.well-known/jwks.json` when absent. */
  readonly jwksUri?: string;
  /** Gives the key of a token instead of `jwksUri`: keys that are known beforehand. */
  readonly keys?: JWTVerifyGetKey;
  /** Scopes that every request needs; none when absent. */
  readonly scopes?: readonly string[];
  /** Signatures that count; RS256, PS256, ES256 and EdDSA when absent. Never `none` or one with a shared secret. */
  readonly algorithms?: readonly string[];
  /** Who the token's holder is to us; `undefined`: nobody we serve. By default {@link clientOfClaims}. */
  readonly client?: (claims: OAuthClaims) => McpClient | undefined | Promise<McpClient | undefined>;
  /** Seconds by which clocks may differ; 30 when absent. */
  readonly clockToleranceSeconds?: number;
  readonly clock?: Clock;
}

/** What stands in a token that was checked. */
export type OAuthClaims = JWTPayload & { readonly scopes: readonly string[] };

const asymmetric: readonly string[] = ["RS256", "PS256", "ES256", "EdDSA"];

/**
 * The server as an OAuth 2.1 resource server: access tokens are JWTs of one issuer, for this server and nobody else. Checked
 * are signature, issuer, audience, expiry and scopes; a token without an expiry, a subject or an audience is none.
 * @throws McpError `mcp/serving-invalid` for addresses that are none, or an algorithm with a shared secret
 */
export function oauthResource(options: OAuthResourceOptions): McpAuthenticator {
  const { resource, issuer, scopes = [], algorithms = asymmetric, clock = systemClock() } = options;
  const weak = algorithms.find((name) => name === "none" || name.startsWith("HS"));
  if (weak !== undefined)
    throw new McpError("mcp/serving-invalid", { reason: `${weak} is no signature by a key pair` });
  for (const address of [resource, issuer]) {
    if (!URL.canParse(address)) throw new McpError("mcp/serving-invalid", { reason: `${address} is no address` });
  }
  const jwks = new URL(options.jwksUri ?? `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`);
  let keys = options.keys;
  const clientOf = options.client ?? clientOfClaims;

  return {
    resource: { resource, authorizationServers: [issuer], scopes },
    authenticate: async (authorization) => {
      const token = bearerOf(authorization);
      if (typeof token !== "string") return token;
      // Loaded when the first token comes: whoever only connects to servers never needs it.
      const { createRemoteJWKSet, errors, jwtVerify } = await import("jose");
      keys ??= createRemoteJWKSet(jwks, { timeoutDuration: 5_000, cooldownDuration: 30_000 });
      let payload: JWTPayload;
      try {
        const verified = await jwtVerify(token, keys, {
          issuer,
          audience: [resource, resource.replace(/\/$/, "")],
          algorithms: [...algorithms],
          requiredClaims: ["exp", "sub", "aud"],
          clockTolerance: options.clockToleranceSeconds ?? 30,
          currentDate: new Date(clock.now()),
        });
        payload = verified.payload;
      } catch (thrown) {
        if (!isTokensFault(thrown, errors)) throw thrown;
        return { ok: false, error: "invalid_token", description: "The token is not valid for this server." };
      }
      const claims: OAuthClaims = { ...payload, scopes: scopesOf(payload) };
      const missing = scopes.filter((scope) => !claims.scopes.includes(scope));
      if (missing.length > 0) {
        return { ok: false, error: "insufficient_scope", description: "The token lacks a scope.", scopes };
      }
      const client = await clientOf(claims);
      if (client) return { ok: true, client };
      return { ok: false, error: "invalid_token", description: "The token's holder is not known here." };
    },
  };
}

/**
 * The principal is `sub`: a person with the client as their delegate where the two differ, else a service. The tenant is
 * the claim `tenant`, or `tid`, else `default`.
 */
export function clientOfClaims(claims: OAuthClaims): McpClient {
  const { sub = "", tenant, tid, client_id: clientId, azp } = claims;
  const client = [clientId, azp].find((one) => typeof one === "string");
  const id = `oauth:${sub}`;
  return {
    principal: client === undefined || client === sub ? service(id) : user(id),
    tenant: [tenant, tid].find((one): one is string => typeof one === "string" && one !== "") ?? "default",
  };
}

function scopesOf({ scope, scp }: JWTPayload): readonly string[] {
  const given = scope ?? scp;
  if (typeof given === "string") return given.split(" ").filter((one) => one !== "");
  return Array.isArray(given) ? given.filter((one) => typeof one === "string") : [];
}

/** True where the token is to blame, and not the way to the issuer's keys. */
function isTokensFault(thrown: unknown, errors: typeof import("jose")["errors"]): boolean {
  return (
    thrown instanceof errors.JOSEError &&
    !(thrown instanceof errors.JWKSTimeout) &&
    !(thrown instanceof errors.JWKSInvalid) &&
    thrown.code !== "ERR_JOSE_GENERIC"
  );
}
