import { join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, packageFolders, sourcesOf } from "./module.ts";

/**
 * Circles that are in the thing itself, of types alone: an agent may be a team, a team is of agents and edges, and a policy is
 * bound to one.
 */
const known: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "@remit/core": [
    ["agent.ts", "handoff.ts", "policy/names.ts", "policy/policy.ts", "supervisor/compiled.ts", "threshold.ts"],
  ],
};

/** Groups of files of which each reaches each other one. */
function circlesOf(files: readonly string[]): string[][] {
  const all = new Set(files);
  const next = new Map(
    files.map((file) => [
      file,
      importsOf(file).flatMap(({ specifier, reach }) => {
        // What is loaded later is a way out of a circle.
        if (specifier === null || reach === "lazy" || !specifier.startsWith(".")) return [];
        const target = resolve(file, "..", specifier);
        return all.has(target) ? [target] : [];
      }),
    ]),
  );
  const reached = (from: string): ReadonlySet<string> => {
    const found = new Set<string>();
    const left = [...(next.get(from) ?? [])];
    for (let at = left.pop(); at !== undefined; at = left.pop()) {
      if (found.has(at)) continue;
      found.add(at);
      left.push(...(next.get(at) ?? []));
    }
    return found;
  };
  const reach = new Map(files.map((file) => [file, reached(file)]));
  const circles = new Map<string, string[]>();
  for (const file of files) {
    const own = reach.get(file);
    if (!own?.has(file)) continue;
    const circle = files.filter((other) => own.has(other) && reach.get(other)?.has(file)).sort();
    circles.set(circle.join(" "), circle);
  }
  return [...circles.values()];
}

describe.each([...packageFolders])("%s", (name, folder) => {
  test("files import in one direction", () => {
    const root = join(folder, "src");
    const files = sourcesOf(folder).filter((file) => !/\.test(-d)?\.ts$/.test(file));
    const found = circlesOf(files).map((circle) => circle.map((file) => relative(root, file)));
    expect(found.sort()).toEqual(known[name] ?? []);
  });
});
