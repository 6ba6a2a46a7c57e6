import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { folderArtifacts, keeperOf, memoryArtifacts } from "./artifacts.ts";

const folder = mkdtempSync(join(tmpdir(), "remit-artifacts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const body = Buffer.from("line one\nline two \u00e9");
const artifact = { mediaType: "text/plain", body };

describe.each([
  ["memory", memoryArtifacts()],
  ["a folder", folderArtifacts(join(folder, "kept"))],
])("artifacts in %s", (_, artifacts) => {
  test("what is kept is found by its handle, by its tenant alone, and twice is once", async () => {
    const handle = await artifacts.put("a/../b", artifact);
    expect(await artifacts.put("a/../b", artifact)).toBe(handle);
    expect(handle).toMatch(/^art_[\w-]{43}$/);
    const found = await artifacts.get("a/../b", handle);
    expect({ ...found, body: Buffer.from(found?.body ?? []).toString() }).toEqual({
      ...artifact,
      body: body.toString(),
    });
    expect(await artifacts.get("other", handle)).toBeUndefined();
    expect(await artifacts.get("a/../b", "../../etc/passwd")).toBeUndefined();
    expect(await artifacts.put("a/../b", { ...artifact, mediaType: "text/html" })).not.toBe(handle);
  });
});

test("files are their owner's alone, and nothing half written has a name", () => {
  const [tenant = ""] = readdirSync(join(folder, "kept"));
  const files = readdirSync(join(folder, "kept", tenant));
  expect(files).toHaveLength(2);
  for (const file of files) expect(statSync(join(folder, "kept", tenant, file)).mode & 0o777).toBe(0o600);
});

test("memory lets the oldest go, never the newest", async () => {
  const small = memoryArtifacts({ bytesMax: 10 });
  const first = await small.put("t", { mediaType: "a", body: Buffer.alloc(6) });
  const second = await small.put("t", { mediaType: "b", body: Buffer.alloc(6) });
  const third = await small.put("t", { mediaType: "c", body: Buffer.alloc(60) });
  const found = await Promise.all([first, second, third].map((handle) => small.get("t", handle)));
  expect(found.map((one) => one?.mediaType)).toEqual([undefined, undefined, "c"]);
});

test("what a store cannot keep has no handle, and is told", async () => {
  const told: unknown[] = [];
  const full = { ...memoryArtifacts(), put: () => Promise.reject(new Error("no space left")) };
  const keeper = keeperOf(full, (reason) => told.push(reason));
  expect(await keeper.put("acme", { mediaType: "text/plain", body: Buffer.from("x") })).toBeNull();
  expect(told).toEqual([new Error("no space left")]);
});
