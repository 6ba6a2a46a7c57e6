import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { McpError } from "../errors.ts";
import { loopbackRedirect } from "./loopback.ts";
import { clientCredentials, type OAuthOptions, oauth } from "./oauth.ts";
import { fileOAuthStore } from "./store.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "remit-oauth-"));
  cleanups.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const openUrl = async () => "http://127.0.0.1:1/back";

test.each<[string, Partial<OAuthOptions>]>([
  ["is a URL", { redirectUrl: "back" }],
  ["on https, on this machine", { redirectUrl: "http://shop.test/back" }],
  ["`clientMetadataUrl` is an https address", { clientMetadataUrl: "http://shop.test/client" }],
  ["belong to a `clientId`", { clientSecret: "secret" }],
])("what cannot work is said at once: %s", (reason, options) => {
  const wrong = () => oauth({ redirectUrl: "http://127.0.0.1:1/back", openUrl, ...options });
  expect(wrong).toThrow(McpError);
  expect(wrong).toThrow(reason);
});

test("client credentials are a secret or a key", () => {
  expect(() => clientCredentials({ clientId: "c" })).toThrow("`clientSecret` or a `privateKey`");
  expect(() => clientCredentials({ clientId: "c", clientSecret: "s", privateKey: "k" })).toThrow(McpError);
});

test("O2 secrets are masked, those of the configuration and those that come later", () => {
  const auth = clientCredentials({ clientId: "c", clientSecret: "very secret" });
  auth.keep("access token", "ey.token");
  expect(auth.mask("very secret and ey.token, secret")).toBe("[client secret] and [access token], secret");
});

test("a file of tokens is ours alone, and changes that come at once are all kept", async () => {
  const path = join(folder(), "deep", "tokens.json");
  const store = fileOAuthStore(path);
  expect(await store.get("a")).toBeUndefined();
  await Promise.all(["a", "b", "c"].map((key) => store.set(key, `token ${key}`)));
  await store.set("b", undefined);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ a: "token a", c: "token c" });
  expect(await fileOAuthStore(path).get("c")).toBe("token c");
});

test("a file that others may read, or that is not ours, is refused and left alone", async () => {
  const open = join(folder(), "open.json");
  writeFileSync(open, "{}", { mode: 0o644 });
  await expect(fileOAuthStore(open).get("a")).rejects.toMatchObject({ code: "mcp/config-invalid" });
  const other = join(folder(), "other.json");
  writeFileSync(other, "not JSON", { mode: 0o600 });
  await expect(fileOAuthStore(other).set("a", "b")).rejects.toThrow("is not one of ours");
  expect(readFileSync(other, "utf8")).toBe("not JSON");
});

test("a browser that comes back with the state of what was begun is listened to, and nobody else", async () => {
  const shown: URL[] = [];
  await using back = await loopbackRedirect({ open: (url) => void shown.push(url) });
  const { signal } = new AbortController();
  const coming = back.openUrl(new URL("https://issuer.test/authorize?state=s1"), { signal });
  const stranger = await fetch(`${back.redirectUrl}?state=s2&code=evil`);
  expect(stranger.status).toBe(404);
  const person = await fetch(`${back.redirectUrl}?state=s1&code=c1`);
  expect(person.status).toBe(200);
  expect(new URL(await coming).searchParams.get("code")).toBe("c1");
  expect(shown.map(String)).toEqual(["https://issuer.test/authorize?state=s1"]);
  const again = await fetch(`${back.redirectUrl}?state=s1&code=c2`);
  expect(again.status).toBe(404);
});

test("a port that somebody has is told with its code", async () => {
  await using first = await loopbackRedirect({ open: () => {} });
  const port = Number(new URL(first.redirectUrl).port);
  await expect(loopbackRedirect({ open: () => {}, port })).rejects.toMatchObject({
    code: "mcp/listen-failed",
    data: { port },
  });
});
