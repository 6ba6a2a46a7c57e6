import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MemoryItem, type MemoryScope, type MemoryStore, memoryStore } from "@remit/core";
import { sqliteMemory } from "@remit/core/sqlite";
import fc from "fast-check";
import { afterAll, afterEach, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "remit-memory-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(folder, `${files++}.db`);
const open: MemoryStore[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});
const keep = (store: MemoryStore) => {
  open.push(store);
  return store;
};

const scope = (more: Partial<MemoryScope> = {}): MemoryScope => ({
  tenant: "acme",
  memory: "facts",
  owner: "principal:ann",
  ...more,
});
const item = (id: string, text: string, more: Partial<MemoryItem> = {}): MemoryItem => ({
  id,
  value: { text },
  labels: ["user"],
  text,
  at: 10,
  expiresAt: 1_000,
  run: "run_1",
  path: "a#1/tool#1",
  ...more,
});
const ids = async (store: MemoryStore, where: MemoryScope, text?: string, now = 100) =>
  (await store.find(where, { most: 50, now, ...(text === undefined ? {} : { text }) })).map(({ id }) => id);

describe.each([
  ["in the process", () => memoryStore()],
  ["in a file", () => sqliteMemory({ path: newPath() })],
] as const)("memories %s", (_, make) => {
  test("are found by words, best first, whatever their case and marks; without words the newest first", async () => {
    const store = keep(make());
    await store.write(scope(), item("a", "Ann likes Café crème and tea", { at: 1 }), 9);
    await store.write(scope(), item("b", "Ann likes tea", { at: 2 }), 9);
    await store.write(scope(), item("c", "Bob is allergic to nuts", { at: 3 }), 9);
    expect(await ids(store, scope(), "cafe CREME")).toEqual(["a"]);
    expect(new Set(await ids(store, scope(), "tea likes"))).toEqual(new Set(["a", "b"]));
    expect(await ids(store, scope(), "nothing of the kind")).toEqual([]);
    expect(await ids(store, scope())).toEqual(["c", "b", "a"]);
  });

  test("Y1 are those of one tenant, one memory and one owner", async () => {
    const store = keep(make());
    const others = [scope({ tenant: "other" }), scope({ memory: "notes" }), scope({ owner: "principal:bob" })];
    for (const where of others) await store.write(where, item("a", "secret tea"), 9);
    expect([await ids(store, scope()), await ids(store, scope(), "tea")]).toEqual([[], []]);
    expect(await store.forget(scope(), "a")).toBe(false);
    expect(await store.erase({ tenant: "acme", owner: "principal:ann", memory: "facts" })).toBe(0);
    for (const where of others) expect(await ids(store, where, "tea")).toEqual(["a"]);
  });

  test("Y2 the same write twice is one, and the newest holds", async () => {
    const store = keep(make());
    await store.write(scope(), item("a", "tea"), 1);
    expect(await store.write(scope(), item("a", "coffee"), 1)).toBe(true);
    expect([await ids(store, scope(), "tea"), await ids(store, scope(), "coffee")]).toEqual([[], ["a"]]);
    expect(await store.write(scope(), item("b", "milk"), 1)).toBe(false);
  });

  test("Y3 what has run out is not found, makes room, and goes at the sweep", async () => {
    const store = keep(make());
    await store.write(scope(), item("a", "tea", { expiresAt: 50 }), 1);
    expect(await ids(store, scope(), "tea", 49)).toEqual(["a"]);
    expect(await ids(store, scope(), "tea", 50)).toEqual([]);
    expect(await store.write(scope(), item("b", "milk", { at: 60 }), 1)).toBe(true);
    expect([await store.sweep(60), await store.sweep(60)]).toEqual([1, 0]);
    expect(await ids(store, scope(), "milk", 61)).toEqual(["b"]);
  });

  test("are forgotten one by one, and erased by owner", async () => {
    const store = keep(make());
    for (const memory of ["facts", "notes"]) {
      for (const id of ["a", "b"]) await store.write(scope({ memory }), item(id, `${id} tea`), 9);
    }
    expect([await store.forget(scope(), "a"), await store.forget(scope(), "a")]).toEqual([true, false]);
    expect(await ids(store, scope(), "tea")).toEqual(["b"]);
    expect(await store.erase({ tenant: "acme", owner: "principal:ann", memory: "facts" })).toBe(1);
    expect(await store.erase({ tenant: "acme", owner: "principal:ann" })).toBe(2);
    expect(await ids(store, scope({ memory: "notes" }), "tea")).toEqual([]);
  });

  test("whatever is searched for, nothing breaks and nobody else's is found", async () => {
    const store = keep(make());
    await store.write(scope({ owner: "principal:bob" }), item("b", "tea scope words NEAR"), 9);
    await store.write(scope(), item("a", "tea scope words NEAR"), 9);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.constantFrom('"', "tea*", "scope:x", "words : tea", "NOT tea", "(", "a^b")),
        async (text) => {
          for (const id of await ids(store, scope(), text)) expect(id).toBe("a");
        },
      ),
    );
  });
});

describe("memories in a file", () => {
  test("are there after it was closed, for its owner alone, with labels and values as they were", async () => {
    const path = newPath();
    const first = sqliteMemory({ path });
    const kept = item("a", "tea", { value: { text: "tea", n: [1, null] }, labels: ["mcp:crm", "user"] });
    await first.write(scope(), kept, 9);
    await first.close();
    const second = keep(sqliteMemory({ path }));
    expect(await second.find(scope(), { most: 1, now: 20 })).toEqual([kept]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("are closed with the end of a block, and once more does nothing", async () => {
    const path = newPath();
    {
      await using store = sqliteMemory({ path });
      await store.write(scope(), item("a", "tea"), 9);
      await store.close();
    }
    await using again = sqliteMemory({ path });
    expect(await ids(again, scope(), "tea")).toEqual(["a"]);
  });

  test("what was erased is in no byte of it", async () => {
    const path = newPath();
    const store = keep(sqliteMemory({ path }));
    await store.write(scope(), item("a", "zanzibarcanary"), 9);
    await store.write(scope({ owner: "principal:bob" }), item("b", "tea"), 9);
    await store.erase({ tenant: "acme", owner: "principal:ann" });
    const bytes = [path, `${path}-wal`].map((file) => readFileSync(file, "latin1")).join("");
    expect(bytes).not.toContain("zanzibarcanary");
    expect(await ids(store, scope({ owner: "principal:bob" }), "tea")).toEqual(["b"]);
  });

  test.each([
    [
      "no database",
      "this is no database at all, though it is long enough to be taken for the header of one at a glance".repeat(9),
    ],
    ["a folder", undefined],
  ])("%s is refused and left as it is", (_, text) => {
    const path = newPath();
    if (text !== undefined) writeFileSync(path, text);
    expect(() => sqliteMemory({ path: text === undefined ? folder : path })).toThrow(/memory\/unavailable/);
    if (text !== undefined) expect(readFileSync(path, "utf8")).toBe(text);
  });
});
