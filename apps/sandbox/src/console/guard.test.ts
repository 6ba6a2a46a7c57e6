import { expect, test } from "vitest";
import { type Desk, desk, origin, port } from "./desk.test.data.ts";
import { bodyBytesMost } from "./guard.ts";

const host = { host: `127.0.0.1:${port}` };
const quiet = (): Desk => desk({ script: [] });

test("G1 a name that leads here from elsewhere is refused; this machine's two names are not", async () => {
  const { get } = quiet();
  for (const wrong of ["evil.example", `evil.example:${port}`, "127.0.0.1:1", "127.0.0.1", `[::1]:${port}`, ""]) {
    const refused = await get("/", { host: wrong });
    expect([wrong, refused.status]).toEqual([wrong, 403]);
    expect(await refused.text()).not.toContain("<");
  }
  expect((await get("/", { host: `localhost:${port}` })).status).toBe(200);
});

test("G2 what a page of another origin sends is refused, also one of this machine's other ports", async () => {
  const { get, post, raw, sessions } = quiet();
  const cookie = sessions.enter(sessions.token())?.split(";")[0] ?? "";
  const path = "/letters/north/run_x/dismiss";
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const bare = await raw(path, { method: "POST", body: "reason=x", headers: { ...host, ...form, cookie } });
  expect(bare.status, "no origin is said").toBe(403);
  for (const other of ["http://evil.example", `http://127.0.0.1:${port + 1}`, `https://127.0.0.1:${port}`, "null"]) {
    expect([other, (await post(path, { reason: "x" }, { origin: other })).status]).toEqual([other, 403]);
    expect([other, (await get("/api/runs", { origin: other })).status]).toEqual([other, 403]);
  }
  for (const site of ["cross-site", "same-site"]) {
    expect((await get("/api/runs", { "sec-fetch-site": site, "sec-fetch-mode": "cors" })).status).toBe(403);
    expect((await post(path, { reason: "x" }, { "sec-fetch-site": site })).status).toBe(403);
    // Somebody follows a link from elsewhere: a page is shown to whoever is in, and nothing is done by it.
    const followed = { "sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    expect((await get("/", followed)).status).toBe(200);
  }
  expect((await raw("/", { method: "DELETE", headers: { ...host, cookie, origin } })).status).toBe(405);
});

test("G3 whoever is not in gets nothing of any run, on no path", async () => {
  const { raw, start } = quiet();
  await start("a secret of a customer").catch(() => undefined);
  const paths = [
    "/",
    "/inbox",
    "/letters",
    "/api/runs",
    "/api/inbox",
    "/api/letters",
    "/events",
    "/runs/north/run_x",
    "/nothing",
  ];
  for (const path of paths) {
    const answer = await raw(path, { headers: host });
    expect([path, answer.status]).toEqual([path, 401]);
    expect(await answer.text()).not.toMatch(/customer|north|payments/);
  }
  const forged = ["remit_console_x=1", `remit_console_000000000000=99999999999999.${"0".repeat(64)}`];
  for (const cookie of forged) expect((await raw("/", { headers: { ...host, cookie } })).status).toBe(401);
});

test("an address lets one browser in, once, and neither a look ahead nor a guess uses it up", async () => {
  const { raw, sessions, entered, clock } = quiet();
  const path = `/enter?token=${sessions.token()}`;
  expect((await raw(path, { headers: { ...host, "sec-purpose": "prefetch;prerender" } })).status).toBe(204);
  expect((await raw("/enter?token=guess", { headers: host })).status).toBe(403);
  const answer = await raw(path, { headers: host });
  expect([answer.status, answer.headers.get("location"), entered()]).toEqual([303, "/", 1]);
  const set = answer.headers.get("set-cookie") ?? "";
  expect(set).toMatch(
    /^remit_console_[0-9a-f]{12}=\d+\.[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
  );
  expect((await raw(path, { headers: host })).status, "the second time").toBe(403);
  const cookie = set.split(";")[0] ?? "";
  expect((await raw("/", { headers: { ...host, cookie: `other=1; ${cookie}` } })).status).toBe(200);
  // Who is in and follows the old address comes in as before.
  expect((await raw(path, { headers: { ...host, cookie } })).status).toBe(303);
  clock.advance(12 * 60 * 60_000);
  expect((await raw("/", { headers: { ...host, cookie } })).status, "after its time").toBe(401);
});

test("G4 a body is a form or JSON, and short", async () => {
  const { post, raw, sessions, postJson } = quiet();
  const path = "/letters/north/run_x/dismiss";
  expect((await post(path, { reason: "x" }, { "content-type": "text/plain" })).status).toBe(415);
  expect((await post(path, { reason: "x" }, { "content-encoding": "gzip" })).status).toBe(415);
  expect((await post(path, { reason: "x".repeat(bodyBytesMost) })).status).toBe(413);
  const cookie = sessions.enter(sessions.token())?.split(";")[0] ?? "";
  const pieces = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("x".repeat(64 * 1_024))),
  });
  const endless = await raw(path, {
    method: "POST",
    body: pieces,
    duplex: "half",
    headers: { ...host, cookie, origin, "content-type": "application/json" },
  } as RequestInit);
  expect(endless.status, "without a length").toBe(413);
  expect((await postJson(path, ["no object"])).status).toBe(422);
  expect(await (await postJson(path, { reason: " " })).json()).toMatchObject({ code: "console/request-invalid" });
});

test("every answer says what a browser may do with it", async () => {
  const { get, raw } = quiet();
  const answers = [await get("/"), await get("/nothing"), await get("/api/runs"), await raw("/", { headers: host })];
  for (const { headers } of answers) {
    expect(headers.get("content-security-policy")).toContain("default-src 'none'; style-src 'self'; script-src 'self'");
    expect(headers.get("content-security-policy")).not.toContain("unsafe");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("access-control-allow-origin")).toBeNull();
  }
  const page = await (await get("/")).text();
  expect(page, "no script, style or handler in the page").not.toMatch(
    /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/,
  );
  for (const [, address = ""] of page.matchAll(/(?:href|src|action)="([^"]*)"/g)) {
    expect(address, "nothing from elsewhere").toMatch(/^(\/|#|data:,)/);
  }
  expect((await get("/web/%2e%2e%2fpackage.json")).status).toBe(404);
  expect((await get("/web/constructor")).status).toBe(404);
});
