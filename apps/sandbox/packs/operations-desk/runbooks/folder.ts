import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, extname, join, relative } from "node:path";
import { z } from "zod";
import { SandboxError } from "../../../src/errors.ts";
import { type Runbook, readRunbook } from "./read.ts";

const line = z.looseObject({
  text: z.string(),
  path: z.string().min(1).max(1_000).optional(),
  id: z.string().min(1).max(100).optional(),
});

const runbooksMax = 10_000;

/**
 * Reads somebody's own runbooks: a folder with Markdown files (`.md`, at any depth) and with JSON lines (`.jsonl`: `text`, and
 * `id` or `path`), or one such file. In the order of their paths. Links out of the folder are not followed.
 * @throws SandboxError `runbook/none-there`, `runbook/not-read`
 */
export function readRunbooks(path: string): readonly Runbook[] {
  const files = filesIn(path);
  const found = new Map<string, Runbook>();
  const add = (runbook: Runbook, file: string) => {
    if (found.has(runbook.runbookId)) {
      throw new SandboxError("runbook/not-read", { file, reason: `the id ${runbook.runbookId} is taken` });
    }
    if (found.size >= runbooksMax) {
      throw new SandboxError("runbook/not-read", { file, reason: `there are more than ${runbooksMax}` });
    }
    found.set(runbook.runbookId, runbook);
  };
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const name = relative(path, file) || basename(file);
    if (extname(file) !== ".jsonl") {
      add(readRunbook(text, file, idOf(name)), file);
      continue;
    }
    text.split("\n").forEach((raw, index) => {
      if (raw.trim() === "") return;
      const source = `${file}:${index + 1}`;
      const read = line.safeParse(parsed(raw, source));
      if (!read.success) {
        const issue = read.error.issues[0];
        const reason = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
        throw new SandboxError("runbook/not-read", { file: source, reason });
      }
      const { id, path: from, text: markdown } = read.data;
      add(readRunbook(markdown, source, id ?? (from ? idOf(from) : `${idOf(name)}-${index + 1}`)), source);
    });
  }
  if (found.size === 0) throw new SandboxError("runbook/none-there", { path });
  return [...found.values()];
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SandboxError("runbook/not-read", { file, reason: "not JSON" });
  }
}

/** A path without its ending; folders stay part of it, since names come again in them. */
function idOf(path: string): string {
  return path.replace(/\.(?:md|jsonl)$/, "");
}

function filesIn(path: string): readonly string[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch {
    throw new SandboxError("runbook/none-there", { path });
  }
  if (!isFolder) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:md|jsonl)$/.test(entry.name) && !/^readme\.md$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
