import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../architecture/module.ts";
import { readPage, targetOf } from "./page.ts";
import { allPages } from "./pages.ts";

const pages = allPages();

test("every relative link leads to a file that is there, and to a heading in it", () => {
  const broken = pages.flatMap((page) =>
    page.links.flatMap(({ target, line }) => {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
      const { file, anchor } = targetOf(page, target);
      const where = `${page.file}:${line} leads to ${target}`;
      if (!existsSync(join(root, file))) return [`${where}, which is not there`];
      if (anchor === "") return [];
      if (!file.endsWith(".md")) return [`${where}: only pages have headings`];
      return readPage(file).anchors.has(anchor) ? [] : [`${where}, which has no such heading`];
    }),
  );
  expect(pages.map(({ file }) => file)).toContain("README.md");
  expect(broken).toEqual([]);
});

test("every page under docs/ can be reached from README.md", () => {
  const byFile = new Map(pages.map((page) => [page.file, page]));
  const reached = new Set(["README.md"]);
  for (const file of reached) {
    const page = byFile.get(file);
    for (const { target } of page?.links ?? []) {
      if (!page || /^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const next = targetOf(page, target).file;
      if (byFile.has(next)) reached.add(next);
    }
  }
  expect(pages.map(({ file }) => file).filter((file) => file.startsWith("docs/") && !reached.has(file))).toEqual([]);
});

test("no page has marks that a merge has left", () => {
  const left = pages.flatMap(({ file }) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, index) => (/^(?:<{7}|={7}|>{7}|\|{7})(?: |$)/.test(line) ? [`${file}:${index + 1}`] : [])),
  );
  expect(left).toEqual([]);
});
