import { readFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { describe, expect, test } from "vitest";
import { describeImport, importsOf, packageFolders, packageOf, sourcesOf } from "./module.ts";

/** Which packages of the workspace each one may import. */
const directions = {
  "@remit/core": [],
  "@remit/agents": ["@remit/core"],
  "@remit/tools": ["@remit/core"],
  "@remit/mcp-bridge": ["@remit/core", "@remit/tools"],
  "@remit/sandbox": ["@remit/agents", "@remit/core", "@remit/mcp-bridge", "@remit/tools"],
} satisfies Record<string, readonly string[]>;

/**
 * What tests, and what they share in a folder that is not published, may import beside the dependencies of their package:
 * development dependencies of the root.
 */
const testTools = ["vitest", "fast-check"];

const packages = [...packageFolders].map(([name, folder]) => ({
  name,
  folder,
  imports: sourcesOf(folder).flatMap((file) => importsOf(file)),
  allowed: (directions as Record<string, readonly string[]>)[name],
}));

test("every package has its directions stated here", () => {
  expect([...packageFolders.keys()].sort()).toEqual(Object.keys(directions).sort());
});

describe.each(packages)("$name", ({ name, folder, imports, allowed = [] }) => {
  test("imports only the packages it may", () => {
    const wrong = imports.filter(({ specifier }) => {
      const target = packageOf(specifier);
      return target !== undefined && packageFolders.has(target) && target !== name && !allowed.includes(target);
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test("reaches no file of another package by a path", () => {
    const wrong = imports.filter(
      ({ file, specifier }) =>
        specifier?.startsWith(".") === true && !resolve(dirname(file), specifier).startsWith(folder + sep),
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test("declares what it imports", () => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const declared = [
      name,
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.peerDependencies ?? {}),
    ];
    const wrong = imports.filter(({ file, specifier }) => {
      const target = packageOf(specifier);
      if (target === undefined || declared.includes(target)) return false;
      const shared = manifest.files.includes("!dist/testing") && file.startsWith(join(folder, "src", "testing") + sep);
      return !((shared || /\.test(-d)?\.ts$/.test(file)) && testTools.includes(target));
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test("computes no import, unless it is the sandbox, which loads what a user points it at", () => {
    const computed = imports.filter(({ specifier }) => specifier === null && name !== "@remit/sandbox");
    expect(computed.map(describeImport)).toEqual([]);
  });
});

test("imports are found in every form", () => {
  const source = `
    import a from "a"; import type { B } from "b"; import { type C } from "c"; import "d";
    export * from "e"; export type * from "f"; export { g } from "g"; export type { H } from "h";
    type I = import("i").I; import j = require("j"); const k = require("k");
    const l = await import("l"); const m = await import(m0); process.getBuiltinModule("node:n");
    new Worker(new URL("./o.ts", import.meta.url));
    const text = 'import "not-an-import"'; // import "neither"
  `;
  const found = importsOf("example.ts", source).map(({ specifier, reach }) => `${specifier} ${reach}`);
  expect(found.sort()).toEqual([
    "./o.ts lazy",
    "a static",
    "b type",
    "c static",
    "d static",
    "e static",
    "f type",
    "g static",
    "h type",
    "i type",
    "j static",
    "k lazy",
    "l lazy",
    "node:n lazy",
    "null lazy",
  ]);
});
