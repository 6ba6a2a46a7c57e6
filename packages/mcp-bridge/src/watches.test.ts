import fc from "fast-check";
import { expect, test } from "vitest";
import { createWatches } from "./watches.ts";

test("an address is watched while somebody listens, and each client has its own room", async () => {
  const told: string[] = [];
  const { watch, unwatch } = createWatches({
    begins: async (uri) => void told.push(`+${uri}`),
    ends: (uri) => void told.push(`-${uri}`),
    perClient: 2,
  });
  await watch("ann", ["a", "b", "a"]);
  await expect(watch("ann", ["c"])).rejects.toThrow("Too many resources are watched");
  await expect(watch("bob", ["a", "c", "d"])).rejects.toThrow("Too many resources are watched");
  await watch("bob", ["a", "c"]);
  unwatch("ann", ["a"]);
  await watch("ann", ["c"]);
  unwatch("bob", ["a", "c"]);
  unwatch("ann", ["c", "nothing"]);
  unwatch("nobody", ["b"]);
  expect(told).toEqual(["+a", "+b", "+a", "+c", "+c", "-a", "-c"]);
});

test("what could not be begun is not held", async () => {
  const ended: string[] = [];
  const { watch } = createWatches({
    begins: async (uri) => {
      if (uri === "bad") throw new Error("no");
    },
    ends: (uri) => void ended.push(uri),
    perClient: 2,
  });
  await expect(watch("ann", ["good", "bad"])).rejects.toThrow("no");
  expect(ended).toEqual(["good", "bad"]);
  await watch("ann", ["c", "d"]);
});

test("who gives back all that they took leaves nothing, in whatever order", async () => {
  const step = fc.record({ client: fc.constantFrom("a", "b"), uris: fc.uniqueArray(fc.constantFrom("1", "2", "3")) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const open = new Set<string>();
      const { watch, unwatch } = createWatches({
        begins: async (uri) => void open.add(uri),
        ends: (uri) => {
          expect(open.delete(uri)).toBe(true);
        },
      });
      for (const { client, uris } of steps) await watch(client, uris);
      const wanted = new Set(steps.flatMap(({ uris }) => uris));
      expect(open).toEqual(wanted);
      for (const { client, uris } of steps.toReversed()) unwatch(client, uris);
      expect(open).toEqual(new Set());
    }),
  );
});
