import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AnyTool, type ToolContext, ToolRefusal } from "@remit/core";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { inProcessTools } from "./in-process.ts";
import { type World, WorldRefusal, worldTool } from "./world.ts";

type Shelf = { books: number };

const shelf: World<Shelf> = {
  name: "shelf",
  initial: () => ({ books: 2 }),
  clone: (state) => ({ ...state }),
  tools: [
    worldTool({
      name: "count_books",
      description: "Says how many books there are.",
      input: z.strictObject({}),
      effect: "read",
      run: (state: Shelf) => ({ books: state.books }),
    }),
    worldTool({
      name: "take_books",
      description: "Takes books away.",
      input: z.strictObject({ count: z.int().min(1) }),
      effect: "write",
      run: (state: Shelf, { count }) => {
        if (count > state.books) throw new WorldRefusal(`There are only ${state.books}.`);
        state.books -= count;
        return { books: state.books };
      },
    }),
  ],
};

const pack = {
  name: "shelf",
  openWorld: () => shelf as unknown as World,
  tools: {
    count_books: { effect: "read" },
    take_books: { effect: "write", risk: "low", idempotency: "key" },
  },
} as const;

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function open(of: Parameters<typeof inProcessTools>[0] = pack) {
  const dir = mkdtempSync(join(tmpdir(), "shelf-"));
  folders.push(dir);
  return inProcessTools(of, dir);
}

function call(tool: AnyTool | undefined, input: object, context: Partial<ToolContext>): unknown {
  const whole = {
    signal: new AbortController().signal,
    idempotencyKey: "",
    tenant: "t",
    runId: "r",
    agent: "a",
    path: "p",
  };
  return tool?.execute(input, { ...whole, attempt: 1, attributes: {}, ...context });
}

test("each run has a world of its own, and a key writes once", () => {
  const { tools, store, close } = open();
  const first = { attributes: { worldId: "one" }, idempotencyKey: "k1" };
  expect(call(tools.get("take_books"), { count: 1 }, first)).toEqual({ books: 1 });
  expect(call(tools.get("take_books"), { count: 1 }, { ...first, attempt: 2 })).toEqual({ books: 1 });
  expect(call(tools.get("count_books"), {}, { attributes: { worldId: "one" } })).toEqual({ books: 1 });
  expect(call(tools.get("count_books"), {}, { attributes: { worldId: "two" } })).toEqual({ books: 2 });
  expect(store.changes("one")).toEqual([{ path: "/books", before: 2, after: 1 }]);
  expect(store.log("one").map(({ outcome }) => outcome)).toEqual(["done", "duplicate", "done"]);
  close();
});

test("a refusal of the world is a refusal of the tool, and a run without a world is told so", () => {
  const { tools, store, close } = open();
  const context = { attributes: { worldId: "one" }, idempotencyKey: "k1" };
  expect(() => call(tools.get("take_books"), { count: 9 }, context)).toThrow(new ToolRefusal("There are only 2."));
  expect(store.changes("one")).toEqual([]);
  expect(() => call(tools.get("count_books"), {}, {})).toThrow(/worldId/);
  close();
});

test("a pack that names a tool which its world has not is a mistake of the pack", () => {
  const more = { ...pack, tools: { ...pack.tools, burn_books: { effect: "read" } as const } };
  expect(() => open(more)).toThrow(SandboxError);
  expect(() => open(more)).toThrow(/burn_books/);
});
