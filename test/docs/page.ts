import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { root } from "../architecture/module.ts";

/** A fenced block of a Markdown page: its language, the words behind it, its text. */
export interface Block {
  readonly language: string;
  readonly words: readonly string[];
  readonly text: string;
  /** Line of the opening fence, counted from 1. */
  readonly line: number;
}

/** A Markdown page, read as far as the tests need it. */
export interface Page {
  /** Path from the root of the repository. */
  readonly file: string;
  readonly blocks: readonly Block[];
  /** Anchors of its headings, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly { readonly target: string; readonly line: number }[];
}

/** @param file path from the root of the repository */
export function readPage(file: string): Page {
  const blocks: Block[] = [];
  const anchors = new Set<string>();
  const links: { target: string; line: number }[] = [];
  let open: { fence: string; info: string; line: number; text: string[] } | undefined;
  const rows = readFileSync(join(root, file), "utf8").split("\n");
  for (const [index, row] of rows.entries()) {
    if (open) {
      if (row.trim() === open.fence) {
        const [language = "", ...words] = open.info.split(/\s+/);
        blocks.push({ language, words, text: open.text.join("\n"), line: open.line });
        open = undefined;
      } else open.text.push(row);
      continue;
    }
    const fence = /^(`{3,}|~{3,})(.*)$/.exec(row);
    if (fence?.[1] !== undefined) {
      open = { fence: fence[1], info: (fence[2] ?? "").trim(), line: index + 1, text: [] };
      continue;
    }
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(row)?.[1];
    if (heading !== undefined) anchors.add(freeAnchor(anchorOf(heading), anchors));
    const prose = row.replace(/`[^`]*`/g, (code) => "x".repeat(code.length));
    for (const [, target] of prose.matchAll(/\]\(([^()\s]+(?:\([^()]*\))?)(?:\s+"[^"]*")?\)/g)) {
      if (target !== undefined) links.push({ target, line: index + 1 });
    }
    const definition = /^\[[^\]]+\]:\s+(\S+)/.exec(prose)?.[1];
    if (definition !== undefined) links.push({ target: definition, line: index + 1 });
  }
  if (open) throw new Error(`${file}:${open.line}: the block is never closed`);
  return { file, blocks, anchors, links };
}

/** The file that a relative link leads to, from the root of the repository, and its anchor. */
export function targetOf(page: Page, link: string): { readonly file: string; readonly anchor: string } {
  const [path = "", anchor = ""] = link.split("#");
  const file = path === "" ? page.file : relative(root, resolve(root, dirname(page.file), decodeURI(path)));
  return { file, anchor };
}

function anchorOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** A heading that comes a second time gets a number. */
function freeAnchor(anchor: string, taken: ReadonlySet<string>): string {
  let free = anchor;
  for (let count = 1; taken.has(free); count++) free = `${anchor}-${count}`;
  return free;
}
