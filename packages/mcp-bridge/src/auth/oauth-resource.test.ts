import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type AnyTool, defineTool } from "@remit/core";
import { fakeClock } from "@remit/core/testing";
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { McpError } from "../errors.ts";
import { httpServer } from "../http-server-options.ts";
import { type McpServing, serveMcp } from "../serve.ts";
import { statelessClient } from "../testing/http-client.ts";
import { type OAuthResourceOptions, oauthResource } from "./oauth-resource.ts";

const issuer = "https://id.example.com";
const resource = "https://tools.example.com/mcp";
const clock = fakeClock();
const now = () => Math.floor(clock.now() / 1_000);

let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let others: Awaited<ReturnType<typeof generateKeyPair>>;
let local: ReturnType<typeof createLocalJWKSet>;
beforeAll(async () => {
  [keys, others] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
  local = createLocalJWKSet({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "ES256" }] });
});

const tokenOf = (claims: Readonly<Record<string, unknown>> = {}, sign = keys.privateKey, header: object = {}) =>
  new SignJWT({ iss: issuer, aud: resource, sub: "ann", exp: now() + 60, scope: "mcp:call", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "k1", ...header })
    .sign(sign);
const guardOf = (options: Partial<OAuthResourceOptions> = {}) =>
  oauthResource({ resource, issuer, keys: local, scopes: ["mcp:call"], clock, ...options });
const errorOf = async (token: string, options: Partial<OAuthResourceOptions> = {}) => {
  const found = await guardOf(options).authenticate(`Bearer ${token}`);
  return found.ok ? "ok" : found.error;
};

test("a token of this issuer for this server is somebody; its tenant and kind follow from its claims", async () => {
  const who = async (claims: JWTPayload) => {
    const found = await guardOf().authenticate(`Bearer ${await tokenOf(claims)}`);
    if (!found.ok) throw new Error(found.error);
    const { principal, tenant } = found.client;
    return [principal.kind, principal.id, principal.authenticated, tenant];
  };
  expect(await who({ client_id: "editor" })).toEqual(["user", "oauth:ann", true, "default"]);
  expect(await who({ client_id: "ann", tenant: "acme" })).toEqual(["service", "oauth:ann", true, "acme"]);
  expect(await who({ aud: ["https://other.example", resource] })).toEqual(["service", "oauth:ann", true, "default"]);
});

test("anything else about it is wrong: audience, issuer, time, key, algorithm, claims that are not there", async () => {
  const bad = {
    audience: await tokenOf({ aud: "https://other.example/mcp" }),
    "a longer audience": await tokenOf({ aud: `${resource}/more` }),
    "no audience": await tokenOf({ aud: undefined }),
    issuer: await tokenOf({ iss: "https://evil.example" }),
    "the issuer with a slash": await tokenOf({ iss: `${issuer}/` }),
    expired: await tokenOf({ exp: now() - 31 }),
    "no expiry": await tokenOf({ exp: undefined }),
    "not yet": await tokenOf({ nbf: now() + 60 }),
    "no subject": await tokenOf({ sub: undefined }),
    key: await tokenOf({}, others.privateKey),
    "another key": await tokenOf({}, keys.privateKey, { kid: "k2" }),
    none: `${Buffer.from('{"alg":"none"}').toString("base64url")}.${(await tokenOf()).split(".")[1]}.`,
    "a shared secret": await new SignJWT({ iss: issuer, aud: resource, sub: "ann", exp: now() + 60 })
      .setProtectedHeader({ alg: "HS256", kid: "k1" })
      .sign(Buffer.alloc(32, 1)),
    text: "not-a-token",
  };
  for (const [what, token] of Object.entries(bad))
    expect([what, await errorOf(token)]).toEqual([what, "invalid_token"]);
  expect(await errorOf(await tokenOf({ scope: "other" }))).toBe("insufficient_scope");
  expect(await errorOf(await tokenOf({ scope: undefined, scp: ["mcp:call"] }))).toBe("ok");
  expect(await errorOf(await tokenOf(), { client: () => undefined })).toBe("invalid_token");
  expect((await guardOf().authenticate(undefined)).ok).toBe(false);
});

test("keys that cannot be had are an outage, not a bad token", async () => {
  const broken = createServer((_, response) => response.writeHead(500).end());
  await new Promise<void>((resolve) => broken.listen(0, "127.0.0.1", resolve));
  const { port } = broken.address() as AddressInfo;
  const guard = oauthResource({ resource, issuer, jwksUri: `http://127.0.0.1:${port}/jwks`, clock });
  await expect(guard.authenticate(`Bearer ${await tokenOf()}`)).rejects.toThrow();
  await new Promise((resolve) => broken.close(resolve));
});

test("what cannot be right is refused when it is set up", () => {
  const thrown = (options: Partial<OAuthResourceOptions>) => {
    try {
      guardOf(options);
    } catch (error) {
      return (error as McpError).code;
    }
    return "ok";
  };
  expect(thrown({ algorithms: ["HS256"] })).toBe("mcp/serving-invalid");
  expect(thrown({ algorithms: ["ES256", "none"] })).toBe("mcp/serving-invalid");
  expect(thrown({ resource: "mcp" })).toBe("mcp/serving-invalid");
  expect(thrown({ issuer: "" })).toBe("mcp/serving-invalid");
});

const seen: unknown[] = [];
const look: AnyTool = defineTool({
  name: "look",
  description: "",
  input: z.object({}),
  output: z.object({}),
  effect: "read",
  execute: (_, context) => {
    seen.push(context);
    return {};
  },
});
let serving: McpServing | undefined;
afterAll(() => serving?.close());

test("over HTTP: 401 and 403 say where to get a token, the metadata is open, and no token is handed on", async () => {
  serving = await serveMcp({
    name: "s",
    version: "1",
    tools: [look],
    transport: httpServer({ authenticate: guardOf(), hosts: ["tools.example.com"] }),
  });
  const url = serving.address?.url ?? "";
  const metadata = "https://tools.example.com/.well-known/oauth-protected-resource/mcp";
  const nobody = await statelessClient(url)("tools/list");
  expect([nobody.status, nobody.headers.get("www-authenticate")]).toEqual([
    401,
    `Bearer resource_metadata="${metadata}"`,
  ]);
  const wrong = await statelessClient(url, { token: await tokenOf({ aud: "https://other.example" }) })("tools/list");
  expect([wrong.status, wrong.headers.get("www-authenticate")]).toEqual([
    401,
    `Bearer error="invalid_token", error_description="The token is not valid for this server.", resource_metadata="${metadata}"`,
  ]);
  const narrow = await statelessClient(url, { token: await tokenOf({ scope: "" }) })("tools/list");
  expect([narrow.status, narrow.headers.get("www-authenticate")]).toEqual([
    403,
    `Bearer error="insufficient_scope", error_description="The token lacks a scope.", scope="mcp:call", resource_metadata="${metadata}"`,
  ]);
  for (const path of ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"]) {
    expect(await (await fetch(new URL(path, url))).json()).toEqual({
      resource,
      authorization_servers: [issuer],
      bearer_methods_supported: ["header"],
      scopes_supported: ["mcp:call"],
    });
  }
  const token = await tokenOf();
  const call = { name: "look", arguments: {} };
  expect((await statelessClient(url, { token })("tools/call", call)).body.result.isError).toBeUndefined();
  expect(JSON.stringify(seen)).not.toContain(token);
  const inQuery = await statelessClient(`${url}?access_token=${token}`)("tools/list");
  expect(inQuery.status).toBe(401);
});
