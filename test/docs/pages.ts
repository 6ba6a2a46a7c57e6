import { globSync } from "node:fs";
import { root } from "../architecture/module.ts";
import { type Page, readPage } from "./page.ts";

/** The pages that people read: the root's, the packages' and docs/. */
export function allPages(): Page[] {
  const files = [
    ...globSync("*.md", { cwd: root }),
    ...globSync("{packages,apps}/*/README.md", { cwd: root }),
    ...globSync("docs/**/*.md", { cwd: root }),
  ];
  return files.sort().map(readPage);
}
