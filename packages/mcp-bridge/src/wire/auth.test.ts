import { fakeClock } from "@remit/core/testing";
import { expect, test } from "vitest";
import { clientCredentials, type OAuth } from "../oauth/oauth.ts";
import { memoryOAuthStore } from "../oauth/store.ts";
import { authFetch } from "./auth.ts";

const url = new URL("https://mcp.test/mcp");
const issuer = "https://issuer.test";

/** A server and its issuer, without a network between. Of the tokens that were given out the last one counts. */
function world() {
  let given = 0;
  const fetch = async (target: string | URL, init: RequestInit = {}): Promise<Response> => {
    const { origin, pathname } = new URL(target);
    if (origin === url.origin && pathname === url.pathname) {
      const isGood = given > 0 && new Headers(init.headers).get("authorization") === `Bearer token-${given}`;
      return isGood
        ? Response.json({ ok: true })
        : new Response("", { status: 401, headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' } });
    }
    if (origin === url.origin && pathname.startsWith("/.well-known/oauth-protected-resource"))
      return Response.json({ resource: url.href, authorization_servers: [issuer] });
    if (origin === issuer && pathname === "/.well-known/oauth-authorization-server") {
      return Response.json({
        issuer,
        token_endpoint: `${issuer}/token`,
        authorization_endpoint: `${issuer}/authorize`,
        response_types_supported: ["code"],
        token_endpoint_auth_methods_supported: ["client_secret_basic"],
      });
    }
    if (pathname === "/token") {
      given++;
      return Response.json({ access_token: `token-${given}`, token_type: "Bearer" });
    }
    return new Response("", { status: 404 });
  };
  const connection = (oauth: OAuth) => {
    const authorised = authFetch({ url, oauth, fetch, clock: fakeClock(), person: () => {} });
    return async () => (await authorised(url)).status;
  };
  return { connection, given: () => given, revoke: () => given++ };
}

const credentials = { clientId: "desk", clientSecret: "a secret of the desk" };

test("connections to one server that share what they have been given get it once, also when they want it at once", async () => {
  const { connection, given } = world();
  const oauth = clientCredentials(credentials);
  const [one, other] = [connection(oauth), connection(oauth)];
  expect(await Promise.all([one(), other(), one()])).toEqual([200, 200, 200]);
  expect(given()).toBe(1);
});

test("what another process has got meanwhile is found where both keep it, and not asked for again", async () => {
  const { connection, given, revoke } = world();
  const store = memoryOAuthStore();
  const here = connection(clientCredentials({ ...credentials, store }));
  const there = connection(clientCredentials({ ...credentials, store }));
  expect([await here(), await there(), given()]).toEqual([200, 200, 1]);
  revoke();
  expect([await here(), given()]).toEqual([200, 3]);
  expect([await there(), given()]).toEqual([200, 3]);
});
