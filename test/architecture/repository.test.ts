import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { root } from "./module.ts";

/** All files of the repository: what git knows or would add; in a copy without git, everything that is not ignored. */
function repositoryFiles(): readonly string[] {
  if (existsSync(join(root, ".git"))) {
    const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
      cwd: root,
      encoding: "utf8",
    });
    return listed.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
  }
  const ignored = /(^|\/)(node_modules|dist|\.git|\.remit|coverage)(\/|$)/;
  return globSync("{**,.ci,.github}/*", { cwd: root, exclude: (path) => ignored.test(path) }).filter((file) =>
    statSync(join(root, file)).isFile(),
  );
}

const files = repositoryFiles();

test("the repository names no registry host and no path of a machine it was written on", () => {
  const slash = "/"; // so that this file does not name them either
  const patterns = [
    new RegExp(`https?:${slash}{2}registry[.]`),
    ...["work", "farm"].map((folder) => new RegExp(`(?<![\\w.)}\\]-])${slash}${folder}${slash}`)),
  ];
  const found = files.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    if (text.includes("\0")) return []; // not text
    return text.split("\n").flatMap((line, index) => {
      const hit = patterns.find((pattern) => pattern.test(line));
      return hit === undefined ? [] : [`${file}:${index + 1} matches ${hit}`];
    });
  });
  expect(files).toContain("pnpm-lock.yaml");
  expect(found).toEqual([]);
});

test("the type check sees every TypeScript file, the type tests among them", () => {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const listed = execFileSync(process.execPath, [tsc, "-p", "tsconfig.json", "--listFilesOnly"], {
    cwd: root,
    encoding: "utf8",
  });
  const checked = new Set(listed.split("\n").map((file) => relative(root, file)));
  // The proof on Restate has dependencies of its own, which are installed only when it is run.
  const unchecked = files.filter((file) => /(?<!^test\/restate\/.*)\.ts$/.test(file) && !checked.has(file));
  expect(unchecked).toEqual([]);
});
